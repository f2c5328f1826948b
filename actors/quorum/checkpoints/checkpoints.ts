import { toHex } from '@brume/codec'
import { type Committee, certifies } from '@brume/consensus'
import {
  CHECKPOINT,
  type CheckpointStatement,
  type CheckpointVote,
  checkpointBytes,
  recordDigest
} from '@brume/protocols/quorum'
import { findForged, type Seat } from '../execution/seat.ts'
import type { Archive, Kept } from './archive.ts'

/** Votes of one member for heights that are not certified here: the newest of an honest one, and one it is late with. */
const VOTES_PER_MEMBER = 2

/** Checkpoints that were reached and not yet certified; an older one is superseded. */
const REACHED_MAX = 4

/** A checkpoint's vote may come before its block is final here, by so many checkpoints. */
const AHEAD_CHECKPOINTS = 2

/** A final block after which everything is signed. */
export interface Reached {
  readonly epoch: number
  readonly height: number
  /** Of the block, lower-case hex. */
  readonly digest: string
  readonly header: Uint8Array
  /** The quorum's own state after it. */
  readonly record: Uint8Array
}

interface Came {
  readonly stateRoot: string
  readonly leaves: number
}

export interface CheckpointsOptions {
  readonly archive: Archive
  readonly kept: readonly Kept[]
  readonly signedTo: number
  /** Null where this peer is not (any more) part of that epoch. */
  readonly seatOf: (epoch: number) => Seat | null
  /** Blocks between two checkpoints. */
  readonly every: number
  readonly finalHeight: () => number
  /** Those that are kept from now on, oldest first. */
  readonly changed: (kept: readonly Kept[]) => void
  /** A quorum came to another state than the program here. */
  readonly diverged: (height: number) => void
  /** A quorum has another record of the order than this member: it cannot tell what it may execute. */
  readonly broken: (reason: string) => void
  readonly storeFailed: (error: unknown) => void
  readonly dropped: (cause: string) => void
  /** One key, two states of one height; the signatures are unchecked. */
  readonly contradicted: (committee: Committee, a: CheckpointVote, b: CheckpointVote) => void
}

/** Votes on all that is replicated, at heights that all members know: the tally, and what a quorum agreed on. */
export class Checkpoints {
  readonly #options: CheckpointsOptions
  readonly #votes = new Map<string, readonly CheckpointVote[]>()
  readonly #reached = new Map<number, Reached>()
  readonly #came = new Map<number, Came>()
  #kept: readonly Kept[]
  #signedTo: number
  #stored: Promise<void> = Promise.resolve()

  constructor(options: CheckpointsOptions) {
    this.#options = options
    this.#kept = options.kept
    this.#signedTo = options.signedTo
  }

  /** Oldest first. */
  get kept(): readonly Kept[] {
    return this.#kept
  }

  get certifiedHeight(): number {
    return this.#kept.at(-1)?.certificate.height ?? 0
  }

  /** Resolves when everything so far is in the store. */
  stored(): Promise<void> {
    return this.#stored
  }

  /** The order has come to a checkpoint; the program may still be on its way. */
  reached(reached: Reached): void {
    this.#reached.set(reached.height, reached)
    const oldest = [...this.#reached.keys()].slice(0, -REACHED_MAX)
    for (const height of oldest) this.#forget(height)
    this.#judge(reached.epoch, reached.height)
  }

  /** The program has come there too. @param mayTell - false at and below what a program said that went wrong */
  executed(height: number, stateRoot: Uint8Array, leaves: number, mayTell: boolean): void {
    const kept = this.#kept.find(({ certificate }) => certificate.height === height)
    const came = { stateRoot: toHex(stateRoot), leaves }
    if (kept !== undefined) return this.#compare(kept, came)
    const reached = this.#reached.get(height)
    if (reached === undefined) return
    this.#came.set(height, came)
    if (mayTell && height > this.#signedTo) this.#vote(reached, came.stateRoot)
  }

  heard(seat: Seat, member: number, vote: CheckpointVote): void {
    const { dropped, finalHeight, every } = this.#options
    // On a stream the sender is the signer: for anybody else's vote the stream ends.
    if (vote.signer !== member) throw new RangeError('a checkpoint of another signer')
    if (vote.epoch !== seat.committee.epoch) return dropped('epoch')
    const { height } = vote
    if (height > finalHeight() + AHEAD_CHECKPOINTS * every) return dropped('view')
    if (height <= this.certifiedHeight) return
    const other = this.#votes.get(`${vote.epoch}/${vote.signer}`)?.find((before) => before.height === height)
    if (other !== undefined && nameOf(other) !== nameOf(vote)) {
      return this.#options.contradicted(seat.committee, other, vote)
    }
    this.#add(vote)
    this.#judge(vote.epoch, height)
  }

  /** A checkpoint that others certified, restored here. */
  adopt(kept: Kept): void {
    this.#keep(kept)
  }

  #vote({ epoch, height, digest, record }: Reached, stateRoot: string): void {
    const seat = this.#options.seatOf(epoch)
    if (seat === null || seat.self === null) return
    const { self } = seat
    const said = { epoch, height, block: digest, record: recordDigest(record), stateRoot }
    this.#signedTo = height
    // Two different ones by one key are proof that it lies: after a restart it must know what it signed.
    const write = this.#stored.then(() => this.#options.archive.setSignedTo(height))
    this.#stored = write.then(
      () => {
        const vote = { ...said, signer: self, signature: seat.sign(checkpointBytes(seat.committee, said)) }
        this.#add(vote)
        seat.tell('all', { checkpoints: [vote], attestations: [] })
        this.#judge(epoch, height)
      },
      (error: unknown) => this.#options.storeFailed(error)
    )
  }

