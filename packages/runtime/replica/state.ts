import type { Event, Json, Persisted, Scope, View } from '../logic/port.ts'
import { CloneError, clone } from './clone.ts'
import type { Inside } from './inside-port.ts'
import {
  contextPath,
  Items,
  partPath,
  partsOf,
  type ReplicaSnapshot,
  selectPath,
  snapshotOf,
  statusField
} from './leaves.ts'
import { readSources, type Sources, sourcesField } from './sources.ts'

/** Of all leaves of one machine together: what every member holds for each of its last states. */
const STATE_BYTES_MAX = 262_144

/** What the group notes of others has limits of its own: it changes where nothing can be refused any more. */
const KEPT_APART: ReadonlySet<string> = new Set(['sent', 'sources'])

/** Parts of 3,500 bytes that one selector may have: a certified read brings 64 KiB. */
const SELECTED_PARTS_MAX = 18

/** Longer keys would not fit beside their value. */
const PATH_BYTES_MAX = 400

/** An event that waits for group time. */
export interface Timer {
  readonly id: string
  /** Group time, ms since 1970. */
  readonly dueMs: number
  readonly event: Event
  /** Null: for the machine itself. */
  readonly to: string | null
}

/** One value of a state, with the object it was read from: while that stays the same object, so do its leaves. */
interface Item {
  readonly source: unknown
  readonly parts: readonly Uint8Array[]
}

/** A state between two commands; never changed. */
export interface State {
  /** As the machine has it, an object of the realm; null where it could not be started. */
  readonly inner: unknown
  /** Takes no more events, and fires no timers. */
  readonly frozen: boolean
  /** The address that goes on from here. */
  readonly successor: string | null
  readonly timers: ReadonlyMap<string, Timer>
  /** By target, the sequence number of the last send; the latest last. */
  readonly sent: ReadonlyMap<string, number>
  readonly sources: Sources
  readonly items: ReadonlyMap<string, Item>
}

/** Before the first block. */
export const NOTHING: State = {
  ...{ inner: null, frozen: false, successor: null },
  ...{ timers: new Map(), sent: new Map(), sources: new Map(), items: new Map() }
}

export type Leaves = readonly (readonly [path: string, bytes: Uint8Array])[]

/**
 * The state with its values as leaves.
 *
 * @param before - the state whose leaves are kept where nothing changed
 * @throws CloneError where it cannot be replicated
 */
export function seal(inside: Inside, before: State, next: Omit<State, 'items'>): State {
  const items = new Map<string, Item>()
  const keep = (path: string, source: unknown, read: () => Json): void => {
    const known = before.items.get(path)
    const same = known !== undefined && known.source === source
    items.set(path, same ? known : { source, parts: partsOf(read()) })
  }
  const view = next.inner === null ? FAILED : inside.view(next.inner)
  const keys = Object.keys(view.context as object)
  for (const key of keys) {
    const path = contextPath(key)
    if (path.length > PATH_BYTES_MAX) throw new CloneError('size', key, 'a key too long for a path')
    const source = (view.context as { readonly [key: string]: unknown })[key]
    if (source !== undefined) keep(path, source, () => within(key, () => clone(source)))
  }
  const output: ReplicaSnapshot['output'] =
    view.output === undefined ? [] : [within('output', () => clone(view.output))]
  const field = {
    status: view.status,
    ...{ frozen: next.frozen, successor: next.successor, tags: view.tags },
    keys: keys.filter((key) => items.has(contextPath(key))),
    output
  }
  // Told apart by texts, for these objects are made anew by every step, and mostly equal. An output never changes.
  keep('status', JSON.stringify({ ...field, output: output.length }), () => statusField(field))
  keep('value', JSON.stringify(view.value), () => clone(view.value))
  keep('timers', next.timers, () => timersField(next.timers))
  keep('sent', next.sent, () => [...next.sent].map((entry) => [...entry]))
  keep('sources', next.sources, () => sourcesField(next.sources))
  if (bytesOf(items) > STATE_BYTES_MAX)
    throw new CloneError('size', '', `a state of more than ${STATE_BYTES_MAX} bytes`)
  return { ...next, items }
}

const FAILED: View = { status: 'error', value: null, context: {}, tags: [] }

