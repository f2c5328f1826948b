import { keyText } from './keys.ts'
import type { OutboxEntry } from './port.ts'

export type Numbered = OutboxEntry & { readonly seq: number }

const NOTHING: readonly Numbered[] = []

/**
 * All that was sent and is not confirmed by who it is for. It is kept in memory too: it is sent again on every new link,
 * and a store that is read by key cannot be asked what it has.
 */
export class Outbox {
  readonly #byActor = new Map<string, Map<number, Numbered>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  put(id: Uint8Array, seq: number, entry: OutboxEntry): void {
    const name = keyText(id)
    const entries = this.#byActor.get(name) ?? new Map<number, Numbered>()
    if (!entries.has(seq)) this.#size += 1
    this.#byActor.set(name, entries.set(seq, { ...entry, seq }))
  }

  /** False where there is no such entry. */
  drop(id: Uint8Array, seq: number): boolean {
    const name = keyText(id)
    const entries = this.#byActor.get(name)
    if (entries?.delete(seq) !== true) return false
    this.#size -= 1
    if (entries.size === 0) this.#byActor.delete(name)
    return true
  }

  /** In the order of their numbers. */
  of(id: Uint8Array): readonly Numbered[] {
    if (this.#size === 0) return NOTHING
    return [...(this.#byActor.get(keyText(id))?.values() ?? [])].sort((a, b) => a.seq - b.seq)
  }

  /** Ids, 16 bytes each, of actors that wait for a confirmation. */
  ids(): readonly Uint8Array[] {
    return [...this.#byActor.keys()].map((name) => new Uint8Array(Buffer.from(name, 'latin1')))
  }
}
