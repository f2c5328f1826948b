import { asArray, asBytes, decode, equal, Reader, Writer } from '@brume/codec'
import { KIND } from '@brume/consensus'
import type { SlotCertificate, SlotRestored, SlotVote } from '@brume/consensus/slot'
import type { Cancel, Clock, Journal } from '@brume/ports'
import { decodeSlotCertificate, encodeSlotCertificate, readSlotVote, writeSlotVote } from '@brume/protocols/quorum'
import { appendRecord } from '../votes/records.ts'

/**
 * Kinds of journal records of slots, beside those of logs; payload `[groupId, bytes]`: a vote, a certificate, and
 * the number below which no slot is opened any more, u64.
 */
const RECORD = { vote: 12, certificate: 13, floor: 14 } as const

const RECORD_BYTES_MAX = 65_536

/** How often a journal without space is asked again. */
const SPACE_RETRY_MS = 1_000

interface Written extends SlotRestored {
  /** Sequence of its first record. */
  readonly first: number
}

const NOTHING: Written = { votes: [], certificates: [], first: Number.POSITIVE_INFINITY }

/** What this member has said in the slots of one group, and must not contradict: on disk before it leaves. */
export class SlotMemory {
  readonly #journal: Journal
  readonly #clock: Clock
  readonly #groupId: Uint8Array
  readonly #slots = new Map<number, Written>()
  readonly #retries = new Set<Cancel>()
  /** Votes on their way to the disk, by slot. */
  readonly #writing = new Map<number, number>()
  #floor = 0

  constructor(journal: Journal, clock: Clock, groupId: Uint8Array) {
    this.#journal = journal
    this.#clock = clock
    this.#groupId = groupId
    for (const { kind, payload, sequence } of journal.replay()) this.#take(kind, payload, sequence)
  }

  /** No slot below it is opened again: what was said there may be forgotten. */
  get floor(): number {
    return this.#floor
  }

  /** May this key speak? Not where something it said may be missing. */
  get isWhole(): boolean {
    const { verdict, since } = this.#journal
    return verdict !== 'lost' && verdict !== 'damaged' && since <= 1
  }

  of(slot: number): SlotRestored {
    return this.#slots.get(slot) ?? NOTHING
  }

  /** What proves how a slot ended, or, to whoever lets no leader propose, that it ended with nothing. */
  endOf(slot: number): SlotCertificate | undefined {
    const { certificates } = this.of(slot)
    const decided = certificates.find(({ kind }) => kind === KIND.finalize)
    return decided ?? certificates.find(({ kind, view }) => kind === KIND.nullify && view === 0)
  }

  /** Is something said in this slot that may not leave yet? */
  isWriting(slot: number): boolean {
    return (this.#writing.get(slot) ?? 0) > 0
  }

  /** `synced` is told when the vote may leave; or that it never will. */
  vote(vote: SlotVote, synced: (error?: Error) => void): void {
    const { epoch: slot } = vote
    this.#writing.set(slot, (this.#writing.get(slot) ?? 0) + 1)
    this.#write(vote, (error) => {
      const left = (this.#writing.get(slot) ?? 1) - 1
      if (left > 0) this.#writing.set(slot, left)
      else this.#writing.delete(slot)
      synced(error)
    })
  }

  #write(vote: SlotVote, synced: (error?: Error) => void): void {
    const sequence = this.#append(RECORD.vote, writeSlotVote(new Writer(), vote).finish(), (error) => {
      if (error === undefined || !isPassing(error)) return synced(error)
      const retry = this.#clock.after(SPACE_RETRY_MS, () => {
        this.#retries.delete(retry)
        this.#write(vote, synced)
      })
      this.#retries.add(retry)
    })
    if (sequence > 0) this.#add(vote.epoch, { votes: [vote] }, sequence)
  }

  /** `synced` is told when it is on disk, or that there is no room for it. A vote that rests on it is synced after it. */
  keep(certificate: SlotCertificate, synced: () => void): void {
    const sequence = this.#append(RECORD.certificate, encodeSlotCertificate(certificate), () => synced())
    if (sequence > 0) this.#add(certificate.epoch, { certificates: [certificate] }, sequence)
  }

  /** Slots below are over. Their records go once that is on disk. */
  forget(below: number): void {
    if (below <= this.#floor) return
    this.#raise(below)
    const sequence = this.#append(RECORD.floor, new Writer(8).u64(below).finish(), (error) => {
      if (error !== undefined) return
      this.#journal.release(Math.min(sequence, ...[...this.#slots.values()].map(({ first }) => first)))
    })
  }

  stop(): void {
    for (const cancel of this.#retries) cancel()
    this.#retries.clear()
  }

  #append(kind: number, bytes: Uint8Array, synced: (error?: Error) => void): number {
    return appendRecord(this.#journal, this.#groupId, kind, bytes, synced)
  }

  #take(kind: number, payload: Uint8Array, sequence: number): void {
    if (kind !== RECORD.vote && kind !== RECORD.certificate && kind !== RECORD.floor) return
    const [group, content] = asArray(decode(payload, { bytesMax: RECORD_BYTES_MAX }), 'journal record', 2)
    if (!equal(asBytes(group, 'groupId', 32), this.#groupId)) return
    const bytes = asBytes(content, 'record', { min: 1, max: RECORD_BYTES_MAX })
    if (kind === RECORD.floor) return this.#raise(new Reader(bytes).u64())
    if (kind === RECORD.vote) {
      const vote = readSlotVote(new Reader(bytes))
      return this.#add(vote.epoch, { votes: [vote] }, sequence)
    }
    const certificate = decodeSlotCertificate(bytes)
    this.#add(certificate.epoch, { certificates: [certificate] }, sequence)
  }

  #add(slot: number, { votes = [], certificates = [] }: Partial<SlotRestored>, sequence: number): void {
    if (slot < this.#floor) return
    const before = this.#slots.get(slot) ?? NOTHING
    this.#slots.set(slot, {
      votes: [...before.votes, ...votes],
      certificates: [...before.certificates, ...certificates],
      first: Math.min(before.first, sequence)
    })
  }

  #raise(floor: number): void {
    this.#floor = Math.max(this.#floor, floor)
    for (const slot of this.#slots.keys()) if (slot < this.#floor) this.#slots.delete(slot)
  }
}

/** Refused and not written: the same record may be appended again. */
function isPassing(error: Error): boolean {
  return 'code' in error && (error.code === 'BRUME_JOURNAL_FULL' || error.code === 'BRUME_JOURNAL_BACKLOG')
}
