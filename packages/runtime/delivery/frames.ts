import {
  asArray,
  asBytes,
  asText,
  asUint,
  type CborValue,
  decode,
  encode,
  optional,
  Reader,
  Writer
} from '@brume/codec'
import { ADDRESS_BYTES_MAX } from '../address.ts'
import type { DownReason, Refusal } from '../kernel/port.ts'
import { REFUSAL } from '../kernel/port.ts'
import { badFrame } from './error.ts'
import { FRAME_BYTES_MAX, REPLY_BYTES_MAX } from './limits.ts'
import { type Message, readMessages, writeMessages } from './messages.ts'

/** First byte of a frame. */
export const FRAME = {
  hello: 0,
  messages: 1,
  pair: 2,
  ack: 3,
  nack: 4,
  credit: 5,
  reply: 6,
  watch: 7,
  cancel: 8,
  down: 9,
  read: 11,
  item: 12
} as const

export const SESSION_BYTES = 8
/** Acks of one frame: what a turn settled; the rest is told next. */
export const ACKS_MAX = 8_192
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

/** Which streams of a peer this is about: its memory of the link, and how often it opened a stream. */
export interface Opening {
  /** 8 random bytes, drawn with the memory of the link: it is gone when they change. */
  readonly session: Uint8Array
  readonly opening: number
}

/** First frame of a stream, and again whenever `heard` changes. */
export interface Hello extends Opening {
  readonly type: 'hello'
  /** What this side has heard of the other, and how many bytes of messages that may send since. */
  readonly heard: (Opening & { readonly limitBytes: number }) | null
}

/** All up to `seq` of this pair; pair 0: controls. State 0: queued, 1: processed and durable. */
export interface Ack {
  readonly pair: number
  readonly seq: number
  readonly state: 0 | 1
}

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

export type Frame =
  | Hello
  | { readonly type: 'messages'; readonly messages: readonly Message[] }
  /** About messages sent since this opening of their sender. */
  | { readonly type: 'ack'; readonly opening: number; readonly acks: readonly Ack[] }
  /** Bytes of messages that may be sent since the opening. */
  | { readonly type: 'credit'; readonly opening: number; readonly limitBytes: number }
  | { readonly type: 'control'; readonly number: number; readonly control: Control }

const HELLO_VERSION = 1
const U32_MAX = 0xffff_ffff
const CBOR_LIMITS = { bytesMax: 4_096, depthMax: 3, itemsMax: 16 }
const FILTER_BYTES_MAX = 128

/** The body of one frame. @throws CodecError where a number does not fit */
export function encodeFrame(frame: Frame): Uint8Array {
  const writer = new Writer(64)
  switch (frame.type) {
    case 'hello':
      return writer
        .u8(FRAME.hello)
        .bytes(encode(helloFields(frame)))
        .finish()
    case 'messages':
      return writeMessages(frame.messages)
    case 'ack':
      return writeAcks(frame)
    case 'credit':
      return writer.u8(FRAME.credit).u32(frame.opening).u64(frame.limitBytes).finish()
    case 'control':
      return writeControl(frame.number, frame.control)
  }
}

/** Reads one body; byte fields are views of it. @throws CodecError, DeliveryError */
export function decodeFrame(body: Uint8Array): Frame {
  if (body.length > FRAME_BYTES_MAX) throw badFrame('a frame is longer than allowed')
  const reader = new Reader(body)
  const type = reader.u8()
  switch (type) {
    case FRAME.hello:
      return readHello(reader.rest())
    case FRAME.messages:
      return { type: 'messages', messages: readMessages(reader) }
    case FRAME.ack:
      return readAcks(reader)
    case FRAME.credit:
      return ended(reader, { type: 'credit', opening: reader.u32(), limitBytes: reader.u64() })
    default:
      return { type: 'control', number: reader.u64(), control: readControl(type, reader) }
  }
}

function helloFields({ session, opening, heard }: Hello): CborValue {
  return [HELLO_VERSION, session, opening, heard === null ? null : [heard.session, heard.opening, heard.limitBytes]]
}

function readHello(bytes: Uint8Array): Hello {
  const [version, session, opening, heard] = asArray(decode(bytes, CBOR_LIMITS), 'hello', 4)
  asUint(version, 'hello version', HELLO_VERSION, HELLO_VERSION)
  return {
    type: 'hello',
    session: asBytes(session, 'session', SESSION_BYTES),
    opening: asUint(opening, 'opening', U32_MAX),
    heard: optional(heard, (value) => {
      const [of, at, limit] = asArray(value, 'heard', 3)
      return {
        session: asBytes(of, 'heard session', SESSION_BYTES),
        opening: asUint(at, 'heard opening', U32_MAX),
        limitBytes: asUint(limit, 'limit')
      }
    })
  }
}

function writeAcks({ opening, acks }: Extract<Frame, { type: 'ack' }>): Uint8Array {
  const writer = new Writer(7 + 13 * acks.length).u8(FRAME.ack).u32(opening).u16(acks.length)
  for (const { pair, seq, state } of acks) writer.u32(pair).u64(seq).u8(state)
  return writer.finish()
}

function readAcks(reader: Reader): Frame {
  const opening = reader.u32()
  const count = reader.u16()
  if (count === 0 || count > ACKS_MAX) throw badFrame(`${count} acks in a frame`)
  const acks = Array.from({ length: count }, () => ({ pair: reader.u32(), seq: reader.u64(), state: bit(reader.u8()) }))
  return ended(reader, { type: 'ack', opening, acks })
}

function writeControl(number: number, control: Control): Uint8Array {
  const type = control.type === 'close' ? FRAME.pair : FRAME[control.type]
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

function readControl(type: number, reader: Reader): Control {
  switch (type) {
    case FRAME.pair:
      return readPair(reader.rest())
    case FRAME.nack:
      return ended(reader, {
        type: 'nack',
        pair: reader.u32(),
        seq: reader.u64(),
        code: refusalOf(reader.u8()),
        retryMs: reader.u32()
      })
    case FRAME.reply:
      return { type: 'reply', ask: reader.u32(), code: codeOf(reader.u8()), value: upTo(reader, REPLY_BYTES_MAX) }
    case FRAME.watch:
      return readWatch(reader.rest())
    case FRAME.cancel:
      return ended(reader, { type: 'cancel', id: reader.u32() })
    case FRAME.down:
      return {
        type: 'down',
        id: reader.u32(),
        reason: member(REASONS, reader.u8(), 'reason'),
        incarnation: reader.u64(),
        output: upTo(reader, REPLY_BYTES_MAX)
      }
    case FRAME.read:
      return readRead(reader.rest())
    case FRAME.item:
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

function bit(value: number): 0 | 1 {
  if (value > 1) throw badFrame(`an ack of state ${value}`)
  return value === 1 ? 1 : 0
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