/** What is made once a block: the history, and the values of selectors without arguments; one that throws has none. */
export function finish(inside: Inside, before: State, state: State): State {
  const items = new Map(state.items)
  for (const [path, read] of lastItems(inside, state)) {
    const known = state.inner === before.inner ? before.items.get(path) : undefined
    const item = known ?? readItem(state, read)
    if (item !== undefined) items.set(path, item)
  }
  return { ...state, items }
}

function* lastItems(inside: Inside, { inner }: State): Iterable<readonly [path: string, read: () => unknown]> {
  yield ['history', () => (inner === null ? [[], []] : historyOf(inside.persist(inner)))]
  if (inner === null) return
  for (const name of inside.selectors) yield [selectPath(name), () => inside.select(inner, name, null)]
}

function readItem({ inner }: State, read: () => unknown): Item | undefined {
  try {
    const parts = partsOf(clone(read() ?? null))
    return parts.length > SELECTED_PARTS_MAX ? undefined : { source: inner, parts }
  } catch (error) {
    if (isExhausted(error)) throw error
    return undefined
  }
}

/** Stack or memory of this process ended: nothing that all members see alike. */
export function isExhausted(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false
  const { name, message } = error as { readonly name?: unknown; readonly message?: unknown }
  return name === 'RangeError' && /call stack|out of memory|allocation/i.test(String(message))
}

export function leavesOf({ items }: State): Leaves {
  return [...items].flatMap(([path, { parts }]) => parts.map((bytes, part) => [partPath(path, part), bytes] as const))
}

/** What must be done to the leaves of one state to have those of another. */
export function changesOf(before: State, after: State): readonly (readonly [path: string, bytes: Uint8Array | null])[] {
  const changes: (readonly [string, Uint8Array | null])[] = []
  for (const [path, { parts }] of after.items) {
    const known = before.items.get(path)?.parts ?? []
    if (known === parts) continue
    parts.forEach((bytes, part) => {
      const old = known[part]
      if (old === undefined || Buffer.compare(old, bytes) !== 0) changes.push([partPath(path, part), bytes])
    })
    for (let part = parts.length; part < known.length; part++) changes.push([partPath(path, part), null])
  }
  for (const [path, { parts }] of before.items) {
    if (!after.items.has(path)) changes.push(...parts.map((_, part) => [partPath(path, part), null] as const))
  }
  return changes
}

/** @throws CodecError, CloneError, or what restoring throws, for leaves that are no state */
export function restoreState(inside: Inside, leaves: Leaves, scope: Scope): State {
  const items = new Items(leaves)
  const { status, frozen, successor, value, context, output } = snapshotOf(items)
  const [history, order] = items.require('history') as unknown as readonly [Persisted[3], Persisted[6]]
  const stored: Persisted = [status, value, context, history, output, [], order]
  const inner = status === 'error' ? null : inside.restore(stored, scope)
  const sent = new Map(items.require('sent') as unknown as readonly (readonly [string, number])[])
  const sources = readSources(items.require('sources'))
  const next = { inner, frozen, successor, timers: readTimers(items.require('timers')), sent, sources }
  return finish(inside, NOTHING, seal(inside, NOTHING, next))
}

function timersField(timers: ReadonlyMap<string, Timer>): Json {
  return [...timers.values()].sort(byDue).map(({ id, dueMs, event, to }) => [id, dueMs, event, to])
}

export function readTimers(field: Json): ReadonlyMap<string, Timer> {
  const timers = (field as readonly (readonly Json[])[]).map(([id, dueMs, event, to]) => ({
    id: String(id),
    dueMs: Number(dueMs),
    event: event as Event,
    to: to === null ? null : String(to)
  }))
  return new Map(timers.map((timer) => [timer.id, timer]))
}

/** By group time; of one time, by id. */
export function byDue(a: Timer, b: Timer): number {
  return a.dueMs - b.dueMs || (a.id < b.id ? -1 : 1)
}

/** What the state value does not say of the active states: those that are recalled, and their order. */
function historyOf([, , , history, , , order]: Persisted): Json {
  return [history, order]
}

function bytesOf(items: ReadonlyMap<string, Item>): number {
  let bytes = 0
  for (const [path, { parts }] of items) if (!KEPT_APART.has(path)) for (const part of parts) bytes += part.length
  return bytes
}

function within<T>(key: string, copy: () => T): T {
  try {
    return copy()
  } catch (error) {
    if (!(error instanceof CloneError)) throw error
    const path = [key, error.path].filter((part) => part !== '').join('.')
    throw new CloneError(error.fault, path, error.message)
  }
}
