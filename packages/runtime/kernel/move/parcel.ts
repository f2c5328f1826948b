import { asArray, asBytes, asText, asUint, type CborValue, CodecError } from '@brume/codec'
import { parseAddress } from '../../address.ts'
import type { Json } from '../../logic/port.ts'
import type { Belongings, Known, OutboxEntry, StoredActor } from '../durable/port.ts'
import { decodeRecord, decodeStored, encodeRecord, encodeStored } from '../durable/record.ts'
import { decodeOutbox, decodeReply, decodeWatermark, encodeOutbox } from '../durable/values.ts'

/** Actors of one move: as many as a root may have children, and the root. */
const ACTORS_MAX = 4_097
const ANY = { min: 0, max: 1_000_000 }
const ADDRESS_BYTES_MAX = 512
const ID_BYTES = 16

/** One actor on its way to another peer. */
export interface Packed {
  readonly actor: StoredActor
  readonly outbox: readonly (OutboxEntry & { readonly seq: number })[]
  readonly belongings: Belongings
  /** Addresses under which it was known before, without incarnation, and which life of it each means. */
  readonly formers: readonly Known[]
}

/** A root and what its machine started, parents first, as one peer gives them to another. */
export function encodeParcel(actors: readonly Packed[]): Uint8Array {
  return encodeStored([1, actors.map(writeActor)])
}

/**
 * @param from - the root's address at the peer it comes from
 * @throws CodecError, RuntimeError for anything but a root of that address and actors below it
 */
export function decodeParcel(bytes: Uint8Array, from: string): readonly Packed[] {
  const at = asArray(decodeStored(bytes), 'parcel', 2)
  asUint(at[0], 'parcel version', 1, 1)
  const actors = asArray(at[1], 'actors', { min: 1, max: ACTORS_MAX }).map(readActor)
  if (actors[0]?.actor.address !== from || actors[0].actor.parent !== null) throw foreign(from)
  const [root, ...children] = actors.map(({ actor }) => actor)
  for (const { address, parent } of children) {
    if (parent === null || !address.startsWith(`${root?.address}/`)) throw foreign(address)
  }
  return actors
}

function foreign(address: string): CodecError {
  return new CodecError('BRUME_CODEC_SHAPE', `${address} does not belong to what was announced`)
}

function writeActor({ actor, outbox, belongings, formers }: Packed): Json {
  const entries = outbox.map((entry) => [entry.seq, encodeOutbox(entry)])
  return [encodeRecord(actor), entries, belongings.marks, belongings.replies, formers] as Json
}

function readActor(value: CborValue): Packed {
  const at = asArray(value, 'actor', 5)
  const actor = decodeRecord(asBytes(at[0], 'record', { min: 1, max: MAX_BYTES }))
  parseAddress(actor.address)
  return {
    actor,
    outbox: asArray(at[1], 'outbox', ANY).map(readEntry),
    belongings: {
      marks: asArray(at[2], 'marks', ANY).map(readMark),
      replies: asArray(at[3], 'replies', ANY).map(readReply)
    },
    formers: asArray(at[4], 'former addresses', ANY).map(readFormer)
  }
}

/** Of a parcel: a large tree of actors; above it one must stop some first. */
export const PARCEL_BYTES_MAX = 8 * 1_048_576
const MAX_BYTES = PARCEL_BYTES_MAX

function readEntry(value: CborValue): OutboxEntry & { readonly seq: number } {
  const at = asArray(value, 'entry', 2)
  return { ...decodeOutbox(asBytes(at[1], 'entry', { min: 1, max: MAX_BYTES })), seq: asUint(at[0], 'number') }
}

function readMark(value: CborValue): readonly [string, Uint8Array, Uint8Array] {
  const at = asArray(value, 'mark', 3)
  const mark = asBytes(at[2], 'watermark', { min: 1, max: 64 }).slice()
  decodeWatermark(mark)
  return [asText(at[0], 'address', ADDRESS_BYTES_MAX), asBytes(at[1], 'sender', ID_BYTES).slice(), mark]
}

function readReply(value: CborValue): readonly [Uint8Array, Uint8Array] {
  const at = asArray(value, 'reply', 2)
  const reply = asBytes(at[1], 'reply', { min: 1, max: MAX_BYTES }).slice()
  decodeReply(reply)
  return [asBytes(at[0], 'key', ID_BYTES).slice(), reply]
}

function readFormer(value: CborValue): Known {
  const at = asArray(value, 'former address', 2)
  const address = asText(at[0], 'address', ADDRESS_BYTES_MAX)
  parseAddress(address)
  return [address, asUint(at[1], 'incarnation')]
}
