import type { CheckedCommittee } from './committee.ts'
import type { SeenBlock } from './frames.ts'
import { contradict, FINALIZE, isSignedBy, NULLIFY, type SignedStatement } from './statement.ts'

/** Where a statement was seen: a peer's journal, or what a peer received. */
export type Source = string

export interface Violation {
  readonly rule:
    | 'double-vote'
    | 'two-finals-at-one-height'
    | 'final-and-nullified'
    | 'vote-not-in-journal'
    | 'evidence-does-not-hold'
  readonly message: string
  /** Index of the one member that broke it, where it takes only one. */
  readonly member?: number
}

interface Seen {
  readonly statement: SignedStatement
  readonly source: Source
}

/** Of one epoch so many statements are tried before its committee counts as another than the manifest's. */
const SAMPLES_MAX = 64
/** The manifest's members decide in epochs 0 and 1, and later for as long as nobody comes or goes. */
const FOUNDED_EPOCHS = 2

const KIND_NAMES: Readonly<Record<number, string>> = { 1: 'notarize', 2: 'nullify', 3: 'finalize' }

function nameOf({ statement, source }: Seen): string {
  const { kind, tail } = statement
  return `${KIND_NAMES[kind] ?? kind}${tail === '' ? '' : ` ${tail.slice(16, 24)}`} (${source})`
}

/**
 * Collects all statements of one committee from everywhere and finds those that cannot stand beside
 * each other. A statement whose signature does not verify accuses nobody.
 */
export class BallotBox {
  readonly #committee: CheckedCommittee
  /** Distinct statements by `epoch/view/signer`. */
  readonly #bySigner = new Map<string, Seen[]>()
  readonly #blocks = new Map<string, SeenBlock>()
  /** Is the committee of that epoch the manifest's? Absent: its statements were never tried. */
  readonly #epochs = new Map<number, { isKnown: boolean; samples: number }>()
  readonly #doubleVotes = new Map<string, Violation>()
  #forged = 0

  constructor(committee: CheckedCommittee) {
    this.#committee = committee
  }

