import { Writer } from '@brume/codec'
import type { Certificate } from '@brume/consensus'
import { type Committee, type Proposal, type State, type Statement, signedBytes, type Vote } from '@brume/consensus'
import type { Identity } from '@brume/crypto'
import type { Cancel, Clock, Journal } from '@brume/ports'
import { encodeCertificate, encodeSignedBlock, writeVote } from '@brume/protocols/quorum'
import { appendRecord, RECORD } from './records.ts'
import type { Remembered, ViewStart } from './remember.ts'
import { encodeNote, type Note } from './standing.ts'

/** Records are let go in steps: a release that frees no segment is wasted work. */
const RELEASE_EVERY_VIEWS = 512

/** How often a journal without space is asked again; as often as it asks the disk. */
const SPACE_RETRY_MS = 1_000

export interface PersistenceOptions {
  readonly committee: Committee
  readonly identity: Identity
  readonly journal: Journal | null
  readonly clock: Clock
  readonly signer: number
  /** The key must not speak, and the journal that says so must not be let go. */
  readonly muted: boolean
  /** Votes are not journaled: a restart is not survived, but for a clean one. */
  readonly isVolatile: boolean
  readonly remembered: Remembered
  readonly floorView: number
  /** The journal is lost to this process for good. */
  readonly onFailure: (error: Error) => void
  /** The journal takes nothing for now, and takes it again. */
  readonly onSpace: (isThere: boolean, reason: string) => void
}

/** What one vote puts into the journal, and who waits for it. */
interface Saying {
  readonly vote: Vote
  readonly block: Uint8Array | null
  readonly synced: (vote: Vote) => void
}

/**
 * Where a vote is persisted. What this member says is signed here, appended to the journal, and handed
 * back once it is on disk: nothing leaves before. Without a journal (a benchmark's floor), and for volatile
 * members, it is handed back at once.
 */
export class Persistence {
  readonly #options: PersistenceOptions
  readonly #journal: Journal | null
  #muted: boolean
  /** What may be released once the floor has passed. */
  #firsts: ViewStart[]
  #releasedBelow: number
  /** Refused for want of space, in order: neither on disk nor said. */
  readonly #waiting: Saying[] = []
  #retry: Cancel | null = null
  #space: PromiseWithResolvers<void> | null = null
  #note: Note | null
  #notedAt = 0
  /** Votes on their way to the disk. */
  #inFlight = 0
  #isClosed = false

  constructor(options: PersistenceOptions) {
    this.#options = options
    this.#journal = options.journal
    this.#muted = options.muted
    this.#firsts = [...options.remembered.firsts]
    this.#releasedBelow = options.floorView
    this.#note = options.remembered.notes.at(-1) ?? null
  }

