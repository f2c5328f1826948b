import {
  asArray,
  asBytes,
  asText,
  asUint,
  type CborValue,
  decode,
  encode,
  optional,
  type Reader,
  Writer
} from '@brume/codec'
import { ADDRESS_BYTES_MAX } from '../address.ts'
import { type DownReason, REFUSAL, type Refusal } from '../kernel/port.ts'
import { badFrame } from './error.ts'
import { COMMAND_BYTES_MAX, REPLY_BYTES_MAX } from './limits.ts'

/** First byte of a control. */
export const CONTROL = {
  ...{ pair: 2, nack: 4, reply: 6, watch: 7, cancel: 8, down: 9, moved: 10, read: 11, item: 12, command: 14 }
} as const

/** Why a watch fires, by wire number; `alive` says that it stands, `cancelled` that it ended. */
const REASONS = [
  'done',
  'error',
  'stopped',
  'restarted',
  'moved',
  'unreachable',
  'stale',
  'noactor',
  'alive',
  'cancelled'
] as const satisfies readonly (DownReason | 'alive' | 'cancelled')[]
export const READ_KINDS = ['snapshot', 'follow', 'events', 'history'] as const
const CODES: readonly (Refusal | 'ok')[] = ['ok', ...(Object.keys(REFUSAL) as Refusal[])]

/** Sent in order, acknowledged, and sent again on the next stream. */
export type Control =
  | {
      readonly type: 'pair'
      readonly pair: number
      readonly from: string
      readonly incarnation: number
      readonly to: string
    }
  | { readonly type: 'close'; readonly pair: number }
  | {
      readonly type: 'nack'
      readonly pair: number
      readonly seq: number
      readonly code: Refusal
      readonly retryMs: number
    }
  | { readonly type: 'reply'; readonly ask: number; readonly code: Refusal | 'ok'; readonly value: Uint8Array }
  /** `known`: the incarnation of which it was told that it lives; null: none. */
  | { readonly type: 'watch'; readonly id: number; readonly target: string; readonly known: number | null }
  /** The receiver lives at this address now; `taken`: up to it volatile messages were in its mailbox before. */
  | { readonly type: 'moved'; readonly pair: number; readonly taken: number; readonly address: string }
  /** Something to be done there, answered by an item: `body` is a value as the kernel's `Command`. */
  | { readonly type: 'command'; readonly id: number; readonly target: string; readonly body: Uint8Array }
  /** Ends a watch or read, which then gets its last word. */
  | { readonly type: 'cancel'; readonly id: number }
  | {
      readonly type: 'down'
      readonly id: number
      readonly reason: (typeof REASONS)[number]
      readonly incarnation: number
      readonly output: Uint8Array
    }
  | {
      readonly type: 'read'
      readonly id: number
      readonly kind: (typeof READ_KINDS)[number]
      readonly target: string
      /** Type of events, or `*`; empty for other kinds. */
      readonly filter: string
      /** First entry of a history. */
      readonly from: number
    }
  /** `more`: the value goes on in the next item. `last`: none follows. */
  | {
      readonly type: 'item'
      readonly id: number
      readonly code: Refusal | 'ok'
      readonly more: boolean
      readonly last: boolean
      readonly value: Uint8Array
    }

const U32_MAX = 0xffff_ffff
const CBOR_LIMITS = { bytesMax: 4_096, depthMax: 3, itemsMax: 16 }
const COMMAND_LIMITS = { ...CBOR_LIMITS, bytesMax: COMMAND_BYTES_MAX + 1_024 }
const FILTER_BYTES_MAX = 128

/** The body of a frame. */
export function writeControl(number: number, control: Control): Uint8Array {
  const type = control.type === 'close' ? CONTROL.pair : CONTROL[control.type]
  const writer = new Writer(64).u8(type).u64(number)
  switch (control.type) {
    case 'pair':
      return cbor(writer, [control.pair, control.from, control.incarnation, control.to])
    case 'close':
      return cbor(writer, [control.pair])
    case 'nack':
      return writer.u32(control.pair).u64(control.seq).u8(REFUSAL[control.code]).u32(control.retryMs).finish()
    case 'reply':
      return writer.u32(control.ask).u8(CODES.indexOf(control.code)).bytes(control.value).finish()
    case 'watch':
      return cbor(writer, [control.id, control.target, control.known])
    case 'moved':
      return cbor(writer, [control.pair, control.taken, control.address])
    case 'command':
      return cbor(writer, [control.id, control.target, control.body])
    case 'cancel':
      return writer.u32(control.id).finish()
    case 'down':
      writer.u32(control.id).u8(REASONS.indexOf(control.reason)).u64(control.incarnation)
      return writer.bytes(control.output).finish()
    case 'read':
      return cbor(writer, [control.id, READ_KINDS.indexOf(control.kind), control.target, control.filter, control.from])
    case 'item':
      writer
        .u32(control.id)
        .u8(CODES.indexOf(control.code))
        .u8((control.more ? 2 : 0) | (control.last ? 1 : 0))
      return writer.bytes(control.value).finish()
  }
}