  /**
   * Distinct statements, how many of those examined were not signed by their signer, and how many cannot be judged:
   * they are of epochs whose committee the manifest does not tell.
   */
  get counts(): { readonly statements: number; readonly forged: number; readonly unjudged: number } {
    const all = [...this.#bySigner.values()].flat()
    const unjudged = all.filter(({ statement }) => !this.#isKnown(statement.epoch)).length
    return { statements: all.length, forged: this.#forged, unjudged }
  }

  addBlock(block: SeenBlock, source: Source): void {
    if (this.#blocks.has(block.digest)) return
    this.#blocks.set(block.digest, block)
    const signer = this.#committee.keys.findIndex((key) => isSignedBy(key, this.#committee, block.notarize))
    if (signer === -1) this.#forged += this.#isKnown(block.epoch) ? 1 : 0
    else this.add({ ...block.notarize, signer }, source)
  }

  add(statement: SignedStatement, source: Source): void {
    if (statement.signer >= this.#committee.keys.length) return
    const key = `${statement.epoch}/${statement.view}/${statement.signer}`
    const seen = this.#bySigner.get(key) ?? []
    if (seen.some((other) => other.statement.kind === statement.kind && other.statement.tail === statement.tail)) return
    const entry = { statement, source }
    this.#sample(statement)
    for (const other of seen) if (contradict(statement, other.statement)) this.#accuse(key, other, entry)
    this.#bySigner.set(key, [...seen, entry])
  }

  /** Is the very statement known from elsewhere? */
  violations(): readonly Violation[] {
    return [...this.#doubleVotes.values(), ...this.#conflictingFinals()]
  }

  /** Heights at which a block was final by the votes seen. */
  finalHeights(): readonly number[] {
    const heights = this.#finals().flatMap(({ digest }) => this.#blocks.get(digest)?.height ?? [])
    return [...new Set(heights)].sort((a, b) => a - b)
  }

  #isKnown(epoch: number): boolean {
    return epoch < FOUNDED_EPOCHS || this.#epochs.get(epoch)?.isKnown === true
  }

  /** One signature that holds shows whose epoch it is: it covers the hash of the committee. */
  #sample(statement: SignedStatement): void {
    const { epoch } = statement
    const tried = this.#epochs.get(epoch) ?? { isKnown: epoch < FOUNDED_EPOCHS, samples: 0 }
    this.#epochs.set(epoch, tried)
    if (tried.isKnown || tried.samples >= SAMPLES_MAX) return
    tried.samples += 1
    tried.isKnown = this.#isSigned(statement)
  }

  #accuse(key: string, first: Seen, second: Seen): void {
    if (!this.#isKnown(first.statement.epoch)) return
    const unsigned = [first, second].filter(({ statement }) => !this.#isSigned(statement))
    this.#forged += unsigned.length
    if (unsigned.length > 0) return
    const [epoch, view, signer] = key.split('/')
    const message = `member ${signer} signed in epoch ${epoch}, view ${view}: ${nameOf(first)} and ${nameOf(second)}`
    const violation: Violation = { rule: 'double-vote', message, member: Number(signer) }
    this.#doubleVotes.set(`${key}/${first.statement.kind}/${second.statement.kind}`, violation)
  }

  #isSigned(statement: SignedStatement): boolean {
    const key = this.#committee.keys[statement.signer]
    return key !== undefined && isSignedBy(key, this.#committee, statement)
  }

  /** Statements of one kind that a quorum made, by `epoch/view`. */
  #decided(kind: number): readonly { readonly place: string; readonly digest: string }[] {
    const weights = new Map<string, number>()
    for (const { statement } of [...this.#bySigner.values()].flat()) {
      if (statement.kind !== kind || !this.#isKnown(statement.epoch)) continue
      const choice = `${statement.epoch}/${statement.view} ${statement.tail.slice(16)}`
      weights.set(choice, (weights.get(choice) ?? 0) + (this.#committee.weights[statement.signer] ?? 0))
    }
    const decided = [...weights].filter(([, weight]) => weight >= this.#committee.quorum)
    return decided.map(([choice]) => {
      const [place = '', digest = ''] = choice.split(' ')
      return { place, digest }
    })
  }

  #finals(): readonly { readonly place: string; readonly digest: string }[] {
    return this.#decided(FINALIZE)
  }

  /** Height of the final block that closes an epoch, by epoch. */
  #closings(finals: readonly string[]): ReadonlyMap<number, number> {
    const closings = new Map<number, number>()
    const seen = new Set<string>()
    for (const digest of finals) {
      for (let block = this.#blocks.get(digest); block !== undefined; block = this.#blocks.get(block.parent)) {
        if (seen.has(block.digest)) break
        seen.add(block.digest)
        if (block.isClosing)
          closings.set(block.epoch, Math.min(block.height, closings.get(block.epoch) ?? block.height))
      }
    }
    return closings
  }

  #conflictingFinals(): readonly Violation[] {
    const nullified = new Set(this.#decided(NULLIFY).map(({ place }) => place))
    const finals = this.#finals()
    const closings = this.#closings(finals.map(({ digest }) => digest))
    const byPlace = new Map<string, string>()
    const violations: Violation[] = []
    for (const { place, digest } of finals) {
      if (nullified.has(place)) {
        violations.push({ rule: 'final-and-nullified', message: `epoch/view ${place} is both final and nullified` })
      }
      const block = this.#blocks.get(digest)
      if (block === undefined) continue
      const { epoch, height, commands } = block
      // Empty ones above it make a closing block final and count for nothing: the next epoch begins at their height.
      const counts = commands > 0 || height <= (closings.get(epoch) ?? height)
      const at = counts ? `${height}` : `${height} of epoch ${epoch}`
      const other = byPlace.get(at) ?? digest
      byPlace.set(at, other)
      if (other === digest) continue
      const message = `height ${at}: ${other.slice(0, 16)} and ${digest.slice(0, 16)} are both final`
      violations.push({ rule: 'two-finals-at-one-height', message })
    }
    return violations
  }
}
