import { type AnyStateMachine, and, assign, createMachine, fromTransition } from 'xstate'
import {
  BOOM,
  drawActions,
  drawGuard,
  EVENTS,
  IMPLEMENTATIONS,
  ownDelay,
  type Surroundings,
  spawnAll
} from './actions.ts'
import { Chance } from './chance.ts'

interface Node {
  readonly key: string
  readonly id: string
  readonly kind: 'atomic' | 'compound' | 'parallel' | 'final' | 'shallow' | 'deep'
  readonly children: readonly Node[]
}

/** Named, so that failures are seen before a machine hangs the test. */
const ITERATIONS_MAX = 200
const KIDS = ['k1', 'k2'] as const

export interface MachineOptions {
  /** Children beside those that states invoke; `null` for a child itself. */
  readonly children: boolean
  readonly name: string
  readonly chance: Chance
  readonly delay: () => number
  /** Children fail, their failures may be handled, and more of them are synced. Default false. */
  readonly fails?: boolean
}

/** A machine drawn from a seed: nested, parallel, with history, guards, timers, raised events and, if wanted, children. */
export function drawMachine({ chance, name, children, delay, fails = false }: MachineOptions): AnyStateMachine {
  const root: Node = drawNode(chance, name, name, name === 'root' ? 3 : 2, true)
  const nodes = flatten(root).map(({ id }) => id)
  const isMany = children || name !== 'root'
  const around: Surroundings = {
    chance,
    name,
    delay,
    nodes,
    kids: children ? KIDS : [],
    hasParent: name !== 'root',
    fails,
    isMany,
    delays: {
      short: ownDelay({ delay, isMany }),
      later: ({ context: { n, shiftMs } }) => (isMany ? LATER_APART_MS : LATER_MS) + n + shiftMs
    }
  }
  const kid = children ? drawMachine({ chance, name: 'kid', children: false, delay, fails }) : undefined
  const config = {
    ...toConfig(root, around, kid),
    context: ({ input }: { readonly input?: { readonly name?: string; readonly fails?: boolean } }) => ({
      n: input?.fails ? boom() : 0,
      fuel: 30,
      ready: false,
      seen: [],
      alive: {},
      shiftMs: shiftOf(input?.name),
      name: input?.name ?? name
    }),
    options: { maxIterations: ITERATIONS_MAX },
    output: ({
      context,
      event
    }: {
      readonly context: { readonly n: number }
      readonly event: { readonly type: string }
    }) => ({
      n: context.n,
      by: event.type
    })
  }
  const actors = { ...(kid ? { kid } : {}), counter }
  return createMachine(
    config as never,
    { ...IMPLEMENTATIONS, actors, delays: around.delays } as never
  ) as unknown as AnyStateMachine
}

const LATER_MS = 40
/** Not due where a wait of whole milliseconds ends: the kernel's sums of times differ in their last bit. */
const LATER_APART_MS = 40.25

/** Another for each name, below 7 ms; 0 for the root. */
function shiftOf(name = ''): number {
  let hash = 0
  for (const letter of name) hash = (Math.imul(hash, 31) + letter.charCodeAt(0)) >>> 0
  return new Chance(hash).unit() * (name === '' ? 0 : 7)
}

const boom = (): never => {
  throw new Error('boom')
}

const counter = fromTransition(
  (state: { readonly n: number }, event: { readonly type: string }) => {
    return event.type === 'A' ? { n: state.n + 1 } : state
  },
  { n: 0 }
)

function drawNode(chance: Chance, id: string, key: string, depth: number, isRoot = false): Node {
  const kind =
    depth === 0
      ? 'atomic'
      : chance.of(isRoot ? ['compound', 'parallel', 'compound'] : ['atomic', 'atomic', 'compound', 'parallel'])
  if (kind === 'atomic') return { id, key, kind, children: [] }
  const children = Array.from({ length: 2 + chance.below(2) }, (_, i) =>
    drawNode(chance, `${id}${i}`, `s${i}`, depth - 1)
  )
  const history = chance.yes(0.4)
    ? [{ id: `${id}h`, key: 'h', kind: chance.of(['shallow', 'deep'] as const), children: [] }]
    : []
  const final =
    kind === 'compound' && chance.yes(0.4) ? [{ id: `${id}f`, key: 'f', kind: 'final' as const, children: [] }] : []
  return { id, key, kind: kind as Node['kind'], children: [...children, ...history, ...final] }
}

function flatten(node: Node): readonly Node[] {
  return [node, ...node.children.flatMap(flatten)]
}