/** Reads a body from behind its type and number. @throws CodecError, DeliveryError */
export function readControl(type: number, reader: Reader): Control {
  switch (type) {
    case CONTROL.pair:
      return readPair(reader.rest())
    case CONTROL.nack:
      return ended(reader, {
        type: 'nack',
        pair: reader.u32(),
        seq: reader.u64(),
        code: refusalOf(reader.u8()),
        retryMs: reader.u32()
      })
    case CONTROL.reply:
      return { type: 'reply', ask: reader.u32(), code: codeOf(reader.u8()), value: upTo(reader, REPLY_BYTES_MAX) }
    case CONTROL.watch:
      return readWatch(reader.rest())
    case CONTROL.moved:
      return readMoved(reader.rest())
    case CONTROL.command:
      return readCommand(reader.rest())
    case CONTROL.cancel:
      return ended(reader, { type: 'cancel', id: reader.u32() })
    case CONTROL.down:
      return {
        type: 'down',
        id: reader.u32(),
        reason: member(REASONS, reader.u8(), 'reason'),
        incarnation: reader.u64(),
        output: upTo(reader, REPLY_BYTES_MAX)
      }
    case CONTROL.read:
      return readRead(reader.rest())
    case CONTROL.item:
      return readItem(reader)
    default:
      throw badFrame(`a frame of unknown type ${type}`)
  }
}

const cbor = (writer: Writer, fields: CborValue): Uint8Array => writer.bytes(encode(fields)).finish()
const address = (value: CborValue | undefined): string => asText(value, 'address', ADDRESS_BYTES_MAX)
const u32 = (value: CborValue | undefined, what: string): number => asUint(value, what, U32_MAX)

function readPair(bytes: Uint8Array): Control {
  const fields = asArray(decode(bytes, CBOR_LIMITS), 'pair', { min: 1, max: 4 })
  const pair = asUint(fields[0], 'pair', U32_MAX, 1)
  if (fields.length === 1) return { type: 'close', pair }
  const [, from, incarnation, to] = asArray(fields, 'pair', 4)
  return { type: 'pair', pair, from: address(from), incarnation: asUint(incarnation, 'incarnation'), to: address(to) }
}

function readWatch(bytes: Uint8Array): Control {
  const [id, target, known] = asArray(decode(bytes, CBOR_LIMITS), 'watch', 3)
  const incarnation = optional(known, (value) => asUint(value, 'incarnation'))
  return { type: 'watch', id: u32(id, 'watch'), target: address(target), known: incarnation }
}

function readMoved(bytes: Uint8Array): Control {
  const [pair, taken, to] = asArray(decode(bytes, CBOR_LIMITS), 'moved', 3)
  return { type: 'moved', pair: asUint(pair, 'pair', U32_MAX, 1), taken: asUint(taken, 'taken'), address: address(to) }
}

function readCommand(bytes: Uint8Array): Control {
  const [id, target, body] = asArray(decode(bytes, COMMAND_LIMITS), 'command', 3)
  const within = { min: 1, max: COMMAND_BYTES_MAX }
  return { type: 'command', id: u32(id, 'command'), target: address(target), body: asBytes(body, 'body', within) }
}

function readRead(bytes: Uint8Array): Control {
  const [id, kind, target, filter, from] = asArray(decode(bytes, CBOR_LIMITS), 'read', 5)
  return {
    type: 'read',
    id: u32(id, 'read'),
    kind: member(READ_KINDS, asUint(kind, 'kind'), 'kind'),
    target: address(target),
    filter: asText(filter, 'filter', FILTER_BYTES_MAX),
    from: asUint(from, 'from')
  }
}

function readItem(reader: Reader): Control {
  const id = reader.u32()
  const code = codeOf(reader.u8())
  const flags = reader.u8()
  if (flags > 3) throw badFrame('unknown flags of an item')
  return {
    type: 'item',
    id,
    code,
    more: (flags & 2) !== 0,
    last: (flags & 1) !== 0,
    value: upTo(reader, REPLY_BYTES_MAX)
  }
}

function upTo(reader: Reader, bytesMax: number): Uint8Array {
  if (reader.remaining > bytesMax) throw badFrame(`a value of ${reader.remaining} bytes`)
  return reader.rest()
}

function ended<T>(reader: Reader, value: T): T {
  reader.end()
  return value
}

function member<T>(list: readonly T[], index: number, what: string): T {
  const found = list[index]
  if (found === undefined) throw badFrame(`unknown ${what} ${index}`)
  return found
}

const codeOf = (code: number): Refusal | 'ok' => member(CODES, code, 'code')

function refusalOf(code: number): Refusal {
  const refusal = codeOf(code)
  if (refusal === 'ok') throw badFrame('a refusal without a reason')
  return refusal
}
