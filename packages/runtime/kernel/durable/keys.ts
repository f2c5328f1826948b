import { Reader, utf8, Writer } from '@brume/codec'
import { DOMAIN, hash } from '@brume/crypto'

/**
 * First byte of every key: what the value is. Integers in keys are big-endian, so that keys order as they do.
 *
 * | first byte | rest of the key | value |
 * |---|---|---|
 * | `r` | id 16 | the actor's record |
 * | `x` | id 16 | the last record of one that was stopped, and until when it is kept |
 * | `e` | id 16, seq u64 | one processed event of a journal |
 * | `h` | id 16, seq u64 | the record at that seq |
 * | `t` | due u64, id 16 | empty: the actor's earliest timer |
 * | `w` | id 16 | path of an actor that is woken when the peer starts |
 * | `o` | id 16, seq u64 | one outbox entry |
 * | `d` | id 16, sender id 16 | watermark |
 * | `k` | id 16, key 16 | stored reply |
 * | `n` | root id 16, hash 16 | alias: address of the actor with a systemId |
 * | `v` | id 16 | where one lives that moved to another peer |
 * | `p` | id 16 of an address it had before | path of an actor that came from another peer |
 * | `g` | id 16 | addresses it had before, with their incarnations |
 * | `j` | token 16 | an actor that another peer sent, until it is known whether it is to live here |
 * | `b` | | boots so far, and when the peer was last known to run |
 *
 * A peer keeps other things of its actors in parts of the same store, whose names begin with f, i, s and u.
 */
export const PREFIX = {
  record: 0x72,
  tombstone: 0x78,
  entry: 0x65,
  base: 0x68,
  timer: 0x74,
  wake: 0x77,
  outbox: 0x6f,
  watermark: 0x64,
  reply: 0x6b,
  alias: 0x6e,
  moved: 0x76,
  former: 0x70,
  formers: 0x67,
  arrival: 0x6a,
  boot: 0x62
} as const

type Prefix = (typeof PREFIX)[keyof typeof PREFIX]

export const ID_BYTES = 16
const U64_BYTES = 8
const NOTHING = new Uint8Array()

export const BOOT_KEY = Uint8Array.of(PREFIX.boot)

function key(prefix: Prefix, id: Uint8Array, rest: Uint8Array = NOTHING): Uint8Array {
  const bytes = new Uint8Array(1 + ID_BYTES + rest.length)
  bytes[0] = prefix
  bytes.set(id, 1)
  bytes.set(rest, 1 + ID_BYTES)
  return bytes
}

const u64 = (value: number): Uint8Array => new Writer(U64_BYTES).u64(value).finish()

export const recordKey = (id: Uint8Array): Uint8Array => key(PREFIX.record, id)
export const tombstoneKey = (id: Uint8Array): Uint8Array => key(PREFIX.tombstone, id)
export const movedKey = (id: Uint8Array): Uint8Array => key(PREFIX.moved, id)
export const formerKey = (id: Uint8Array): Uint8Array => key(PREFIX.former, id)
export const formersKey = (id: Uint8Array): Uint8Array => key(PREFIX.formers, id)
export const arrivalKey = (token: Uint8Array): Uint8Array => key(PREFIX.arrival, token)
export const wakeKey = (id: Uint8Array): Uint8Array => key(PREFIX.wake, id)
export const entryKey = (id: Uint8Array, seq: number): Uint8Array => key(PREFIX.entry, id, u64(seq))
export const baseKey = (id: Uint8Array, seq: number): Uint8Array => key(PREFIX.base, id, u64(seq))
export const outboxKey = (id: Uint8Array, seq: number): Uint8Array => key(PREFIX.outbox, id, u64(seq))
export const watermarkKey = (id: Uint8Array, sender: Uint8Array): Uint8Array => key(PREFIX.watermark, id, sender)
export const replyKey = (id: Uint8Array, repeat: Uint8Array): Uint8Array => key(PREFIX.reply, id, repeat)

export const aliasKey = (rootId: Uint8Array, systemId: string): Uint8Array =>
  key(PREFIX.alias, rootId, hash(DOMAIN.actorAlias, utf8(systemId)).subarray(0, ID_BYTES))

export const timerKey = (dueMs: number, id: Uint8Array): Uint8Array =>
  new Writer(1 + U64_BYTES + ID_BYTES).u8(PREFIX.timer).u64(dueMs).bytes(id).finish()

/** @throws CodecError for any other length, and for times no clock shows */
export function readTimerKey(bytes: Uint8Array): { readonly dueMs: number; readonly id: Uint8Array } {
  const reader = new Reader(bytes.subarray(1))
  const found = { dueMs: reader.u64(), id: reader.bytes(ID_BYTES) }
  reader.end()
  return found
}

/** The id, and what of the key is left behind it. @throws CodecError */
export function readIdKey(bytes: Uint8Array): { readonly id: Uint8Array; readonly rest: Uint8Array } {
  const reader = new Reader(bytes.subarray(1))
  return { id: reader.bytes(ID_BYTES), rest: reader.rest() }
}

/** @throws CodecError */
export function readSeqKey(bytes: Uint8Array): { readonly id: Uint8Array; readonly seq: number } {
  const { id, rest } = readIdKey(bytes)
  const reader = new Reader(rest)
  const seq = reader.u64()
  reader.end()
  return { id, seq }
}

/** All keys of this first byte. */
export const allOf = (prefix: Prefix): { readonly from: Uint8Array; readonly to: Uint8Array } => ({
  from: Uint8Array.of(prefix),
  to: Uint8Array.of(prefix + 1)
})

/** As text that orders as the bytes do: one character a byte. For tables in memory. */
export const keyText = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')

/** All keys of this first byte and id. */
export function allOfActor(prefix: Prefix, id: Uint8Array): { readonly from: Uint8Array; readonly to: Uint8Array } {
  const to = key(prefix, id)
  // An id of nothing but 0xff would need a carry; there is none in 2^128.
  for (let at = to.length - 1; at > 0; at -= 1) {
    to[at] = (to[at] ?? 0) + 1
    if (to[at] !== 0) break
  }
  return { from: key(prefix, id), to }
}
