import { type Reader, Writer } from '@brume/codec'
import { badFrame } from './error.ts'
import { EVENT_BYTES_MAX, TTL_MS_MAX } from './limits.ts'

/** A message as it travels. */
export interface Message {
  readonly pair: number
  readonly seq: number
  /** Distance to the message before it in this pair that is not settled; 0: all before it are. */
  readonly delta: number
  /** Time it may still wait, ms. */
  readonly ttlMs: number
  /** Names the reply; 0: none is wanted. */
  readonly ask: number
  /** An outbox entry of a durable actor. */
  readonly durable: boolean
  /** 16 bytes, or null. */
  readonly key: Uint8Array | null
  readonly event: Uint8Array
}

export const KEY_BYTES = 16
/** pair u32, seq u64, delta u32, flags u8, ttlMs u32, length u32. */
const HEAD_BYTES = 25
const MESSAGES_TYPE = 1
/** Type and count of a frame of messages. */
export const MESSAGES_HEAD_BYTES = 3
export const MESSAGES_MAX = 0xffff
/** Longest way back to the message before. */
export const DELTA_MAX = 0xffff_ffff

const ASK = 1
const DURABLE = 2
const KEY = 4

/** What a message takes of a frame, and of credit. */
export function messageBytes({ ask, key, event }: Pick<Message, 'ask' | 'key' | 'event'>): number {
  const extra = (ask === 0 ? 0 : 4) + (key === null ? 0 : KEY_BYTES)
  return HEAD_BYTES + extra + event.length
}

/** The body of a frame. */
export function writeMessages(messages: readonly Message[]): Uint8Array {
  let bytes = MESSAGES_HEAD_BYTES
  for (const message of messages) bytes += messageBytes(message)
  const writer = new Writer(bytes).u8(MESSAGES_TYPE).u16(messages.length)
  for (const message of messages) writeMessage(writer, message)
  return writer.finish()
}

function writeMessage(writer: Writer, { pair, seq, delta, ttlMs, ask, durable, key, event }: Message): void {
  const flags = (ask === 0 ? 0 : ASK) | (durable ? DURABLE : 0) | (key === null ? 0 : KEY)
  writer.u32(pair).u64(seq).u32(delta).u8(flags).u32(ttlMs).u32(event.length)
  if (ask !== 0) writer.u32(ask)
  if (key !== null) writer.bytes(key)
  writer.bytes(event)
}

/** Reads a frame's body from behind its type to its end. */
export function readMessages(reader: Reader): readonly Message[] {
  const count = reader.u16()
  if (count === 0 || count * HEAD_BYTES > reader.remaining) throw badFrame(`${count} messages announced`)
  const messages: Message[] = []
  for (let index = 0; index < count; index += 1) messages.push(readMessage(reader))
  reader.end()
  return messages
}

function readMessage(reader: Reader): Message {
  const pair = reader.u32()
  const seq = reader.u64()
  const delta = reader.u32()
  const flags = reader.u8()
  const ttlMs = reader.u32()
  const length = reader.u32()
  if (pair === 0 || seq === 0 || delta > seq) throw badFrame('a message without place in its pair')
  if (flags > 7 || ttlMs > TTL_MS_MAX || length > EVENT_BYTES_MAX) throw badFrame('a field of a message out of range')
  const ask = flags & ASK ? reader.u32() : 0
  if ((flags & ASK) !== 0 && ask === 0) throw badFrame('an ask without a number')
  const key = flags & KEY ? reader.bytes(KEY_BYTES) : null
  return { pair, seq, delta, ttlMs, ask, durable: (flags & DURABLE) !== 0, key, event: reader.bytes(length) }
}