  #add(vote: CheckpointVote): void {
    const name = `${vote.epoch}/${vote.signer}`
    const before = this.#votes.get(name) ?? []
    if (before.some(({ height }) => height === vote.height)) return
    const votes = [...before, vote].sort((a, b) => a.height - b.height)
    this.#votes.set(name, votes.slice(-VOTES_PER_MEMBER))
  }

  #remove(vote: CheckpointVote): void {
    const name = `${vote.epoch}/${vote.signer}`
    const rest = (this.#votes.get(name) ?? []).filter((other) => other !== vote)
    if (rest.length === 0) this.#votes.delete(name)
    else this.#votes.set(name, rest)
  }

  #judge(epoch: number, height: number): void {
    const reached = this.#reached.get(height)
    const seat = this.#options.seatOf(epoch)
    if (reached === undefined || seat === null || height <= this.certifiedHeight) return
    const votes = [...this.#votes.values()].flat().filter((vote) => vote.epoch === epoch && vote.height === height)
    for (const said of Map.groupBy(votes, nameOf).values()) {
      const signers = said.map(({ signer }) => signer)
      if (!certifies(seat.committee, CHECKPOINT, signers)) continue
      this.#certify(seat, reached, said)
    }
  }

  #certify(seat: Seat, reached: Reached, votes: readonly CheckpointVote[]): void {
    const [first] = votes
    if (first === undefined) return
    const statement: CheckpointStatement = { ...first }
    findForged(seat.committee, checkpointBytes(seat.committee, statement), votes, (forged) => {
      for (const vote of forged) {
        this.#options.dropped('signature')
        this.#remove(vote)
      }
      const genuine = votes.filter((vote) => !forged.includes(vote)).sort((a, b) => a.signer - b.signer)
      const signers = genuine.map(({ signer }) => signer)
      if (!certifies(seat.committee, CHECKPOINT, signers) || reached.height <= this.certifiedHeight) return
      const { epoch, height, block, record, stateRoot } = statement
      const signatures = genuine.map(({ signature }) => signature)
      this.#certified({ epoch, height, block, record, stateRoot, signers, signatures }, reached)
    })
  }

  #certified(certificate: Kept['certificate'], reached: Reached): void {
    const { height, digest, header, record } = reached
    if (certificate.block !== digest || certificate.record !== recordDigest(record)) {
      return this.#options.broken(`a quorum has another record of height ${height} than this member`)
    }
    const kept: Kept = { certificate, header, record, leaves: null }
    const came = this.#came.get(height)
    if (came === undefined) this.#keep(kept)
    else this.#compare(kept, came)
  }

  #compare(kept: Kept, { stateRoot, leaves }: Came): void {
    const { certificate } = kept
    const isSame = certificate.stateRoot === stateRoot
    this.#keep(isSame ? { ...kept, leaves } : kept)
    if (!isSame) this.#options.diverged(certificate.height)
  }

  #keep(kept: Kept): void {
    const { height } = kept.certificate
    const others = this.#kept.filter(({ certificate }) => certificate.height !== height)
    this.#kept = [...others, kept].sort((a, b) => a.certificate.height - b.certificate.height).slice(-2)
    for (const old of this.#reached.keys()) if (old <= this.certifiedHeight) this.#forget(old)
    for (const votes of this.#votes.values()) for (const vote of votes) if (vote.height <= height) this.#remove(vote)
    const { archive, changed, storeFailed } = this.#options
    const write = this.#stored.then(() => archive.keep(kept))
    this.#stored = write.then(changed, storeFailed)
  }

  #forget(height: number): void {
    this.#reached.delete(height)
    this.#came.delete(height)
  }
}

function nameOf({ block, record, stateRoot }: CheckpointStatement): string {
  return `${block}/${record}/${stateRoot}`
}
