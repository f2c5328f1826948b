import { utf8 } from '@brume/codec'
import type { Log } from '@brume/ports'
import { actorId } from '../../address.ts'
import type { HistoryEntry } from '../port.ts'
import type { Batch } from './batch.ts'
import { baseKey, entryKey, recordKey, timerKey, tombstoneKey, wakeKey } from './keys.ts'
import { BASE_EVERY, RECORD_BYTES_MAX, TOMBSTONE_MS } from './limits.ts'
import type { Persistent, StoredActor } from './port.ts'
import { encodeRecord } from './record.ts'
import { pathOf, type Resident, type Residents, type Stored, storedOf } from './residents.ts'
import { encodeEntry, encodeTombstone } from './values.ts'

export interface RecorderOptions {
  readonly residents: Residents
  readonly log: Log
  readonly nowMs: () => number
  readonly read: (key: Uint8Array) => Uint8Array | undefined
  /** It left memory with this timer, which is on its way to the disk. */
  readonly onLeft: (id: Uint8Array, dueMs: number) => void
  /** It has timers that need to know how long the peer was down. */
  readonly onRemaining: () => void
  /** A record for the history was taken at this seq: older ones may be cut. */
  readonly onBase: (id: Uint8Array, seq: number) => void
}

/** Puts records, and the index keys that follow from them, into a batch. */
export class Recorder {
  readonly #options: RecorderOptions

  constructor(options: RecorderOptions) {
    this.#options = options
  }

  save(batch: Batch, actor: Persistent, entry: HistoryEntry | undefined): void {
    batch.saved.set(actor.path, actor)
    batch.buried.delete(actor.path)
    const resident = this.#options.residents.of(actor.path)
    resident.isLeaving = false
    if (actor.durability !== 'journal') return
    if (entry !== undefined) batch.put(entryKey(resident.id, entry.seq), () => encodeEntry(entry))
    else this.#keepBirth(batch, actor, resident)
  }

  /** What begins anew has its first state in the history, or nothing could be stepped from there. */
  #keepBirth(batch: Batch, actor: Persistent, { id, stored }: Resident): void {
    const record = actor.record()
    if (stored?.incarnation === record.incarnation) return
    const bytes = encodeRecord(record)
    batch.put(baseKey(id, record.seq), () => bytes)
  }

  bury(batch: Batch, actor: Persistent): void {
    batch.saved.delete(actor.path)
    batch.buried.set(actor.path, { ...actor.record(), status: 'stopped' })
  }

  /** The batch closes: what was saved is taken as it is now. */
  close(batch: Batch): void {
    for (const actor of batch.saved.values()) this.#record(batch, actor)
    for (const [path, record] of batch.buried) this.#bury(batch, path, record)
  }

  #record(batch: Batch, actor: Persistent): void {
    const resident = this.#options.residents.of(actor.path)
    const record = actor.record()
    const bytes = encodeRecord(record)
    if (bytes.length > RECORD_BYTES_MAX) this.#complain(actor.path, bytes.length)
    const next = storedOf(record)
    this.#keepReplaced(batch, resident, next)
    if (actor.durability === 'journal') this.#keepBase(batch, resident, record, bytes)
    batch.put(recordKey(resident.id), () => bytes)
    this.#index(batch, resident, next)
    resident.stored = next
    if (next.dueMs !== null && record.options.resume === 'remaining') this.#options.onRemaining()
    if (resident.isLeaving) this.leave(resident)
  }

  /** It is not in memory any more, and its record is in a closed batch or on disk. */
  leave(resident: Resident): void {
    this.#options.residents.delete(resident.path)
    const dueMs = resident.stored?.dueMs ?? null
    if (dueMs !== null) this.#options.onLeft(resident.id, dueMs)
  }

  /** One that came from another peer and is not in memory. */
  adopt(batch: Batch, record: StoredActor): void {
    const resident = { path: pathOf(record.address), id: actorId(record.address), stored: null, isLeaving: false }
    const bytes = encodeRecord(record)
    batch.buried.delete(resident.path)
    batch.put(recordKey(resident.id), () => bytes)
    if (record.options.durability === 'journal') batch.put(baseKey(resident.id, record.seq), () => bytes)
    this.#index(batch, resident, storedOf(record))
  }

  /** It lives elsewhere now: nothing of its record stays. */
  remove(batch: Batch, path: string): void {
    const resident = this.#options.residents.of(path)
    batch.saved.delete(path)
    batch.delete(recordKey(resident.id))
    this.#index(batch, resident, null)
    this.#options.residents.delete(path)
  }

  #index(batch: Batch, { id, path, stored }: Resident, next: Stored | null): void {
    const [before, after] = [stored?.dueMs ?? null, next?.dueMs ?? null]
    if (before !== after) {
      if (before !== null) batch.delete(timerKey(before, id))
      if (after !== null) batch.put(timerKey(after, id), () => NOTHING)
    }
    if ((stored?.wake ?? false) === (next?.wake ?? false)) return
    if (next?.wake === true) batch.put(wakeKey(id), () => utf8(path))
    else batch.delete(wakeKey(id))
  }

  /** A restart replaces a state that someone may want back. */
  #keepReplaced(batch: Batch, { id, stored }: Resident, next: Stored): void {
    if (stored === null || stored.incarnation === next.incarnation) return
    const before = this.#options.read(recordKey(id))
    if (before !== undefined) this.#entomb(batch, id, before)
  }

  #keepBase(batch: Batch, { id, stored }: Resident, { seq, options }: StoredActor, bytes: Uint8Array): void {
    const isDue = Math.floor((stored?.seq ?? 0) / BASE_EVERY) !== Math.floor(seq / BASE_EVERY)
    if (!isDue) return
    batch.put(baseKey(id, seq), () => bytes)
    if (!options.keepAll) this.#options.onBase(id, seq)
  }

  #bury(batch: Batch, path: string, record: StoredActor): void {
    const resident = this.#options.residents.of(path)
    this.#entomb(batch, resident.id, encodeRecord(record))
    batch.delete(recordKey(resident.id))
    this.#index(batch, resident, null)
    this.#options.residents.delete(path)
  }

  #entomb(batch: Batch, id: Uint8Array, record: Uint8Array): void {
    const expiresMs = Math.ceil(this.#options.nowMs() + TOMBSTONE_MS)
    batch.put(tombstoneKey(id), () => encodeTombstone(expiresMs, record))
  }

  #complain(path: string, bytes: number): void {
    this.#options.log.warn({ path, bytes, most: RECORD_BYTES_MAX }, 'the record of an actor is too large')
  }
}

const NOTHING = new Uint8Array()
