import {
  and,
  assign,
  cancel,
  emit,
  enqueueActions,
  log,
  not,
  or,
  raise,
  sendParent,
  sendTo,
  spawnChild,
  stateIn,
  stopChild
} from 'xstate'
import type { Chance } from './chance.ts'
import { note } from './recorder.ts'

/** What a drawn part may speak of. */
export interface Surroundings {
  readonly chance: Chance
  /** Unique in the tree; names of its actions begin with it. */
  readonly name: string
  /** Ids of all nodes of the machine. */
  readonly nodes: readonly string[]
  /** Ids that its spawned children may have. */
  readonly kids: readonly string[]
  readonly hasParent: boolean
  /** Children may fail, at their start and later, and show their snapshots. */
  readonly fails: boolean
  /** Delays, ms: few and equal ones, or many that never coincide. */
  readonly delay: () => number
  /** Of this machine there may be several actors. */
  readonly isMany: boolean
  /** The machine's named delays, those of its `after` among them. */
  readonly delays: Record<string, Delay>
}

type Delay = number | ((args: Args) => number)

type Loose = never

export const EVENTS = ['A', 'B', 'C', 'D'] as const
const RAISED = ['R', 'S'] as const
const TIMERS = ['t1', 't2'] as const
/** At it a child fails, by a step that has done nothing yet: XState runs actions before it knows how a step ends. */
export const BOOM = 'BOOM'

interface Drawn {
  readonly n: number
  /** What may come back by itself costs one; so every run ends. */
  readonly fuel: number
  readonly ready: boolean
  readonly seen: readonly string[]
  /** Added to all delays: what actors of one machine begin at once does not come at once. */
  readonly shiftMs: number
  readonly alive: Readonly<Record<string, unknown>>
}

interface Args {
  readonly context: Drawn
  readonly event: { readonly type: string }
}

/** Between timers that one event arms by the same action twice: each has taken fuel. Irrational, as good as. */
const APART_MS = 0.0137

/** A delay that is the actor's own, where there may be others. */
export function ownDelay({ delay, isMany }: Pick<Surroundings, 'delay' | 'isMany'>): Delay {
  const ms = delay()
  return isMany ? ({ context }: Args) => ms + context.shiftMs - APART_MS * context.fuel : ms
}

/** Guards by name, with parameters, inline, and made of others. */
export function drawGuard({ chance, nodes }: Surroundings): Loose {
  const [modulus, rest] = [2 + chance.below(2), chance.below(2)]
  const inline = ({ context }: Args) => context.n % modulus === rest
  const made = [
    inline,
    'isEven',
    { type: 'isRest', params: { modulus, rest } },
    { type: 'isRest', params: ({ context }: Args) => ({ modulus, rest: context.seen.length % modulus }) },
    not('isEven'),
    and(['isEven', inline as never]),
    or(['isEven', inline as never]),
    stateIn(`#${chance.of(nodes)}`)
  ]
  return chance.of(made) as never
}

export function drawActions(around: Surroundings, max = 3): Loose {
  return around.chance.many(max, () => drawAction(around)) as never
}

function drawAction(around: Surroundings): unknown {
  const { chance, name } = around
  const mark = `${name}.${chance.below(1_000)}`
  const emitted = chance.of(['X', 'Y'])
  const simple = [
    () => assign({ n: ({ context }: Args) => context.n + 1 } as never),
    () => assign(({ context, event }: Args) => ({ seen: [...context.seen.slice(-5), event.type] }) as never),
    () => ({ type: 'note', params: { mark } }),
    () => ({ type: 'note', params: ({ context }: Args) => ({ mark, n: context.n }) }),
    () =>
      function inline(info: Args & { readonly self: { readonly id: string } }) {
        note(info.self.id, { inline: mark, n: info.context.n, event: info.event.type })
      },
    () => log(({ context }: Args) => context.n),
    () => emit((({ context }: Args) => ({ type: emitted, mark, n: context.n })) as never),
    () => costly(raise({ type: chance.of(RAISED) } as never)),
    () => costly(raise({ type: chance.of(EVENTS), late: true } as never, { delay: ownDelay(around) } as never)),
    () => costly(drawTimer(around)),
    () => cancel(chance.of(TIMERS)),
    () =>
      costly(
        sendTo(
          (({ self }: { readonly self: unknown }) => self) as never,
          { type: 'C' } as never,
          { delay: ownDelay(around) } as never
        )
      ),
    () => drawEnqueued(around, mark)
  ]
  const kids =
    around.kids.length === 0
      ? []
      : [() => costly(drawSpawn(around)), () => costly(drawSpawn(around)), () => costly(drawKidSend(around))]
  // Of those that may fail there are more to be told of it.
  const told = around.kids.length > 0 && around.fails ? Array.from({ length: 4 }, () => kids[2] as () => unknown) : []
  const late = () => ownDelay(around)
  const up = around.hasParent
    ? [
        ...(around.fails ? [() => costly(raise({ type: BOOM } as never, { delay: late() } as never))] : []),
        () => sendParent((({ context }: Args) => ({ type: 'UP', from: name, n: context.n })) as never)
      ]
    : []
  return chance.of([...simple, ...kids, ...told, ...up, ...up])()
}

