import { asArray, asBytes, decode, encode, equal, Reader, Writer } from '@brume/codec'
import type { Certificate, Held, Proposal, Statement, Vote } from '@brume/consensus'
import { type Committee, signedBytes } from '@brume/consensus'
import type { Identity } from '@brume/crypto'
import type { Journal } from '@brume/ports'
import {
  decodeCertificate,
  decodeSignedBlock,
  encodeCertificate,
  encodeSignedBlock,
  readVote,
  writeVote
} from '@brume/protocols/quorum'

/** Kinds of journal records of this actor; 1 to 15 are its own. Payload: `[groupId, bytes]`. */
const RECORD = { vote: 1, block: 2, certificate: 3 } as const

const RECORD_BYTES_MAX = 65_536

/** Records are let go in steps: a release that frees no segment is wasted work. */
const RELEASE_EVERY_VIEWS = 512

/** What the journal knew of one group at start. */
export interface Remembered {
  readonly votes: readonly Vote[]
  readonly held: readonly Held[]
  readonly certificates: readonly Certificate[]
  /** First record of each view, in the order of the journal. */
  readonly firsts: readonly ViewStart[]
}

interface ViewStart {
  readonly view: number
  readonly sequence: number
}

/**
 * Where a vote is persisted. What this member says is signed here, appended to the journal, and handed
 * back once it is on disk: nothing leaves before. Without a journal (a benchmark's floor) it is handed
 * back at once, and a restart is not survived.
 */
export class Persistence {
  readonly #committee: Committee
  readonly #identity: Identity
  readonly #journal: Journal | null
  readonly #signer: number
  readonly #muted: boolean
  readonly #onFailure: (error: Error) => void
  /** What may be released once the floor has passed. */
  #firsts: ViewStart[]
  #releasedBelow: number

  constructor(options: {
    readonly committee: Committee
    readonly identity: Identity
    readonly journal: Journal | null
    readonly signer: number
    /** The key must not speak, and the journal that says so must not be let go. */
    readonly muted: boolean
    readonly remembered: Remembered
    readonly floorView: number
    readonly onFailure: (error: Error) => void
  }) {
    this.#committee = options.committee
    this.#identity = options.identity
    this.#journal = options.journal
    this.#signer = options.signer
    this.#muted = options.muted
    this.#firsts = [...options.remembered.firsts]
    this.#releasedBelow = options.floorView
    this.#onFailure = options.onFailure
  }

  /** Signs and journals a statement, its block first; `synced` gets the vote when it may leave. */
  cast(
    statement: Statement,
    block: { proposal: Proposal; signature: Uint8Array | null } | null,
    synced: (vote: Vote) => void
  ): void {
    if (this.#muted) return
    const signature = this.#identity.sign(signedBytes(this.#committee, statement))
    const vote: Vote = { ...statement, signer: this.#signer, signature }
    if (this.#journal === null) return synced(vote)
    if (block !== null) {
      this.#append(RECORD.block, vote.view, encodeSignedBlock(block.proposal, block.signature ?? signature))
    }
    this.#append(RECORD.vote, vote.view, writeVote(new Writer(), vote).finish(), (error) => {
      if (error === undefined) synced(vote)
      else this.#onFailure(error)
    })
  }

  /** Keeps a certificate with the next sync: without it a restarted group might lack a quorum for what it knew. */
  keep(certificate: Certificate): void {
    if (!this.#muted && this.#journal !== null)
      this.#append(RECORD.certificate, certificate.view, encodeCertificate(certificate))
  }

  #append(kind: number, view: number, bytes: Uint8Array, synced?: (error?: Error) => void): void {
    const sequence = this.#journal?.append(kind, encode([this.#committee.groupId, bytes]), synced) ?? 0
    if ((this.#firsts.at(-1)?.view ?? 0) < view) this.#firsts.push({ view, sequence })
  }

  /**
   * The floor has moved: once it is durable elsewhere, records of views at or below it are not needed any more.
   *
   * @param makeFloorDurable - called only when there is enough to release
   */
  async passed(view: number, makeFloorDurable: () => Promise<void>): Promise<void> {
    if (this.#muted || this.#journal === null || view - this.#releasedBelow < RELEASE_EVERY_VIEWS) return
    this.#releasedBelow = view
    await makeFloorDurable()
    this.#firsts = this.#firsts.filter((entry) => entry.view > view)
    const [first] = this.#firsts
    if (first !== undefined) this.#journal.release(first.sequence)
  }
}

/** Own votes, blocks voted for, and certificates of one group above its floor, as the journal has them. */
export function remember(journal: Journal | null, groupId: Uint8Array, floorView: number): Remembered {
  const votes: Vote[] = []
  const held: Held[] = []
  const certificates: Certificate[] = []
  const firsts: ViewStart[] = []
  for (const { kind, payload, sequence } of journal?.replay() ?? []) {
    const bytes = isOwnKind(kind) ? recordOf(groupId, payload) : undefined
    if (bytes === undefined) continue
    const view = take(kind, bytes)
    if (view > (firsts.at(-1)?.view ?? floorView)) firsts.push({ view, sequence })
  }
  return { votes, held, certificates, firsts }

  function take(kind: number, bytes: Uint8Array): number {
    if (kind === RECORD.block) {
      const block = decodeSignedBlock(groupId, bytes)
      if (block.proposal.view > floorView) held.push({ ...block, certified: false, invalid: false })
      return block.proposal.view
    }
    if (kind === RECORD.vote) {
      const vote = readVote(new Reader(bytes))
      if (vote.view > floorView) votes.push(vote)
      return vote.view
    }
    const certificate = decodeCertificate(bytes)
    if (certificate.view > floorView) certificates.push(certificate)
    return certificate.view
  }
}

function isOwnKind(kind: number): boolean {
  return kind === RECORD.vote || kind === RECORD.block || kind === RECORD.certificate
}

function recordOf(groupId: Uint8Array, payload: Uint8Array): Uint8Array | undefined {
  const [group, bytes] = asArray(decode(payload, { bytesMax: RECORD_BYTES_MAX }), 'journal record', 2)
  if (!equal(asBytes(group, 'groupId', 32), groupId)) return undefined
  return asBytes(bytes, 'record', { min: 1, max: RECORD_BYTES_MAX })
}
