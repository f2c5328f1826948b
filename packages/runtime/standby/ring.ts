import { SHIP_ENTRIES_MAX } from './limits.ts'
import { chain, isLast, isSameHash, PIECE_BYTES_MAX } from './log.ts'

interface Entry {
  readonly bytes: Uint8Array
  readonly hash: Uint8Array
  /** The last whole batch up to here ends with this number. */
  readonly end: number
}

/** The newest entries of a log, for those who are not far behind. */
export class Ring {
  #entries: Entry[] = []
  #bytes = 0
  /** Number and hash before the first one kept. */
  #start: { readonly seq: number; readonly hash: Uint8Array }
  #end: number

  constructor(start: { readonly seq: number; readonly hash: Uint8Array }) {
    this.#start = start
    this.#end = start.seq
  }

  get bytes(): number {
    return this.#bytes
  }

  get seq(): number {
    return this.#start.seq + this.#entries.length
  }

  get hash(): Uint8Array {
    return this.#entries.at(-1)?.hash ?? this.#start.hash
  }

  push(bytes: Uint8Array): void {
    const hash = chain(this.hash, bytes)
    if (isLast(bytes)) this.#end = this.seq + 1
    this.#entries.push({ bytes, hash, end: this.#end })
    this.#bytes += bytes.length
  }

  /** Undefined: too old, or never was. */
  hashAt(seq: number): Uint8Array | undefined {
    return seq === this.#start.seq ? this.#start.hash : this.#entries[seq - this.#start.seq - 1]?.hash
  }

  has(seq: number, hash: Uint8Array): boolean {
    const own = this.hashAt(seq)
    return own !== undefined && isSameHash(own, hash)
  }

  /** End of the last whole batch at or before this entry. */
  wholeAt(seq: number): number {
    return this.#entries[seq - this.#start.seq - 1]?.end ?? Math.min(seq, this.#start.seq)
  }

  /** What of it goes into one Ship, from this number on. */
  from(seq: number): readonly Uint8Array[] {
    const found: Uint8Array[] = []
    let bytes = 0
    for (let at = seq - this.#start.seq - 1; at < this.#entries.length && found.length < SHIP_ENTRIES_MAX; at++) {
      const entry = this.#entries[at]
      if (entry === undefined) break
      bytes += entry.bytes.length + ENTRY_HEAD_BYTES
      if (found.length > 0 && bytes > PIECE_BYTES_MAX) break
      found.push(entry.bytes)
    }
    return found
  }

  /** Forgets the oldest down to so many bytes, and none from this number on. */
  trim(bytesMax: number, keepFrom: number): void {
    let count = 0
    let bytes = this.#bytes
    for (const entry of this.#entries) {
      if (bytes <= bytesMax || this.#start.seq + count + 1 >= keepFrom) break
      bytes -= entry.bytes.length
      count += 1
    }
    if (count === 0) return
    const last = this.#entries[count - 1]
    if (last !== undefined) this.#start = { seq: this.#start.seq + count, hash: last.hash }
    this.#entries = this.#entries.slice(count)
    this.#bytes = bytes
  }
}

/** Of the byte string in a frame. */
const ENTRY_HEAD_BYTES = 5
