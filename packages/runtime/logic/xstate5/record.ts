import type { AnyMachineSnapshot, AnyStateMachine } from 'xstate'
import { RuntimeError } from '../../error.ts'
import { isBytes, plain } from '../plain.ts'
import type { Json, Persisted } from '../port.ts'
import type { ChildRef, Stage } from './stage.ts'

/** XState's own mark of a ref in what it persists; no event or context can contain one. */
const REF = { xstate$$type: 1 } as const

interface StateNode {
  readonly id: string
  readonly key: string
  readonly type: string
  readonly order: number
  readonly parent: StateNode | undefined
  readonly states: Readonly<Record<string, StateNode>>
  readonly tags: readonly string[]
}

/** What is stored of a snapshot. Shares nothing with it but what nobody can change. */
export function persist(stage: Stage, snapshot: AnyMachineSnapshot): Persisted {
  const { status, value, context, historyValue, output, children } = snapshot
  const keep = (ref: object) => stage.isOwn(ref)
  const replace = (ref: object) => ({ ...REF, id: (ref as ChildRef).id })
  const history = Object.entries(historyValue as Readonly<Record<string, readonly StateNode[]>>)
  return [
    status,
    copyValue(value),
    plain(context, { keep, replace }),
    history.map(([id, nodes]) => [id, nodes.map((node) => node.id)]),
    output === undefined ? [] : [plain(output)],
    Object.values(children as Readonly<Record<string, ChildRef>>).map(toStoredChild),
    orderOf(nodesOf(snapshot))
  ]
}

function toStoredChild({ id, src, _syncSnapshot, options }: ChildRef): Persisted[5][number] {
  return [id, String(src), _syncSnapshot ?? false, options.systemId ?? null]
}

function copyValue(value: unknown): Json {
  if (typeof value === 'string') return value
  return Object.fromEntries(Object.entries(value as object).map(([key, below]) => [key, copyValue(below)]))
}

function nodesOf(snapshot: AnyMachineSnapshot): readonly StateNode[] {
  return snapshot._nodes as unknown as readonly StateNode[]
}

/** Numbers of the nodes; none where the state value says all of it. */
function orderOf(nodes: readonly StateNode[]): readonly number[] {
  return isWhole(nodes) ? [] : nodes.map(({ order }) => order)
}

/**
 * Whether nodes are in the document's order and active as their kinds demand. By way of history XState can hold two states
 * of a compound one, of which the value names the first, and a state without the one around it, which the value names.
 */
function isWhole(nodes: readonly StateNode[]): boolean {
  const below = new Map<StateNode, number>(nodes.map((node) => [node, 0]))
  for (let i = 1; i < nodes.length; i++) {
    const { order, parent } = nodes[i] as StateNode
    const siblings = parent === undefined ? undefined : below.get(parent)
    if (parent === undefined || siblings === undefined || order <= (nodes[i - 1] as StateNode).order) return false
    below.set(parent, siblings + 1)
  }
  return nodes.every((node) => below.get(node) === childrenOf(node))
}

/** How many of its children are active while it is. */
function childrenOf({ type, states }: StateNode): number {
  if (type === 'compound') return 1
  return type === 'parallel' ? Object.values(states).filter((state) => state.type !== 'history').length : 0
}

/** Snapshots of one machine by state value and order, without context, children and history: nobody changes them. */
export type Shapes = Map<string, AnyMachineSnapshot>

/** Most machines have fewer states; above it the table begins anew. */
const SHAPES_MAX = 256

/**
 * The snapshot that was stored; what it acts on next is the same as if it had never been.
 *
 * @param shapes - of this machine: XState finds nodes, value and tags once for each
 * @throws RuntimeError `BRUME_RUNTIME_RECORD` for a state that the machine does not have
 */
export function restore(stage: Stage, machine: AnyStateMachine, stored: Json, shapes: Shapes): AnyMachineSnapshot {
  const persisted = assertPersisted(stored)
  const [status, value, context, history, output, children, order] = persisted
  if (history.length > 0 || children.length > 0 || refsIn(context).size > 0) return whole(stage, machine, persisted)
  const name = JSON.stringify([value, order])
  const shape = shapes.get(name) ?? whole(stage, machine, ['active', value, {}, [], [], [], order])
  if (!shapes.has(name)) {
    if (shapes.size >= SHAPES_MAX) shapes.clear()
    shapes.set(name, shape)
    shape.value = plain(shape.value)
  }
  const own = { status, context: revive(context, {}), output: output[0], children: {}, historyValue: {} }
  return { ...shape, ...own } as AnyMachineSnapshot
}

