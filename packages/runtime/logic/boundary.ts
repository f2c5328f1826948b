import { decode } from '@brume/codec'
import type { PeerId } from '@brume/ports'
import type { Allow, Check } from '../kernel/port.ts'
import { DEPTH_MAX, NODES_MAX, plain } from './plain.ts'
import type { Event, Json } from './port.ts'

/** Larger payloads travel by content id. */
export const EVENT_BYTES_MAX = 65_536
/** Types are keys of tables and parts of log lines. */
const TYPE_BYTES_MAX = 128
/** Of no UTF-16 unit come more bytes. */
const UNIT_BYTES_MAX = 3
/** Of XState and of brume: from outside they could finish, fail or stop a machine, or say that another did. */
const isReserved = (type: string): boolean => type.startsWith('xstate.') || type.startsWith('brume.')

export interface Refused {
  readonly refusal: 'invalid' | 'forbidden'
  /** For people. */
  readonly reason: string
}

export type Admission = { readonly event: Event } | Refused

export interface BoundaryOptions {
  /** Default `any`. */
  readonly allow?: Allow
  /** Of the kind's events. */
  readonly event?: Check
  /** False where events of this peer need no check to be plain: for actors in memory, in production. Default true. */
  readonly checkLocal?: boolean
}

/** What everything from outside an actor's own tree passes, cheapest first. Never throws. */
export interface Boundary {
  /** From another peer, as it came. */
  remote(bytes: Uint8Array, peer: PeerId): Admission
  /** From this peer. What is admitted shares nothing with it that can change. */
  local(event: unknown): Admission
}

export function createBoundary({ allow = 'any', event: check, checkLocal = true }: BoundaryOptions): Boundary {
  const admit = (value: unknown, peer: PeerId | null): Admission => {
    const event = asEvent(value)
    if (event === null)
      return invalid('an event is an object with a type of 1 to 128 bytes, without * and reserved names')
    if (!isAllowed(allow, peer, event)) return { refusal: 'forbidden', reason: 'the actor does not take it from there' }
    return check === undefined ? { event } : checked(check, event)
  }
  return {
    remote: (bytes, peer) => {
      const value = attempt(() => plain(decodeEvent(bytes)))
      return 'failed' in value ? invalid(value.failed) : admit(value.done, peer)
    },
    local: (event) => {
      const value = checkLocal ? attempt(() => plain(event)) : { done: event }
      return 'failed' in value ? invalid(value.failed) : admit(value.done, null)
    }
  }
}

/** Whether such a type may come from outside. */
export function isOpenType(type: string): boolean {
  if (type.length === 0 || type.length > TYPE_BYTES_MAX || type.includes('*') || isReserved(type)) return false
  return type.length * UNIT_BYTES_MAX <= TYPE_BYTES_MAX || Buffer.byteLength(type) <= TYPE_BYTES_MAX
}

/** An entry of a map is two items, of which one is a node. */
const ITEMS_MAX = 2 * NODES_MAX
const LIMITS = {
  bytesMax: EVENT_BYTES_MAX,
  depthMax: DEPTH_MAX,
  itemsMax: ITEMS_MAX,
  floats: true,
  prototypes: true
}

function decodeEvent(bytes: Uint8Array): unknown {
  return decode(bytes, LIMITS)
}

function asEvent(value: unknown): Event | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
  const { type } = value as { readonly type?: unknown }
  return typeof type === 'string' && isOpenType(type) ? (value as Event) : null
}

/** Those of this peer are its own: a list keeps out others. */
function isAllowed(allow: Allow, peer: PeerId | null, event: Event): boolean {
  if (allow === 'any') return true
  if (allow === 'local') return peer === null
  if (typeof allow !== 'function') return peer === null || allow.includes(peer)
  try {
    return allow({ peer, event })
  } catch {
    return false
  }
}

function checked(check: Check, event: Event): Admission {
  const outcome = attempt(() => check(event as Json))
  return 'failed' in outcome ? invalid(outcome.failed) : { event: outcome.done as Event }
}

function attempt<T>(work: () => T): { readonly done: T } | { readonly failed: string } {
  try {
    return { done: work() }
  } catch (error) {
    return { failed: error instanceof Error ? error.message : String(error) }
  }
}

function invalid(reason: string): Refused {
  return { refusal: 'invalid', reason }
}
