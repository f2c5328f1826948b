import { equal, toHex } from '@brume/codec'
import type { Committee, Vote } from '@brume/consensus'
import type { PeerId, Topic, Verdict } from '@brume/ports'
import {
  type CheckpointVote,
  checkpointBytes,
  type Evidence,
  encodeEvidence,
  makeEvidence,
  type Signed
} from '@brume/protocols/quorum'
import type { GroupEvent } from '../events.ts'
import type { Host } from '../host.ts'
import { Docket, OFFENCES_MAX } from './docket.ts'
import { Publisher } from './publisher.ts'

export interface ProceedingsOptions {
  readonly host: Host
  /** Lower-case hex. */
  readonly group: string
  readonly groupId: Uint8Array
  readonly label: { readonly group: string }
  /** Has a member or candidate this key, and is the epoch one that concerns this peer? */
  readonly concerns: (key: Uint8Array, epoch: number) => boolean
  readonly emit: (event: GroupEvent) => void
  /** Somebody else is proven a liar: it is not waited for any more, and the group must decide without it soon. */
  readonly onLiar: (evidence: Evidence) => void
  /** The proof is against this peer's own key. */
  readonly onSelf: (evidence: Evidence) => void
}

/**
 * What becomes of a proven contradiction: it is on disk first, then the reducer hears of it, everybody is told, the
 * group is asked to act on it, and whoever keeps reputations gets a warrant.
 */
export class Proceedings {
  readonly #options: ProceedingsOptions
  readonly #docket: Docket
  readonly #warranted = new Set<string>()
  #publisher: Publisher | null = null

  constructor(options: ProceedingsOptions) {
    this.#options = options
    const { host, label, groupId, concerns } = options
    this.#docket = new Docket({
      groupId,
      journal: host.journal,
      nowMs: () => host.clock.now(),
      concerns,
      onProven: (evidence, isNew) => this.#proven(evidence, isNew),
      onDropped: (cause) => host.meters.dropped.inc({ ...label, cause })
    })
  }

  /** From here on others are told and heard; what the journal has is brought to mind first. */
  open(topic: Topic): void {
    this.#publisher = new Publisher(topic, this.#options.host.clock)
    this.#docket.recall()
  }

  stop(): void {
    this.#publisher?.stop()
  }

  /** Two statements by one signer that exclude each other, both signatures valid. */
  conflict(committee: Committee, a: Vote, b: Vote): void {
    this.#docket.conflict(committee, a, b)
  }

  /** Two states of one height, signed by one member. */
  conflictingStates(committee: Committee, a: CheckpointVote, b: CheckpointVote): void {
    const key = committee.members[a.signer]?.key
    if (key === undefined) return
    const signed = (vote: CheckpointVote): Signed => {
      return { statement: checkpointBytes(committee, vote), signature: vote.signature }
    }
    const evidence = makeEvidence(key, signed(a), signed(b))
    if (evidence !== undefined) this.#docket.prove(evidence)
  }

  receive(from: PeerId, bytes: Uint8Array): Verdict {
    return this.#docket.receive(from, bytes)
  }

  /**
   * By this a final block takes somebody's place away: whoever was not told by gossip has it from there. What it says of the
   * own key is left alone, for who catches up reads of lives long past.
   */
  ordered(evidence: Evidence): void {
    if (!equal(evidence.key, this.#options.host.identity.publicKey)) this.#docket.ordered(evidence)
  }

  /** The journal is about to let its older records go. */
  restate(): Promise<void> {
    return this.#docket.restate()
  }

  #proven(evidence: Evidence, isNew: boolean): void {
    const { host, group, label, onLiar, onSelf } = this.#options
    const { key, kind, epoch, view } = evidence
    if (isNew) {
      host.meters.evidence.inc(label)
      host.log.warn({ group, key: toHex(key), kind, epoch, view }, 'a member contradicted itself under its signature')
      this.#publisher?.publish(evidence)
    }
    if (equal(key, host.identity.publicKey)) return isNew ? onSelf(evidence) : undefined
    onLiar(evidence)
    this.#warrant(evidence)
  }

  /** One a key and epoch: whatever it did besides weighs nothing more. */
  #warrant(evidence: Evidence): void {
    const { key, kind, epoch, view } = evidence
    const name = `${toHex(key)}/${epoch}`
    if (this.#warranted.has(name)) return
    this.#warranted.add(name)
    if (this.#warranted.size > OFFENCES_MAX)
      for (const oldest of this.#warranted.values().take(1)) this.#warranted.delete(oldest)
    this.#options.emit({ type: 'warrant', key, kind, epoch, view, evidence: encodeEvidence(evidence) })
  }
}
