import { type Certificate, type Committee, type Final, isWellFormed, KIND, type Vote, votesOf } from '@brume/consensus'
import type { FinalBlock } from './ledger.ts'

/** A chapter that does not come is asked of somebody else. */
const CHAPTER_TIMEOUT_US = 1_500_000
/** Where nobody had what is known to exist. */
const ASK_AGAIN_US = 1_000_000

/** What fetching needs of its node. */
export interface FetchingPorts {
  readonly committee: Committee
  readonly final: () => Final
  /** The node is down, or has given up. */
  readonly isOver: () => boolean
  /** Processes that are linked and say that they are further, in the order of linking. */
  readonly ahead: () => readonly number[]
  /** Is a finalization known whose blocks are not here? */
  readonly lacks: () => boolean
  readonly ask: (process: number, from: number) => void
  /** Runs unless the node has crashed by then. */
  readonly later: (us: number, run: () => void) => void
  readonly isSigned: (vote: Vote) => boolean
  readonly adopt: (blocks: readonly FinalBlock[], final: Final) => void
  readonly caughtUp: () => void
}

/** Final blocks by height, from one process after the other until none that answers is ahead. */
export class Fetching {
  readonly #ports: FetchingPorts
  #asked: { readonly process: number; readonly order: number } | null = null
  #order = 0
  readonly #useless = new Set<number>()

  constructor(ports: FetchingPorts) {
    this.#ports = ports
  }

  get isIdle(): boolean {
    return this.#asked === null
  }

  begin(): void {
    this.#useless.clear()
    this.#askNext()
  }

  /** What was under way comes to nothing. */
  reset(): void {
    this.#asked = null
  }

  /** Those that had nothing may have something now. */
  forgive(): void {
    this.#useless.clear()
  }

  lost(process: number): void {
    if (this.#asked?.process === process) this.#askNext()
  }

  take(from: number, blocks: readonly FinalBlock[], certificate: Certificate | null): void {
    if (this.#asked?.process !== from) return
    this.#asked = null
    const last = blocks.at(-1)?.proposal
    if (last === undefined || certificate === null || !this.#isProven(blocks, certificate)) this.#useless.add(from)
    else if (last.view > this.#ports.final().view) {
      const { view, height, digest, timeMs } = last
      this.#ports.adopt(blocks, { view, height, digest, timeMs, certificate })
    }
    this.#askNext()
  }

  #askNext(): void {
    const { isOver, ahead, lacks, ask, later, final, caughtUp } = this.#ports
    this.#asked = null
    if (isOver()) return
    const process = ahead().find((other) => !this.#useless.has(other))
    if (process === undefined) return lacks() ? this.#askAgain() : caughtUp()
    const order = ++this.#order
    this.#asked = { process, order }
    ask(process, final().height + 1)
    later(CHAPTER_TIMEOUT_US, () => {
      if (this.#asked?.order !== order) return
      this.#useless.add(process)
      this.#askNext()
    })
  }

  /** A finalization is known whose blocks nobody gave: once more, a little later. */
  #askAgain(): void {
    this.#ports.later(ASK_AGAIN_US, () => {
      if (this.#asked !== null) return
      this.#useless.clear()
      this.#askNext()
    })
  }

  /** A chain on the own floor whose last block a quorum finalized. */
  #isProven(blocks: readonly FinalBlock[], certificate: Certificate): boolean {
    const { committee, final, isSigned } = this.#ports
    let parent: { readonly digest: string; readonly height: number } = final()
    for (const { proposal } of blocks) {
      if (proposal.parent !== parent.digest || proposal.height !== parent.height + 1) return false
      parent = proposal
    }
    const names = certificate.kind === KIND.finalize && certificate.digest === parent.digest
    return names && isWellFormed(committee, certificate) && votesOf(certificate).every(isSigned)
  }
}
