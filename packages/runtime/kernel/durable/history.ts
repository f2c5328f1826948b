import type { Store } from '@brume/ports'
import type { HistoryEntry } from '../port.ts'
import { baseKey, entryKey, readSeqKey } from './keys.ts'
import { HISTORY_ENTRIES_MAX } from './limits.ts'
import type { StoredActor } from './port.ts'
import { decodeRecord } from './record.ts'
import { decodeEntry } from './values.ts'

/** The first number beyond all. */
const SEQ_END = Number.MAX_SAFE_INTEGER

export interface Stepping {
  readonly actor: StoredActor
  readonly entries: readonly HistoryEntry[]
}

/** Journals as they are on disk: entries, and a record every so many. */
export class Histories {
  readonly #store: Store
  readonly #remove: (key: Uint8Array) => void

  /** @param remove - deletes a key with the open batch */
  constructor(store: Store, remove: (key: Uint8Array) => void) {
    this.#store = store
    this.#remove = remove
  }

  /** From this seq on, in order. */
  async *entries(id: Uint8Array, from: number, to = SEQ_END): AsyncGenerator<HistoryEntry> {
    for await (const [key, value] of this.#store.entries({ from: entryKey(id, from), to: entryKey(id, to) })) {
      yield decodeEntry(readSeqKey(key).seq, value)
    }
  }

  /** The newest record at or before `seq`, and the entries after it up to `seq`; null where none is kept. */
  async at(id: Uint8Array, seq: number): Promise<Stepping | null> {
    const range = { from: baseKey(id, 0), to: baseKey(id, seq + 1), reverse: true, limit: 1 }
    for await (const [, value] of this.#store.entries(range)) {
      const actor = decodeRecord(value)
      const entries: HistoryEntry[] = []
      for await (const entry of this.entries(id, actor.seq + 1, seq + 1)) entries.push(entry)
      return { actor, entries }
    }
    return null
  }

  /** Cuts off what lies before the newest record below `keepFrom`, so that what is left can be stepped from there. */
  async cut(id: Uint8Array, keepFrom: number): Promise<void> {
    const bases = await this.#bases(id, keepFrom)
    const base = bases.pop()
    if (base === undefined || bases.length === 0) return
    for (const seq of bases) this.#remove(baseKey(id, seq))
    const range = { from: entryKey(id, 0), to: entryKey(id, base + 1) }
    for await (const [key] of this.#store.entries(range)) this.#remove(key)
  }

  /** A record was taken at this seq: what is beyond the bound goes. */
  cutCount(id: Uint8Array, newest: number): Promise<void> {
    return this.cut(id, newest - HISTORY_ENTRIES_MAX + 1)
  }

  /** Cuts off what was entered before this time. */
  async cutAge(id: Uint8Array, beforeMs: number): Promise<void> {
    for (const base of (await this.#bases(id, SEQ_END)).reverse()) {
      const entered = await this.#store.get(entryKey(id, base))
      if (entered !== undefined && decodeEntry(base, entered).atMs < beforeMs) return this.cut(id, base + 1)
    }
  }

  /** The actor is forgotten. */
  async remove(id: Uint8Array): Promise<void> {
    for (const key of [baseKey, entryKey]) {
      for await (const [found] of this.#store.entries({ from: key(id, 0), to: key(id, SEQ_END) })) this.#remove(found)
    }
  }

  async #bases(id: Uint8Array, below: number): Promise<number[]> {
    const seqs: number[] = []
    if (below <= 0) return seqs
    for await (const [key] of this.#store.entries({ from: baseKey(id, 0), to: baseKey(id, below) })) {
      seqs.push(readSeqKey(key).seq)
    }
    return seqs
  }
}
