import type { Log, Store } from '@brume/ports'
import { SimClock, SimRandom, seedFromHex, settle } from '@brume/testkit'
import { type AnyStateMachine, assign, createMachine, setup } from 'xstate'
import type { ActorLogic, Effect, Event, Json } from '../logic/port.ts'
import { xstate5 } from '../logic/xstate5/index.ts'
import {
  createKernel,
  type DeadLetter,
  type Kernel,
  type KernelOptions,
  type Kind,
  type Remote,
  type SpawnOptions
} from './index.ts'

export const SELF = '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp'

/** Keeps messages for the test to read. */
function memoryLog(): Log & { readonly lines: string[] } {
  const lines: string[] = []
  const keep = (_fields: object, message: string): void => void lines.push(message)
  const log = { lines, debug: keep, info: keep, warn: keep, error: keep, child: () => log }
  return log
}

/** A kernel in simulated time, and what it said. */
export interface World {
  readonly kernel: Kernel
  readonly clock: SimClock
  readonly lines: string[]
  readonly escalated: { readonly path: string; readonly error: unknown }[]
}

export function world(more: Partial<KernelOptions> = {}): World {
  const clock = new SimClock()
  const log = memoryLog()
  const escalated: World['escalated'] = []
  const random = new SimRandom(seedFromHex('00'.repeat(16)), 'kernel')
  const onEscalated = (failure: World['escalated'][number]): void => void escalated.push(failure)
  const kernel = createKernel({ clock, log, random, self: SELF, onEscalated, ...more })
  return { kernel, clock, lines: log.lines, escalated }
}

/** A logic written out: what it does with each event, and with its start. */
export function scripted<S extends Json>(
  start: (input: Json) => S,
  on: (
    state: S,
    event: Event,
    context: { readonly ask: string | null; readonly sender: string | null }
  ) => S | readonly [S, readonly Effect[]],
  more: {
    readonly entry?: readonly Effect[]
    readonly isDone?: (state: S) => boolean
    readonly child?: ActorLogic['child']
  } = {}
): ActorLogic {
  const statusOf = (state: S) => (more.isDone?.(state) ? 'done' : 'active')
  const logic: ActorLogic<S> = {
    id: new Uint8Array(32),
    init: (input) => ({ state: start(input), effects: more.entry ?? [] }),
    step: (state, event, scope) => {
      const next = on(state, event, scope)
      return isPair(next) ? { state: next[0], effects: next[1] } : { state: next, effects: [] }
    },
    persist: (state) => ['active', null, state, [], [], [], []],
    restore: (stored) => (stored as readonly Json[])[2] as S,
    view: (state) => ({ status: statusOf(state), value: null, context: state, tags: [], output: state }),
    child: more.child ?? (() => undefined)
  }
  return logic as ActorLogic
}

function isPair<S>(next: S | readonly [S, readonly Effect[]]): next is readonly [S, readonly Effect[]] {
  return Array.isArray(next)
}

export const boom = (): never => {
  throw new Error('boom')
}

/** Counts `add`, answers `get`, throws at `fail`, ends at `end`. */
export const counter: Kind = {
  name: 'counter',
  version: 1,
  logic: scripted<{ n: number; over: boolean }>(
    (input) => ({ n: typeof input === 'number' ? input : 0, over: false }),
    (state, event, { ask }) => {
      if (event.type === 'fail') return boom()
      if (event.type === 'end') return { ...state, over: true }
      if (event.type === 'get') return [state, [{ kind: 'reply', token: ask ?? '', value: state.n }]]
      return event.type === 'add' ? { ...state, n: state.n + 1 } : state
    },
    { isDone: ({ over }) => over }
  )
}

/** Starts a machine at a path. */
export function run(kernel: Kernel, path: string, machine: AnyStateMachine, options: SpawnOptions = {}): void {
  kernel.register({ name: path, version: 1, logic: xstate5(machine) })
  kernel.spawn(path, path, options)
}

export function statusAt(kernel: Kernel, path: string): string | undefined {
  return kernel.actors().find((actor) => actor.path === path)?.status
}

/** What watchers of these paths are told, in order. */
export function downs(kernel: Kernel, ...paths: string[]): string[] {
  const told: string[] = []
  for (const path of paths) kernel.watch(path, ({ reason }) => told.push(`${path} ${reason}`))
  return told
}

/** Dead letters that are there now. */
export async function lettersOf(kernel: Kernel): Promise<DeadLetter[]> {
  const letters: DeadLetter[] = []
  const reader = kernel.deadLetters()[Symbol.asyncIterator]()
  for (;;) {
    const next = await Promise.race([reader.next(), settle().then(() => null)])
    if (next === null || next.done === true) return letters
    letters.push(next.value)
  }
}

/** The counter as a machine. */
export const countingMachine = setup({
  types: { context: {} as { n: number }, events: {} as { type: 'add' } | { type: 'fail' } | { type: 'end' } }
}).createMachine({
  context: { n: 0 },
  initial: 'on',
  states: {
    on: {
      on: { add: { actions: assign({ n: ({ context }) => context.n + 1 }) }, fail: { actions: boom }, end: 'off' }
    },
    off: { type: 'final' }
  }
})

/** A peer's life on a store: its kernel, started, and with these kinds. */
export async function life(store: Store, more: { remote?: Remote } = {}) {
  const all = world({ store, ...more })
  await all.kernel.start()
  return all
}

export const light = createMachine({
  initial: 'red',
  states: { red: { after: { 10000: 'green' } }, green: {} }
})
