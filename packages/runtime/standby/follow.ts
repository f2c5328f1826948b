import { BASE_BYTES_MAX, chain, decodeBatch, isFirst, isLast, isSameHash, join, NO_HASH } from './log.ts'
import type { Change, Position, Ship } from './port.ts'

interface Base {
  readonly seq: number
  readonly hash: Uint8Array
  /** Of the pieces so far. */
  chained: Uint8Array
  pieces: Uint8Array[]
  bytes: number
}

/** The log of one actor as a follower has it: batches that are whole, and pieces of the next one. */
export class Follow {
  /** Null: nothing is here that one could go on from. */
  position: Position | null
  #pieces: Uint8Array[] = []
  #bytes = 0
  #received: { readonly seq: number; readonly hash: Uint8Array }
  #base: Base | null = null

  constructor(position: Position | null) {
    this.position = position
    this.#received = position ?? { seq: 0, hash: NO_HASH }
  }

  /** How far it is, for the holder: pieces count. */
  get progress(): { readonly seq: number; readonly hash: Uint8Array } {
    return this.#base === null ? this.#received : { seq: this.#base.seq, hash: this.#base.chained }
  }

  /** Pieces of a batch that did not come whole are of no use to anybody. */
  forgetPieces(): void {
    this.#pieces = []
    this.#bytes = 0
    this.#base = null
    this.#received = this.position ?? { seq: 0, hash: NO_HASH }
  }

  take({ epoch, fromSeq, prevHash, entries, record }: Ship): readonly Change[] {
    if (record !== null) return this.#piece(epoch, fromSeq - 1, prevHash, record)
    const { seq, hash } = this.#received
    if (fromSeq !== seq + 1 || !isSameHash(prevHash, hash)) return []
    this.#base = null
    this.position ??= { epoch, seq, hash }
    return entries.flatMap((entry) => this.#entry(epoch, entry))
  }

  #entry(epoch: number, entry: Uint8Array): readonly Change[] {
    const { seq, hash } = this.#received
    this.#received = { seq: seq + 1, hash: chain(hash, entry) }
    if (isFirst(entry)) {
      this.#pieces = []
      this.#bytes = 0
    }
    this.#pieces.push(entry)
    this.#bytes += entry.length
    if (this.#bytes > BASE_BYTES_MAX) this.forgetPieces()
    if (!isLast(entry)) return []
    const batch = join(this.#pieces)
    this.#pieces = []
    if (!isBatch(batch)) return this.#spoilt()
    this.position = { epoch, ...this.#received }
    return [{ kind: 'batch', batch, position: this.position }]
  }

  #piece(epoch: number, seq: number, prevHash: Uint8Array, piece: Uint8Array): readonly Change[] {
    if (isFirst(piece)) this.#base = { seq, hash: prevHash, chained: prevHash, pieces: [], bytes: 0 }
    const base = this.#base
    if (base === null || base.seq !== seq || !isSameHash(base.chained, prevHash)) return []
    base.chained = chain(base.chained, piece)
    base.pieces.push(piece)
    base.bytes += piece.length
    if (base.bytes > BASE_BYTES_MAX) this.forgetPieces()
    if (!isLast(piece)) return []
    const batch = join(base.pieces)
    if (!isBatch(batch)) return this.#spoilt()
    this.position = { epoch, seq, hash: base.hash }
    this.forgetPieces()
    return [{ kind: 'base', batch, position: this.position }]
  }

  /** It goes on from where it was, and is dropped if that is all it is given. */
  #spoilt(): readonly Change[] {
    this.forgetPieces()
    return []
  }
}

function isBatch(bytes: Uint8Array): boolean {
  try {
    decodeBatch(bytes)
    return true
  } catch {
    return false
  }
}
