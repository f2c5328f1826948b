import { FINALIZE, NOTARIZE, NULLIFY } from '../oracle/statement.ts'

type VoteKind = 1 | 2 | 3

/** A block, as far as the lemmas go. */
interface Block {
  readonly view: number
  readonly parentView: number
  readonly parent: string
  readonly digest: string
}

/** Something that can be said, and its bit. */
export interface Statement {
  readonly kind: VoteKind
  readonly view: number
  readonly digest: string
  readonly bit: number
}

/** Statements fit into one integer of bits. */
const STATEMENTS_MAX = 31

/**
 * The five lemmas over all certificates that could be made. With one liar among four, whatever two honest
 * members said can be made a quorum's; so it is judged whether that would contradict itself.
 */
export class Verdicts {
  readonly #statements: Statement[] = []
  readonly #bits = new Map<string, number>()
  readonly #blocks = new Map<string, Block>()
  readonly #judged = new Map<number, string | null>()

  bitOf(kind: VoteKind, view: number, digest: string): number {
    const name = `${kind}/${view}/${digest}`
    const known = this.#bits.get(name)
    if (known !== undefined) return known
    if (this.#statements.length >= STATEMENTS_MAX) throw new RangeError('more statements than an integer has bits')
    const bit = 1 << this.#statements.length
    this.#statements.push({ kind, view, digest, bit })
    this.#bits.set(name, bit)
    return bit
  }

  learn({ view, parentView, parent, digest }: Block): void {
    this.#blocks.set(digest, { view, parentView, parent, digest })
  }

  /** What these bits stand for. */
  statementsIn(bits: number): readonly Statement[] {
    return this.#statements.filter(({ bit }) => (bits & bit) !== 0)
  }

  /** `certain`: bits of what two honest members said. A sentence, or null. */
  judge(certain: number): string | null {
    const known = this.#judged.get(certain)
    if (known !== undefined) return known
    const verdict = this.#find(this.statementsIn(certain))
    this.#judged.set(certain, verdict)
    return verdict
  }

  #find(certified: readonly Statement[]): string | null {
    const has = (kind: VoteKind, view: number, digest: string) =>
      certified.some((other) => other.kind === kind && other.view === view && other.digest === digest)
    for (const one of certified) {
      const { kind, view, digest } = one
      if (kind === FINALIZE && certified.some((other) => other.kind === NULLIFY && other.view === view)) {
        return `L1: view ${view} can be finalized and nullified`
      }
      if (
        kind !== NULLIFY &&
        certified.some((other) => other.kind === kind && other.view === view && other.digest !== digest)
      ) {
        return `${kind === NOTARIZE ? 'L2' : 'L4'}: two blocks of view ${view}`
      }
      if (kind === FINALIZE && !has(NOTARIZE, view, digest)) return `L3: view ${view} can be finalized, not notarized`
      if (kind === NOTARIZE) {
        const block = this.#blocks.get(digest)
        if (block !== undefined && block.parentView > 0 && !has(NOTARIZE, block.parentView, block.parent)) {
          return `L5: the parent of view ${view}'s block cannot be notarized`
        }
        for (let skipped = (block?.parentView ?? view) + 1; skipped < view; skipped++) {
          if (!has(NULLIFY, skipped, ''))
            return `gap: view ${view}'s block skips view ${skipped}, which cannot be nullified`
        }
      }
      if (kind === FINALIZE) {
        const over = certified.find(
          (other) => other.kind === NOTARIZE && other.view > view && !this.#descends(other.digest, digest)
        )
        if (over !== undefined) return `view ${over.view} can be notarized beside the final block of view ${view}`
      }
    }
    return null
  }

  #descends(digest: string, ancestor: string): boolean {
    for (let block = this.#blocks.get(digest); block !== undefined; block = this.#blocks.get(block.parent)) {
      if (block.digest === ancestor) return true
    }
    return false
  }
}
