import { asArray, asBytes, asText, asUint, optional, Reader, Writer } from '@brume/codec'
import { type HistoryEntry, REFUSAL, type Refusal } from '../port.ts'
import { DAY_MS, STORED_BYTES_MAX } from './limits.ts'
import type { OutboxEntry, StoredReply } from './port.ts'
import { asEvent, decodeStored, encodeStored, toJson } from './record.ts'

const ADDRESS_BYTES_MAX = 4_096
const OUTBOX_KINDS: readonly OutboxEntry['kind'][] = ['mail', 'control', 'run']
const REFUSALS = new Map<number, Refusal>(Object.entries(REFUSAL).map(([name, code]) => [code, name as Refusal]))

/** `[kind, target, prev, body, expiresMs]`. */
export const encodeOutbox = (entry: OutboxEntry): Uint8Array =>
  encodeStored([OUTBOX_KINDS.indexOf(entry.kind), entry.target, entry.prev, entry.body, Math.ceil(entry.expiresMs)])

/** @throws CodecError */
export function decodeOutbox(bytes: Uint8Array): OutboxEntry {
  const at = asArray(decodeStored(bytes), 'outbox entry', 5)
  return {
    kind: OUTBOX_KINDS[asUint(at[0], 'kind', OUTBOX_KINDS.length - 1)] ?? 'mail',
    target: asText(at[1], 'target', ADDRESS_BYTES_MAX),
    prev: asUint(at[2], 'previous'),
    body: toJson(at[3]),
    expiresMs: asUint(at[4], 'expiry')
  }
}

/** `[atMs, sender, event]`; the seq is in the key. */
export const encodeEntry = (entry: HistoryEntry): Uint8Array =>
  encodeStored([Math.floor(entry.atMs), entry.sender, entry.event])

/** @throws CodecError */
export function decodeEntry(seq: number, bytes: Uint8Array): HistoryEntry {
  const at = asArray(decodeStored(bytes), 'history entry', 3)
  const sender = optional(at[1], (text) => asText(text, 'sender', ADDRESS_BYTES_MAX))
  return { seq, atMs: asUint(at[0], 'time'), sender, event: asEvent(at[2]) }
}

/** `[expiresMs, code, value]`; code 0: ok. */
export const encodeReply = (reply: StoredReply): Uint8Array =>
  encodeStored([Math.ceil(reply.expiresMs), reply.code === 'ok' ? 0 : REFUSAL[reply.code], reply.value])

/** @throws CodecError */
export function decodeReply(bytes: Uint8Array): StoredReply {
  const at = asArray(decodeStored(bytes), 'reply', 3)
  const code = asUint(at[1], 'code', 13)
  return { expiresMs: asUint(at[0], 'expiry'), code: REFUSALS.get(code) ?? 'ok', value: toJson(at[2]) }
}

export interface Watermark {
  readonly incarnation: number
  readonly seq: number
  /** Days since 1970 when it was last moved. */
  readonly day: number
}

/** Incarnation u64, seq u64, day u32: no CBOR, because there is one for every pair that ever spoke. */
export const encodeWatermark = ({ incarnation, seq, day }: Watermark): Uint8Array =>
  new Writer(20).u64(incarnation).u64(seq).u32(day).finish()

/** @throws CodecError */
export function decodeWatermark(bytes: Uint8Array): Watermark {
  const reader = new Reader(bytes)
  const mark = { incarnation: reader.u64(), seq: reader.u64(), day: reader.u32() }
  reader.end()
  return mark
}

export const dayOf = (wallMs: number): number => Math.floor(wallMs / DAY_MS)

/** `[expiresMs, record]` of an actor that was stopped. */
export const encodeTombstone = (expiresMs: number, record: Uint8Array): Uint8Array => encodeStored([expiresMs, record])

/** @throws CodecError */
export function decodeTombstone(bytes: Uint8Array): { readonly expiresMs: number; readonly record: Uint8Array } {
  const at = asArray(decodeStored(bytes), 'tombstone', 2)
  return { expiresMs: asUint(at[0], 'expiry'), record: asBytes(at[1], 'record', { min: 1, max: STORED_BYTES_MAX }) }
}

/** `[boots, aliveMs]`. */
export const encodeBoot = (boot: number, aliveMs: number): Uint8Array => encodeStored([boot, aliveMs])

/** @throws CodecError */
export function decodeBoot(bytes: Uint8Array): { readonly boot: number; readonly aliveMs: number } {
  const at = asArray(decodeStored(bytes), 'boot', 2)
  return { boot: asUint(at[0], 'boot'), aliveMs: asUint(at[1], 'last alive') }
}