  /** Signs and journals a statement, its block first; `synced` gets the vote when it may leave. */
  cast(
    statement: Statement,
    block: { proposal: Proposal; signature: Uint8Array | null } | null,
    synced: (vote: Vote) => void
  ): void {
    if (this.#muted) return
    const { committee, identity, signer, isVolatile } = this.#options
    const signature = identity.sign(signedBytes(committee, statement))
    const vote: Vote = { ...statement, signer, signature }
    if (this.#journal === null || isVolatile) return synced(vote)
    const bytes = block === null ? null : encodeSignedBlock(block.proposal, block.signature ?? signature)
    const saying = { vote, block: bytes, synced }
    if (this.#waiting.length > 0) this.#waiting.push(saying)
    else this.#say(saying)
  }

  /** Keeps a certificate with the next sync: without it a restarted group might lack a quorum for what it knew. */
  keep(certificate: Certificate): void {
    if (this.#muted || this.#options.isVolatile || this.#journal === null) return
    this.#append(RECORD.certificate, certificate.view, encodeCertificate(certificate))
  }

  /** The key says nothing more in this epoch, neither now nor after a restart. */
  mute(reason: string): void {
    if (this.#muted) return
    this.#muted = true
    this.#waiting.length = 0
    void this.note('muted', reason)
  }

  /** Writes down what is known about this journal; tells when that is on disk, or that it will not be. */
  note(kind: Note['kind'], reason = ''): Promise<boolean> {
    const journal = this.#journal
    if (journal === null) return Promise.resolve(true)
    const { groupId, epoch } = this.#options.committee
    this.#note = { epoch, kind, reason }
    const { promise, resolve } = Promise.withResolvers<boolean>()
    this.#notedAt = appendRecord(journal, groupId, RECORD.note, encodeNote(this.#note), (error) => {
      if (error !== undefined && !isPassing(error)) this.#options.onFailure(error)
      resolve(error === undefined)
    })
    return promise
  }

  /** This epoch has begun and that is on disk elsewhere: nothing below its first record is needed any more. */
  began(): void {
    if (!this.#muted && this.#notedAt > 0) this.#journal?.release(this.#notedAt)
  }

  /** At a clean stop of a volatile member: everything said above the floor, and that it is everything. */
  async park(state: State): Promise<void> {
    if (this.#muted || this.#journal === null || !this.#options.isVolatile) return
    this.#writeLive(state)
    await this.note('parked')
  }

  /**
   * Writes anew what is still needed, so that everything before may go: of a group that has nothing to do while
   * others fill the journal. The floor must be durable.
   *
   * @param mutedBecause - why the key must not speak, where that rests on what the journal lacks
   */
  async restate(state: State, mutedBecause: string | null): Promise<void> {
    // What is on its way to the disk is not among the own votes yet, and must not be let go.
    if (this.#journal === null || this.#inFlight > 0 || this.#waiting.length > 0) return
    // Of a key that says nothing more, and of one that journals no votes, only the note is needed.
    this.#firsts = []
    if (!this.#muted && !this.#options.isVolatile) this.#writeLive(state)
    const first = this.#firsts[0]?.sequence ?? Number.POSITIVE_INFINITY
    const note = mutedBecause === null ? this.#note : { kind: 'muted' as const, reason: mutedBecause }
    const isWritten = await this.note(note?.kind ?? 'whole', note?.reason)
    if (isWritten) this.#journal.release(Math.min(first, this.#notedAt))
  }

  #writeLive({ views }: State): void {
    for (const at of views) {
      if (at === undefined) continue
      for (const { proposal, signature } of at.held) {
        if (signature.length > 0) this.#append(RECORD.block, at.view, encodeSignedBlock(proposal, signature))
      }
      for (const vote of at.own) this.#append(RECORD.vote, at.view, writeVote(new Writer(), vote).finish())
      for (const { certificate } of at.tallies) {
        if (certificate !== null) this.#append(RECORD.certificate, at.view, encodeCertificate(certificate))
      }
    }
  }

  /** Resolves when nothing waits for space. */
  async space(): Promise<void> {
    await this.#space?.promise
  }

  /** The epoch has closed: what waits for space would be of no use any more, and nothing waits for it. */
  close(): void {
    this.#isClosed = true
    this.#waiting.length = 0
    this.stop()
    if (this.#space !== null) this.#foundSpace()
  }

  stop(): void {
    this.#retry?.()
    this.#retry = null
  }

  #say(saying: Saying): void {
    const { vote, block, synced } = saying
    if (block !== null) this.#append(RECORD.block, vote.view, block)
    this.#inFlight += 1
    this.#append(RECORD.vote, vote.view, writeVote(new Writer(), vote).finish(), (error) => {
      this.#inFlight -= 1
      if (error === undefined) synced(vote)
      else if (isPassing(error)) this.#wait(saying, error)
      else this.#options.onFailure(error)
    })
  }

  /** Nothing that was refused is taken back: the reducer counts it as said, so it is said as soon as there is space. */
  #wait(saying: Saying, error: Error): void {
    if (this.#isClosed) return
    this.#waiting.push(saying)
    if (this.#retry !== null) return
    this.#space ??= Promise.withResolvers()
    this.#options.onSpace(false, error.message)
    this.#retry = this.#options.clock.after(SPACE_RETRY_MS, () => this.#askForSpace())
  }

  #askForSpace(): void {
    this.#retry = null
    const waiting = this.#waiting.splice(0)
    const last = waiting.at(-1)
    for (const saying of waiting) {
      if (saying !== last) this.#say(saying)
      else {
        this.#say({
          ...saying,
          synced: (vote) => {
            saying.synced(vote)
            this.#foundSpace()
          }
        })
      }
    }
  }

  #foundSpace(): void {
    if (this.#waiting.length > 0) return
    this.#space?.resolve()
    this.#space = null
    this.#options.onSpace(true, '')
  }

  #append(kind: number, view: number, bytes: Uint8Array, synced?: (error?: Error) => void): void {
    if (this.#journal === null) return
    const sequence = appendRecord(this.#journal, this.#options.committee.groupId, kind, bytes, synced)
    if (sequence > 0 && (this.#firsts.at(-1)?.view ?? 0) < view) this.#firsts.push({ view, sequence })
  }

  /** Records of the epoch before, which ended at this view, lie below and wait to be let go: epochs may be short. */
  inherit(before: Persistence, endView: number): void {
    this.#releasedBelow -= endView - before.#releasedBelow
  }

  /**
   * The floor has moved: once it is durable elsewhere, records of views at or below it are not needed any more.
   *
   * @param makeFloorDurable - called only when there is enough to release
   */
  async passed(view: number, makeFloorDurable: () => Promise<void>): Promise<void> {
    const journal = this.#journal
    if (this.#muted || journal === null || view - this.#releasedBelow < RELEASE_EVERY_VIEWS) return
    this.#firsts = this.#firsts.filter((entry) => entry.view > view)
    const [first] = this.#firsts
    // Nothing was said above the floor yet: at the next one there will be.
    if (first === undefined) return
    this.#releasedBelow = view
    await makeFloorDurable()
    if (this.#muted) return
    // What is known of the journal lies below as well, and holds for the whole epoch.
    if (this.#note !== null && !(await this.note(this.#note.kind, this.#note.reason))) return
    journal.release(first.sequence)
  }
}

/** Refused and not written: the same record may be appended again. */
function isPassing(error: Error): boolean {
  return 'code' in error && (error.code === 'BRUME_JOURNAL_FULL' || error.code === 'BRUME_JOURNAL_BACKLOG')
}
