import { asArray, asBytes, asText, asUint, type CborValue, decode, encode } from '@brume/codec'
import { isOpenType } from '../logic/boundary.ts'
import type { Event, Json } from '../logic/port.ts'
import { jsonOf } from './leaves.ts'

/** Body of a call; a larger event travels by its content id. */
export const BODY_BYTES_MAX = 65_536
const NAME_BYTES_MAX = 128
/** An event of 32 levels and 10,000 nodes, each at most two items, in an array. */
const LIMITS = { bytesMax: BODY_BYTES_MAX, depthMax: 33, itemsMax: 20_010 } as const

/** What a client can want of a replicated machine. */
export type Command =
  /** Not checked yet: it may be no event. */
  | { readonly kind: 'event'; readonly event: Json }
  /** A selector with arguments, answered at a place in the order. */
  | { readonly kind: 'query'; readonly name: string; readonly args: Json }
  /** Nothing, at a place in the order: a read at its height is linearizable. */
  | { readonly kind: 'noop' }
  /** No events from here on; by an admin. A second one names the address that goes on in its place. */
  | { readonly kind: 'freeze'; readonly successor: string | null }
  /** An event of another group's actor, with what proves that it was sent: `shown` of `Ordered` says what it says. */
  | { readonly kind: 'sent'; readonly proof: Uint8Array }

const KINDS = ['event', 'query', 'noop', 'freeze', 'sent'] as const
const LENGTHS = { event: 2, query: 3, noop: 1, freeze: { min: 1, max: 2 }, sent: 2 } as const
const ADDRESS_BYTES_MAX = 512

/** `[0, event]`, `[1, selector, args]`, `[2]`, `[3]`, `[3, successor]` or `[4, proof]`, canonical CBOR. @throws CodecError for what is not plain */
export function encodeCommand(command: Command): Uint8Array {
  switch (command.kind) {
    case 'event':
      return encode([0, command.event])
    case 'query':
      return encode([1, command.name, command.args])
    case 'noop':
      return encode([2])
    case 'freeze':
      return encode(command.successor === null ? [3] : [3, command.successor])
    case 'sent':
      return encode([4, command.proof])
  }
}

/** @throws CodecError */
export function decodeCommand(body: Uint8Array): Command {
  const fields = asArray(decode(body, LIMITS), 'command', { min: 1, max: 3 })
  const kind = KINDS[asUint(fields[0], 'kind', KINDS.length - 1)] ?? 'noop'
  asArray(fields as CborValue, kind, LENGTHS[kind])
  const [, first = null, second = null] = fields
  if (kind === 'event') return { kind, event: jsonOf(first) }
  if (kind === 'query') return { kind, name: asText(first, 'selector', NAME_BYTES_MAX), args: jsonOf(second) }
  if (kind === 'sent') return { kind, proof: asBytes(first, 'proof', { min: 1, max: BODY_BYTES_MAX }) }
  if (kind === 'freeze')
    return { kind, successor: fields.length === 1 ? null : asText(first, 'successor', ADDRESS_BYTES_MAX) }
  return { kind }
}

/** The event, or which check of the boundary it fails. */
export function readEvent(value: Json): Event | 'object' | 'type' {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array)
    return 'object'
  const { type } = value as { readonly [key: string]: Json }
  return typeof type === 'string' && isOpenType(type) ? (value as Event) : 'type'
}
