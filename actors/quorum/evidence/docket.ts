import { toHex } from '@brume/codec'
import { type Committee, signedBytes, type Vote } from '@brume/consensus'
import type { Journal, PeerId, Verdict } from '@brume/ports'
import {
  decodeEvidence,
  type Evidence,
  encodeEvidence,
  makeEvidence,
  offenceOf,
  type Signed,
  verifyEvidence
} from '@brume/protocols/quorum'
import { appendRecord, RECORD, recordsOf } from '../votes/records.ts'

/** Offences kept of one key and epoch: the first one costs it its place, more of them say nothing new. */
const PER_KEY_MAX = 4

/**
 * Offences kept in all; the oldest go. Keys that come, lie and are put out cost nothing but commands, and each start and
 * each release of journal records writes all of this anew.
 */
export const OFFENCES_MAX = 256

/** Evidence that one relaying peer may have checked within the window; two signatures each, 0.25 ms. */
const CHECKS_PER_PEER = 32
const CHECK_WINDOW_MS = 60_000
/** Relaying peers that are counted at a time. */
const PEERS_MAX = 256

export interface DocketOptions {
  readonly groupId: Uint8Array
  readonly journal: Journal | null
  readonly nowMs: () => number
  /** Has a member or candidate this key, and is the epoch one that concerns this peer? */
  readonly concerns: (key: Uint8Array, epoch: number) => boolean
  /** Proven and on disk: the first time, and once more after each start. */
  readonly onProven: (evidence: Evidence, isNew: boolean) => void
  readonly onDropped: (cause: 'evidence-form' | 'evidence-signature' | 'evidence-unknown' | 'evidence-rate') => void
}

/**
 * What is proven against members of one group, each offence once: from the own reducer or from gossip, checked, on
 * disk, and only then used.
 */
export class Docket {
  readonly #options: DocketOptions
  readonly #known = new Map<string, Evidence>()
  readonly #perKey = new Map<string, number>()
  readonly #checks = new Map<PeerId, { sinceMs: number; count: number }>()

  constructor(options: DocketOptions) {
    this.#options = options
  }

  /** What the journal has; call it once, when those who want to know are there. */
  recall(): void {
    for (const { kind, bytes } of recordsOf(this.#options.journal, this.#options.groupId)) {
      if (kind !== RECORD.evidence) continue
      const evidence = decodeEvidence(bytes)
      if (this.#enter(evidence)) this.#options.onProven(evidence, false)
    }
  }

  /** Two votes by one member that exclude each other, both signatures valid. */
  conflict(committee: Committee, a: Vote, b: Vote): void {
    const key = committee.members[a.signer]?.key
    if (key === undefined) return
    const signed = (vote: Vote): Signed => ({ statement: signedBytes(committee, vote), signature: vote.signature })
    const evidence = makeEvidence(key, signed(a), signed(b))
    if (evidence !== undefined) this.prove(evidence)
  }

  /** Evidence made here, of whatever kind. */
  prove(evidence: Evidence): void {
    if (!this.#isWanted(evidence)) return
    if (verifyEvidence(evidence)) this.#write(evidence)
    else this.#options.onDropped('evidence-signature')
  }

  /** Evidence by which a final block takes somebody's place away: verified, and whoever that is, it is of concern. */
  ordered(evidence: Evidence): void {
    this.#write(evidence)
  }

  /** Evidence by gossip. What is accepted is relayed, each offence once. */
  receive(from: PeerId, bytes: Uint8Array): Verdict {
    let evidence: Evidence
    try {
      evidence = decodeEvidence(bytes)
    } catch {
      return this.#drop('evidence-form', 'reject')
    }
    if (toHex(evidence.groupId) !== toHex(this.#options.groupId)) return this.#drop('evidence-unknown', 'reject')
    // Whose epoch is not known here yet may be somebody: the peer that sent it need not be at fault.
    if (!this.#isWanted(evidence)) return 'ignore'
    if (!this.#mayCheck(from)) return this.#drop('evidence-rate', 'ignore')
    if (!verifyEvidence(evidence)) return this.#drop('evidence-signature', 'reject')
    this.#write(evidence)
    return 'accept'
  }

  /** What is proven, oldest first; at most OFFENCES_MAX. */
  all(): readonly Evidence[] {
    return [...this.#known.values()]
  }

  /** Writes what is proven anew, since its records are about to be let go; resolves when that is on disk. */
  async restate(): Promise<void> {
    const written = this.all().map((evidence) => {
      return new Promise<void>((resolve) => this.#append(evidence, () => resolve()))
    })
    await Promise.all(written)
  }

  #isWanted(evidence: Evidence): boolean {
    if (this.#known.has(offenceOf(evidence))) return false
    if ((this.#perKey.get(keyOf(evidence)) ?? 0) >= PER_KEY_MAX) return false
    if (this.#options.concerns(evidence.key, evidence.epoch)) return true
    this.#options.onDropped('evidence-unknown')
    return false
  }

  #write(evidence: Evidence): void {
    if (!this.#enter(evidence)) return
    this.#append(evidence, (isWritten) => {
      if (isWritten) this.#options.onProven(evidence, true)
      // Without space it was not written and not used: whoever sees it again tells it again.
      else this.#leave(evidence)
    })
  }

  #append(evidence: Evidence, done: (isWritten: boolean) => void): void {
    const { journal, groupId } = this.#options
    if (journal === null) return done(true)
    appendRecord(journal, groupId, RECORD.evidence, encodeEvidence(evidence), (error) => done(error === undefined))
  }

  #enter(evidence: Evidence): boolean {
    const offence = offenceOf(evidence)
    const count = this.#perKey.get(keyOf(evidence)) ?? 0
    if (this.#known.has(offence) || count >= PER_KEY_MAX) return false
    this.#known.set(offence, evidence)
    this.#perKey.set(keyOf(evidence), count + 1)
    if (this.#known.size > OFFENCES_MAX) for (const oldest of this.#known.values().take(1)) this.#leave(oldest)
    return true
  }

  #leave(evidence: Evidence): void {
    if (!this.#known.delete(offenceOf(evidence))) return
    const left = (this.#perKey.get(keyOf(evidence)) ?? 1) - 1
    if (left > 0) this.#perKey.set(keyOf(evidence), left)
    else this.#perKey.delete(keyOf(evidence))
  }

  #mayCheck(peer: PeerId): boolean {
    const nowMs = this.#options.nowMs()
    const before = this.#checks.get(peer)
    if (before !== undefined && nowMs - before.sinceMs < CHECK_WINDOW_MS) {
      before.count += 1
      return before.count <= CHECKS_PER_PEER
    }
    this.#checks.delete(peer)
    this.#checks.set(peer, { sinceMs: nowMs, count: 1 })
    if (this.#checks.size > PEERS_MAX) for (const oldest of this.#checks.keys().take(1)) this.#checks.delete(oldest)
    return true
  }

  #drop(cause: Parameters<DocketOptions['onDropped']>[0], verdict: Verdict): Verdict {
    this.#options.onDropped(cause)
    return verdict
  }
}

function keyOf({ key, epoch }: Evidence): string {
  return `${toHex(key)}/${epoch}`
}
