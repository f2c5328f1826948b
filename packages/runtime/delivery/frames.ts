import { asArray, asBytes, asUint, type CborValue, decode, encode, optional, Reader, Writer } from '@brume/codec'
import { CONTROL, type Control, readControl, writeControl } from './controls.ts'
import { badFrame } from './error.ts'
import { FRAME_BYTES_MAX } from './limits.ts'
import { type Message, readMessages, writeMessages } from './messages.ts'

/** First byte of a frame. */
export const FRAME = { hello: 0, messages: 1, ack: 3, credit: 5, ...CONTROL } as const

export const SESSION_BYTES = 8
/** Acks of one frame: what a turn settled; the rest is told next. */
export const ACKS_MAX = 8_192

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
const HELLO_LIMITS = { bytesMax: 4_096, depthMax: 3, itemsMax: 16 }

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
  const [version, session, opening, heard] = asArray(decode(bytes, HELLO_LIMITS), 'hello', 4)
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

function ended<T>(reader: Reader, value: T): T {
  reader.end()
  return value
}

function bit(value: number): 0 | 1 {
  if (value > 1) throw badFrame(`an ack of state ${value}`)
  return value === 1 ? 1 : 0
}