function toConfig(node: Node, around: Surroundings, kid: AnyStateMachine | undefined): object {
  const { chance, nodes } = around
  // Without a target, one in a parallel state would enter that state without having left it: its timers would double.
  if (node.kind === 'shallow' || node.kind === 'deep') {
    return { id: node.id, type: 'history', history: node.kind, target: `#${node.id.slice(0, -1)}0` }
  }
  if (node.kind === 'final')
    return { id: node.id, type: 'final', entry: drawActions(around, 2), output: { final: node.id } }
  const states = Object.fromEntries(node.children.map((child) => [child.key, toConfig(child, around, kid)]))
  const isRoot = node.key === around.name
  const targets = nodes.slice(1)
  const events = [...EVENTS, 'R', 'S', ...(kid === undefined && !around.fails && chance.yes(0.1) ? ['*'] : [])].filter(
    () => chance.yes(0.3)
  )
  return {
    id: node.id,
    ...(node.kind === 'parallel' ? { type: 'parallel' } : {}),
    ...(node.children.length > 0 ? { states } : {}),
    ...(node.kind === 'compound' ? { initial: drawInitial(node, around) } : {}),
    entry: drawActions(around, 2),
    exit: drawActions(around, 2),
    tags: [node.kind],
    on: {
      ...Object.fromEntries(events.map((event) => [event, drawTransitions(around, targets)])),
      ...(isRoot
        ? {
            READY: {
              actions: [assign({ ready: true } as never), ...(around.fails && kid ? spawnAll(around.kids) : [])]
            },
            UP: costly(drawActions(around, 2))
          }
        : {}),
      ...(isRoot && around.fails ? drawFamily(around) : {})
    },
    ...(chance.yes(0.2) ? { always: drawAlways(around, targets) } : {}),
    ...(chance.yes(0.25) ? { after: drawAfter(around, targets) } : {}),
    ...(node.kind !== 'atomic' && !isRoot && chance.yes(0.4) ? { onDone: drawTransition(around, targets) } : {}),
    ...(kid && chance.yes(0.3) ? { invoke: drawInvoke(around, node, targets, kid) } : {})
  }
}

function drawInitial({ children }: Node, around: Surroundings): unknown {
  const first = children[0]?.key
  return around.chance.yes(0.2) ? { target: first, actions: drawActions(around, 2) } : first
}

function drawTransitions(around: Surroundings, targets: readonly string[]): unknown {
  const guarded = around.chance.many(2, () => ({ guard: drawGuard(around), ...drawTransition(around, targets) }))
  return [...guarded, drawTransition(around, targets)]
}

function drawTransition(around: Surroundings, targets: readonly string[]): object {
  const { chance } = around
  return {
    ...(chance.yes(0.7) ? { target: `#${chance.of(targets)}` } : {}),
    ...(chance.yes(0.2) ? { reenter: true } : {}),
    actions: drawActions(around, 2)
  }
}

/** One that may start again what it is the end of. */
function drawReentry(around: Surroundings, targets: readonly string[]): object {
  const { actions, ...transition } = drawTransition(around, targets) as { readonly actions: readonly unknown[] }
  return { ...transition, ...costly(actions) }
}

/** While there is fuel: what children say may have the state say something to them. */
function costly(actions: readonly unknown[]): object {
  const spend = assign({
    fuel: ({ context }: { readonly context: { readonly fuel: number } }) => context.fuel - 1
  } as never)
  return { guard: 'hasFuel', actions: [spend, ...actions] }
}

/** Without fuel a failure is taken and nothing done about it: one that nobody takes ends the comparison. */
const HANDLED = {}

/** How a child fails, or what a parent does about what becomes of its children. */
function drawFamily(around: Surroundings): object {
  const { chance, kids, hasParent } = around
  if (hasParent) return { [BOOM]: chance.of([{ guard: boom }, { actions: assign(boom) }]) }
  return Object.fromEntries(
    kids.flatMap((id) => [
      ...(chance.yes(0.97) ? [[`xstate.error.actor.${id}`, [drawEnd(around, id), HANDLED]]] : []),
      ...(chance.yes(0.5) ? [[`xstate.done.actor.${id}`, drawEnd(around, id)]] : []),
      ...(chance.yes(0.5) ? [[`xstate.snapshot.${id}`, costly(drawActions(around, 1))]] : [])
    ])
  )
}

/** A child is over, and may be spawned again. */
function drawEnd(around: Surroundings, id: string): object {
  const forget = assign({
    alive: ({ context }: { readonly context: { readonly alive: object } }) => ({ ...context.alive, [id]: null })
  } as never)
  return costly([forget, ...(drawActions(around, 2) as readonly unknown[])])
}

function drawAlways(around: Surroundings, targets: readonly string[]): object {
  const guard = and(['hasFuel', drawGuard(around)])
  return { ...drawReentry(around, targets), guard }
}

function drawAfter(around: Surroundings, targets: readonly string[]): object {
  const { chance, delays: named, isMany } = around
  const own = isMany ? `d${Object.keys(named).length}` : around.delay()
  if (isMany) named[own] = ownDelay(around)
  const delays = [own, chance.of(['short', 'later'])].filter(() => chance.yes(0.6))
  return Object.fromEntries(delays.map((delay) => [delay, drawTransition(around, targets)]))
}

function drawInvoke(around: Surroundings, { id }: Node, targets: readonly string[], kid: AnyStateMachine): object {
  const { chance } = around
  const isCounter = chance.yes(0.2)
  return {
    ...(chance.yes(0.5) ? { id: `i${id}` } : {}),
    src: isCounter ? 'counter' : chance.yes(0.5) ? 'kid' : kid,
    input: { name: `i${id}`, ...(around.fails && chance.yes(0.02) ? { fails: true } : {}) },
    onDone: drawReentry(around, targets),
    ...(chance.yes(around.fails ? 0.97 : 0.7) ? { onError: [drawReentry(around, targets), HANDLED] } : {}),
    ...(!isCounter && chance.yes(0.3) ? { onSnapshot: costly(drawActions(around, 1)) } : {})
  }
}
