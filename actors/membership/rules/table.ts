import { toHex } from '@brume/codec'
import { peerIdBytes, sha256 } from '@brume/crypto'
import type { PeerId } from '@brume/ports'
import { ID_BYTES, isLeaving, type SignedRecord } from '@brume/protocols/membership'
import type { DeathCause } from '../effect.ts'
import { REDIAL_EPOCHS, STALE_EPOCHS } from '../limits.ts'

export type Liveness =
  | { readonly state: 'up' }
  | { readonly state: 'suspect'; readonly sinceMs: number }
  | { readonly state: 'dead'; readonly cause: DeathCause }

/** One member as this peer knows it, itself included. */
export interface Entry {
  readonly peer: PeerId
  /** First 16 B of SHA-256(peer id bytes): the name in anti-entropy; `idHex` the same as a key. */
  readonly id16: Uint8Array
  readonly idHex: string
  /** Private order among members, SHA-256(own secret ‖ id16) in hex: nobody else can predict it. */
  readonly rank: string
  readonly record: SignedRecord
  /** The first salted record of the record's epoch: what a second salt contradicts. */
  readonly salted: SignedRecord | undefined
  /** Own observations; the record's `notBefore` is never believed. Wall milliseconds. */
  readonly firstSeenEpoch: number
  readonly firstSeenMs: number
  readonly lastSeenMs: number
  readonly introducers: readonly PeerId[]
  readonly inEpoch: { readonly epoch: number; readonly count: number }
  readonly liveness: Liveness
}

export type Table = ReadonlyMap<PeerId, Entry>

export interface EntrySeed {
  readonly record: SignedRecord
  readonly secret: Uint8Array
  readonly epoch: number
  readonly wallMs: number
  readonly introducers: readonly PeerId[]
  readonly liveness: Liveness
}

export function newEntry(seed: EntrySeed): Entry {
  const peer = seed.record.body.peer
  const id16 = sha256(peerIdBytes(peer)).slice(0, ID_BYTES)
  return {
    peer,
    id16,
    idHex: toHex(id16),
    rank: toHex(sha256(seed.secret, id16)),
    record: seed.record,
    salted: seed.record.body.salt === null ? undefined : seed.record,
    firstSeenEpoch: seed.epoch,
    firstSeenMs: seed.wallMs,
    lastSeenMs: seed.wallMs,
    introducers: seed.introducers,
    inEpoch: { epoch: seed.record.body.epoch, count: 1 },
    liveness: seed.liveness
  }
}

/** The epoch that the wall clock says; it never decreases. */
export function epochAt(wallMs: number, epochMs: number): number {
  return Math.max(0, Math.floor(wallMs / epochMs))
}

/** May others accept this record now? Only such records enter digests, else tables would never agree. */
export function isCurrent(entry: Entry, epoch: number): boolean {
  return Math.abs(entry.record.body.epoch - epoch) <= 1
}

/** Fresh or stale, and not leaving: a member that counts. */
export function counts(entry: Entry, epoch: number): boolean {
  return entry.record.body.epoch + STALE_EPOCHS >= epoch && !isLeaving(entry.record.body)
}

/** Worth a dial: counts, or did within the last day. */
export function isRedialed(entry: Entry, epoch: number): boolean {
  return entry.record.body.epoch + REDIAL_EPOCHS >= epoch && !isLeaving(entry.record.body)
}
