import type { Certificate, Final, Proposal } from '@brume/consensus'

/** A final block with its leader's signature. */
export interface FinalBlock {
  readonly proposal: Proposal
  readonly signature: Uint8Array
}

interface Batch {
  readonly blocks: readonly FinalBlock[]
  readonly final: Final
}

/** Blocks of one answer. */
const CHAPTER_BATCHES = 16

/**
 * The finalized log as LevelDB keeps it: each batch whole or not at all, and the newest of them lost in
 * a power cut unless something synced them.
 */
export class Ledger {
  readonly #genesis: Final
  #batches: Batch[] = []
  #durable = 0

  constructor(genesis: Final) {
    this.#genesis = genesis
  }

  get floor(): Final {
    return this.#batches.at(-1)?.final ?? this.#genesis
  }

  get height(): number {
    return this.floor.height
  }

  append(blocks: readonly FinalBlock[], final: Final): void {
    this.#batches.push({ blocks, final })
  }

  /** Everything so far survives. */
  secure(): void {
    this.#durable = this.#batches.length
  }

  /** Power is lost; of what was not synced a random number of batches is there. `keep(n)` draws from 0..n. */
  crash(keep: (most: number) => number): void {
    const kept = this.#durable + keep(this.#batches.length - this.#durable)
    this.#batches.length = kept
    this.#durable = kept
  }

  wipe(): void {
    this.#batches = []
    this.#durable = 0
  }

  *blocks(): Iterable<FinalBlock> {
    for (const { blocks } of this.#batches) yield* blocks
  }

  /** The floor of some time ago: what a restored backup would show. */
  olderFloor(batches: number): Final {
    return this.#batches[this.#batches.length - 1 - batches]?.final ?? this.#genesis
  }

  /** Blocks from this height on, up to one with a finalization. */
  chapter(from: number): { readonly blocks: readonly FinalBlock[]; readonly certificate: Certificate | null } {
    const start = this.#batches.findIndex(({ final }) => final.height >= from)
    if (start === -1) return { blocks: [], certificate: null }
    const batches = this.#batches.slice(start, start + CHAPTER_BATCHES)
    const blocks = batches.flatMap((batch) => batch.blocks).filter(({ proposal }) => proposal.height >= from)
    return { blocks, certificate: batches.at(-1)?.final.certificate ?? null }
  }
}