/** The action while there is fuel. */
function costly(action: unknown): unknown {
  return enqueueActions((({ context, enqueue }: Args & { readonly enqueue: Enqueue }) => {
    if (context.fuel <= 0) return
    enqueue.assign({ fuel: context.fuel - 1 })
    enqueue(action)
  }) as never)
}

/** A timer under a name: its like before is cancelled, for XState would let both of them come. */
function drawTimer(around: Surroundings): unknown {
  const { chance } = around
  const id = chance.of(TIMERS)
  const [type, delay] = [chance.of(EVENTS), ownDelay(around)]
  return enqueueActions((({
    enqueue
  }: {
    readonly enqueue: { cancel: (id: string) => void; raise: (...args: unknown[]) => void }
  }) => {
    enqueue.cancel(id)
    enqueue.raise({ type }, { id, delay })
  }) as never)
}

function drawEnqueued({ chance }: Surroundings, mark: string): unknown {
  const type = chance.of(RAISED)
  return enqueueActions((({
    context,
    enqueue,
    check
  }: Args & { readonly enqueue: Enqueue; readonly check: (guard: string) => boolean }) => {
    if (check('isEven')) enqueue.assign({ n: context.n + 3 })
    enqueue({ type: 'note', params: { mark, enqueued: true } })
    if (context.n % 3 === 0) enqueue.raise({ type })
  }) as never)
}

interface Enqueue {
  (action: unknown): void
  assign(partial: unknown): void
  raise(event: unknown): void
  spawnChild(src: string, options: unknown): void
  stopChild(id: string): void
}

/** Spawned where it is not, stopped where it is: XState would leave the one before running. */
function drawSpawn({ chance, kids, fails }: Surroundings): unknown {
  const id = chance.of(kids)
  const input = { name: id, ...(fails && chance.yes(0.1) ? { fails } : {}) }
  const options = { id, input, ...(fails && chance.yes(0.3) ? { syncSnapshot: true } : {}) }
  const byAssign = assign((({
    context,
    spawn
  }: Args & { readonly spawn: (src: string, options: unknown) => unknown }) => {
    // In its initial step XState starts such a child at once, and one that is stopped in the same step runs for a while.
    if (context.alive[id] || !context.ready) return {}
    return { alive: { ...context.alive, [id]: spawn('kid', options) } }
  }) as never)
  const byAction = enqueueActions((({ context, enqueue }: Args & { readonly enqueue: Enqueue }) => {
    if (context.alive[id]) {
      enqueue.stopChild(id)
      enqueue.assign({ alive: { ...context.alive, [id]: null } })
    } else {
      enqueue.spawnChild('kid', options)
      enqueue.assign({ alive: { ...context.alive, [id]: true } })
    }
  }) as never)
  const byRef = enqueueActions((({ context, enqueue }: Args & { readonly enqueue: Enqueue }) => {
    const ref = context.alive[id]
    if (typeof ref !== 'object' || ref === null) return
    enqueue(sendTo(ref as never, { type: 'D' } as never))
    if (context.n % 2 === 0) {
      enqueue(stopChild(ref as never))
      enqueue.assign({ alive: { ...context.alive, [id]: null } })
    }
  }) as never)
  return chance.of([byAssign, byAction, byRef, spawnOnce(id)])
}

/** What a root begins with, so that there is a tree. */
export function spawnAll(kids: readonly string[]): readonly unknown[] {
  const alive = Object.fromEntries(kids.map((id) => [id, true]))
  return [...kids.map((id) => spawnChild('kid', { id, input: { name: id } } as never)), assign({ alive } as never)]
}

/** Within one step spawned, told and stopped again: it never runs. */
function spawnOnce(id: string): unknown {
  return enqueueActions((({ context, enqueue }: Args & { readonly enqueue: Enqueue }) => {
    if (context.alive[id]) return
    enqueue(spawnChild('kid', { id, input: { name: id } } as never))
    enqueue(sendTo(id, { type: 'A' } as never))
    enqueue.stopChild(id)
  }) as never)
}

function drawKidSend(around: Surroundings): unknown {
  const { chance, kids, fails } = around
  const id = chance.of(kids)
  const type = chance.of(fails ? [...EVENTS, BOOM] : EVENTS)
  const delay = chance.yes(0.3) ? ownDelay(around) : undefined
  return enqueueActions((({ context, enqueue }: Args & { readonly enqueue: Enqueue }) => {
    if (context.alive[id]) enqueue(sendTo(id, { type } as never, (delay === undefined ? {} : { delay }) as never))
  }) as never)
}

export const IMPLEMENTATIONS = {
  actions: {
    note: ({ self }: { readonly self: { readonly id: string } }, params: unknown) => note(self.id, params)
  },
  guards: {
    hasFuel: ({ context }: Args) => context.fuel > 0,
    isEven: ({ context }: Args) => context.n % 2 === 0,
    isRest: ({ context }: Args, { modulus, rest }: { readonly modulus: number; readonly rest: number }) =>
      context.n % modulus === rest
  }
}
