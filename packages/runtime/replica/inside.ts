import type { AnyMachineSnapshot, AnyStateMachine } from 'xstate'
import { plain } from '../logic/plain.ts'
import type { ActorLogic, Event, Json, Scope } from '../logic/port.ts'
import { type EventSchema, eventCheck } from '../logic/schema.ts'
import { stepSlot } from '../logic/slot.ts'
import { machineLogic } from '../logic/xstate5/machine.ts'
import { forbiddenIn } from './forbidden.ts'
import type { Inside, MachineModule, Migrating } from './inside-port.ts'

/**
 * The end of a bundle that runs in the realm. Everything that comes in is copied, so that a machine meets objects of
 * its own realm only: those of outside would be instances of other classes, but only until a member restarts.
 */
export function inside(module: MachineModule): Inside {
  const machine = module.default as AnyStateMachine
  const logic = machineLogic(machine, { id: new Uint8Array(32), checks: 'step' }) as ActorLogic
  const check = module.schema === undefined ? plain : eventCheck(module.schema as EventSchema)
  const selectors = Object.entries(module.selectors ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))
  const byName = new Map(selectors as unknown as readonly [string, Selector][])
  const namesOf = (takes: (length: number) => boolean) =>
    selectors.filter(([, selector]) => takes(selector.length)).map(([name]) => name)
  return {
    events: machine.events.filter((type: string) => !/^(xstate|brume)\.|\*/.test(type)),
    selectors: namesOf((length) => length < 2),
    queries: namesOf((length) => length >= 2),
    forbidden: forbiddenIn(machine),
    init: (input, scope) => logic.init(plain(input), ownScope(scope)),
    step: (state, event, scope) => logic.step(state, plain(event) as Event, ownScope(scope)),
    persist: (state) => logic.persist(state),
    restore: (stored, scope) => logic.restore(plain(stored), ownScope(scope)),
    migrate: (version, stored) => migrate(module, version, stored),
    view: (state) => logic.view(state),
    takes: (state, event, scope) => {
      const slot = stepSlot()
      slot.current = ownScope(scope)
      try {
        return (machine.getTransitionData(state as AnyMachineSnapshot, plain(event) as Event) ?? []).length > 0
      } finally {
        slot.current = null
      }
    },
    hasSchema: module.schema !== undefined,
    check: (event) => check(plain(event)) as Event,
    select: (state, name, args) => {
      const selector = byName.get(name)
      if (selector === undefined) throw new RangeError(`no selector ${name}`)
      return plain(selector(logic.view(state).context, plain(args)))
    }
  }
}

type Selector = (context: Json, args: Json) => unknown

function migrate({ migrate: steps = {} }: MachineModule, version: number, stored: Migrating): Migrating {
  let moving = plain(stored) as unknown as Migrating
  if (steps[version] === undefined) throw new RangeError(`the module has no migrate[${version}]`)
  for (let at = version, step = steps[at]; step !== undefined; step = steps[at]) {
    moving = plain(step(moving)) as unknown as Migrating
    at += 1
  }
  return moving
}

function ownScope(scope: Scope): Scope {
  return { ...scope, random: (length) => Uint8Array.from(scope.random(length)) }
}