function whole(stage: Stage, machine: AnyStateMachine, persisted: Persisted): AnyMachineSnapshot {
  const [status, value, context, history, output, children, order] = persisted
  const stale = refsIn(context)
  const living = children.map(([id, src, syncSnapshot, systemId]) => [
    id,
    { src, syncSnapshot, systemId: systemId ?? undefined }
  ])
  const known = new Set(children.map(([id]) => id))
  const gone = [...stale].filter((id) => !known.has(id)).map((id) => [id, { src: anyActor(machine) }])
  const make = ([id, child]: unknown[]) => [id, { ...(child as object), snapshot: { status: 'active' } }]
  const snapshot = snapshotOf(stage, machine, {
    status,
    value,
    context: {},
    historyValue: Object.fromEntries(history.map(([id, nodes]) => [id, nodes.map((node) => ({ id: node }))])),
    output: output[0],
    error: undefined,
    children: Object.fromEntries([...living, ...gone].map(make))
  })
  const refs = snapshot.children as Readonly<Record<string, ChildRef>>
  return Object.assign(snapshot, {
    ...arranged(machine, value, nodesOf(snapshot), order),
    context: revive(context, refs),
    children: Object.fromEntries(Object.entries(refs).filter(([id]) => known.has(id)))
  })
}

function snapshotOf(stage: Stage, machine: AnyStateMachine, stored: object): AnyMachineSnapshot {
  try {
    return machine.restoreSnapshot(stored as never, stage.actorScope)
  } catch (cause) {
    return refuse(`the machine '${machine.id}' has no such state: it was changed without a migration`, cause)
  }
}

/** Something must stand behind a ref to a child that is gone; nothing is ever asked of it. */
function anyActor(machine: AnyStateMachine): string {
  return Object.keys(machine.implementations.actors)[0] ?? refuse('a ref to a child, and the machine has no actors')
}

/** XState's own restore goes by the value, whose keys may have been sorted on the way. */
function arranged(
  machine: AnyStateMachine,
  value: Json,
  nodes: readonly StateNode[],
  order: readonly number[]
): { _nodes: readonly StateNode[]; value: unknown; tags?: ReadonlySet<string> } {
  const { idMap, root } = machine as unknown as { readonly idMap: ReadonlyMap<string, StateNode>; root: StateNode }
  if (order.length === 0) {
    const _nodes = [...new Set(nodes)].sort((a, b) => a.order - b.order)
    return { _nodes, value: sorted(value, root, _nodes) }
  }
  const all = new Map([...idMap.values()].map((node) => [node.order, node]))
  const _nodes = order.map((number) => all.get(number) ?? refuse('the machine has no such active state'))
  // XState takes those around them, where they are not active, for the last.
  const around = new Set(_nodes)
  for (const { parent } of around) if (parent) around.add(parent)
  const tags = new Set(_nodes.flatMap((node) => node.tags))
  return { _nodes, value: sorted(value, root, [...around]), tags }
}

/** The state value with its keys in the order of these nodes: by it transitions are looked for. */
function sorted(value: Json, node: StateNode, order: readonly StateNode[]): Json {
  if (typeof value !== 'object' || value === null) return value
  const below = Object.entries(value).map(([key, inner]) => {
    const child = node.states[key] ?? refuse('the machine has no such state')
    return { key, child, inner, at: order.indexOf(child) }
  })
  below.sort((a, b) => a.at - b.at)
  return Object.fromEntries(below.map(({ key, child, inner }) => [key, sorted(inner, child, order)]))
}

/** Ids of children that the context speaks of. */
function refsIn(value: Json, found = new Set<string>()): ReadonlySet<string> {
  if (typeof value !== 'object' || value === null || isBytes(value)) return found
  const id = refId(value)
  if (id !== undefined) found.add(id)
  else for (const item of Object.values(value)) refsIn(item, found)
  return found
}

function revive(value: Json, refs: Readonly<Record<string, unknown>>): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (isBytes(value)) return Uint8Array.from(value)
  const id = refId(value)
  if (id !== undefined) return refs[id]
  if (Array.isArray(value)) return value.map((item) => revive(item, refs))
  const copy: Record<string, unknown> = {}
  for (const [key, item] of Object.entries(value)) copy[key] = revive(item, refs)
  return copy
}

function refId(value: object): string | undefined {
  return 'xstate$$type' in value && 'id' in value ? String(value.id) : undefined
}

function assertPersisted(stored: Json): Persisted {
  if (Array.isArray(stored) && stored.length === 7 && stored.slice(3).every((part) => Array.isArray(part))) {
    return stored as unknown as Persisted
  }
  return refuse('it is not what `persist` gives: [status, value, context, history, output, children, order]')
}

function refuse(reason: string, cause?: unknown): never {
  throw new RuntimeError('BRUME_RUNTIME_RECORD', `a stored state cannot be restored: ${reason}`, { cause })
}
