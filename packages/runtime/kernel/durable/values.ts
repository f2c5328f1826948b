import { asArray, asBoolean, asBytes, asText, asUint, decode, optional, Reader, Writer } from '@brume/codec'
import type { Json } from '../../logic/port.ts'
import { type HistoryEntry, REFUSAL, type Refusal } from '../port.ts'
import { ID_BYTES } from './keys.ts'
import { DAY_MS, STORED_BYTES_MAX } from './limits.ts'
import type { Former, Known, OutboxEntry, StoredArrival, StoredMove, StoredReply } from './port.ts'
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

/** `[address, token, expiresMs, isTold]`. */
export const encodeMove = ({ address, token, expiresMs, isTold }: StoredMove): Uint8Array =>
  encodeStored([address, token, Math.ceil(expiresMs), isTold])

/** @throws CodecError */
export function decodeMove(bytes: Uint8Array): StoredMove {
  const at = asArray(decodeStored(bytes), 'move', 4)
  return {
    address: asText(at[0], 'address', ADDRESS_BYTES_MAX),
    token: asBytes(at[1], 'token', ID_BYTES),
    expiresMs: asUint(at[2], 'expiry'),
    isTold: asBoolean(at[3], 'told')
  }
}

/** `[path, incarnation, here]`. */
export const encodeFormer = ({ path, incarnation, here }: Former): Uint8Array => encodeStored([path, incarnation, here])

/** @throws CodecError */
export function decodeFormer(bytes: Uint8Array): Former {
  const at = asArray(decodeStored(bytes), 'former address', 3)
  return {
    path: asText(at[0], 'path', ADDRESS_BYTES_MAX),
    incarnation: asUint(at[1], 'incarnation'),
    here: asUint(at[2], 'incarnation here')
  }
}

/** `[[address, incarnation]]`. */
export const encodeFormers = (formers: readonly Known[]): Uint8Array => encodeStored(formers as Json)

/** @throws CodecError */
export function decodeFormers(bytes: Uint8Array): readonly Known[] {
  return asArray(decodeStored(bytes), 'former addresses', { min: 0, max: STORED_BYTES_MAX }).map((value) => {
    const at = asArray(value, 'former address', 2)
    return [asText(at[0], 'address', ADDRESS_BYTES_MAX), asUint(at[1], 'incarnation')] as const
  })
}

/** `[from, path, addresses, parcel]`. */
export const encodeArrival = ({ from, path, addresses, parcel }: StoredArrival): Uint8Array =>
  encodeStored([from, path, addresses, parcel])

/** @throws CodecError */
export function decodeArrival(bytes: Uint8Array): StoredArrival {
  const at = asArray(decode(bytes, ARRIVAL_LIMITS), 'arrival', 4)
  return {
    from: asText(at[0], 'source', ADDRESS_BYTES_MAX),
    path: asText(at[1], 'path', ADDRESS_BYTES_MAX),
    addresses: asArray(at[2], 'addresses', { min: 0, max: ARRIVAL_LIMITS.itemsMax }).map((text) =>
      asText(text, 'address', ADDRESS_BYTES_MAX)
    ),
    parcel: asBytes(at[3], 'parcel', { min: 1, max: STORED_BYTES_MAX })
  }
}

const ARRIVAL_LIMITS = { bytesMax: 2 * STORED_BYTES_MAX, itemsMax: STORED_BYTES_MAX, depthMax: 4, floats: false }
