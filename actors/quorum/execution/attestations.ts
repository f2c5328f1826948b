import { certifies } from '@brume/consensus'
import type { Cancel, Clock } from '@brume/ports'
import {
  ATTEST,
  type Attestation,
  type AttestationCertificate,
  attestedBytes,
  statementDigest
} from '@brume/protocols/quorum'
import { findForged, type Seat } from './seat.ts'

/** Attestations of so many views below the newest executed one are counted: who wants an older one asks for it. */
const VIEWS_COUNTED = 64

/** Members ahead of this one attest blocks that are not final here yet; as far as votes are kept. */
const VIEWS_AHEAD = 8

/** Own statements that are answered for: blocks of some minutes. */
export const STATEMENTS_KEPT = 512

/** What is missing is asked for at first after this, then half as often each time: attestations are not resent. */
const ASK_AFTER_MS = 500
const ASK_EVERY_MAX_MS = 30_000

/** A block as its attestations name it. */
export interface Place {
  readonly view: number
  readonly height: number
}

/** What this member says of a block. */
export interface Own extends Place {
  readonly statement: Uint8Array
  /** Its digest, lower-case hex. */
  readonly digest: string
}

interface Wanted {
  readonly done: (certificate: AttestationCertificate) => void
  cancel: Cancel
}

export interface AttestationsOptions {
  readonly seat: Seat
  readonly domain: string
  readonly clock: Clock
  /** More than F, verified, executed this block to something else: one of them is honest. */
  readonly diverged: (place: Place) => void
  readonly dropped: (cause: string) => void
}

/**
 * Votes on results in one epoch. Nothing is checked until it matters: while all agree and nobody asks for a
 * certificate, an attestation costs its signature and no verification.
 */
export class Attestations {
  readonly #options: AttestationsOptions
  readonly #own = new Map<number, Own>()
  readonly #signatures = new Map<number, Uint8Array>()
  readonly #heard = new Map<number, Map<number, Attestation>>()
  readonly #genuine = new WeakSet<Attestation>()
  /** Of members that say something else than this one: counted once each, whoever of them is right. */
  readonly #contrary = new WeakSet<Attestation>()
  readonly #wanted = new Map<number, Wanted[]>()
  #executedView = 0

  constructor(options: AttestationsOptions) {
    this.#options = options
  }

  /** What the own program made of a block; signed and told, unless an earlier life may have said otherwise. */
  executed(own: Own, mayTell: boolean): void {
    const { seat } = this.#options
    this.remember(own)
    this.#executedView = Math.max(this.#executedView, own.view)
    this.#forget()
    const vote = mayTell ? this.#sign(own) : null
    if (vote !== null) seat.tell('all', { checkpoints: [], attestations: [vote] })
    this.#judge(own)
  }

  /** An own statement, also of before a restart: it can be asked for. */
  remember(own: Own): void {
    this.#own.set(own.view, own)
    if (this.#own.size > STATEMENTS_KEPT) for (const view of this.#own.keys().take(1)) this.#drop(view)
  }

  heard(member: number, vote: Attestation): void {
    const { seat, dropped } = this.#options
    const { view, epoch, signer } = vote
    // On a stream the sender is the signer: for anybody else's vote the stream ends.
    if (signer !== member) throw new RangeError('an attestation of another signer')
    if (epoch !== seat.committee.epoch) return dropped('epoch')
    const wanted = this.#wanted.has(view)
    const floor = this.#executedView - VIEWS_COUNTED
    if (!wanted && (view <= floor || view > this.#executedView + VIEWS_COUNTED + VIEWS_AHEAD)) return dropped('view')
    const slots = this.#heard.get(view) ?? new Map<number, Attestation>()
    if (slots.has(signer)) return
    slots.set(signer, vote)
    this.#heard.set(view, slots)
    const own = this.#own.get(view)
    if (own !== undefined) this.#judge(own)
  }

  /** A member asks for what was said here of a view. */
  asked(member: number, view: number): void {
    const own = this.#own.get(view)
    const vote = own === undefined ? null : this.#sign(own)
    if (vote !== null) this.#options.seat.tell(member, { checkpoints: [], attestations: [vote] })
  }

  /** Calls back with the certificate of the own statement: at once, or when enough have said the same. Cancel ends the asking. */
  want({ view }: Place, done: (certificate: AttestationCertificate) => void): Cancel {
    const own = this.#own.get(view)
    const entry: Wanted = { done, cancel: () => {} }
    this.#wanted.set(view, [...(this.#wanted.get(view) ?? []), entry])
    if (own !== undefined) this.#judge(own)
    if (this.#isWanted(view, entry)) this.#askLater(view, entry, ASK_AFTER_MS)
    return () => this.#settle(view, entry)
  }

  stop(): void {
    for (const entries of this.#wanted.values()) for (const { cancel } of entries) cancel()
    this.#wanted.clear()
  }

  #askLater(view: number, entry: Wanted, delayMs: number): void {
    const { clock, seat } = this.#options
    entry.cancel = clock.after(delayMs, () => {
      if (!this.#isWanted(view, entry)) return
      seat.ask(view)
      this.#askLater(view, entry, Math.min(2 * delayMs, ASK_EVERY_MAX_MS))
    })
  }

  #isWanted(view: number, entry: Wanted): boolean {
    return this.#wanted.get(view)?.includes(entry) === true
  }

  #settle(view: number, entry: Wanted): void {
    entry.cancel()
    const rest = (this.#wanted.get(view) ?? []).filter((other) => other !== entry)
    if (rest.length === 0) this.#wanted.delete(view)
    else this.#wanted.set(view, rest)
  }

  #sign(own: Own): Attestation | null {
    const { seat, domain } = this.#options
    if (seat.self === null) return null
    const signature = this.#signatures.get(own.view) ?? seat.sign(attestedBytes(domain, own.digest))
    this.#signatures.set(own.view, signature)
    return { epoch: seat.committee.epoch, view: own.view, statement: own.digest, signer: seat.self, signature }
  }

  /** Do others say something else, or, where it is wanted, enough of them the same? */
  #judge(own: Own): void {
    const { seat, dropped } = this.#options
    const heard = [...(this.#heard.get(own.view)?.values() ?? [])].filter(({ signer }) => signer !== seat.self)
    for (const vote of heard) {
      if (vote.statement === own.digest || this.#contrary.has(vote)) continue
      this.#contrary.add(vote)
      dropped('statement')
    }
    const wanted = this.#wanted.has(own.view) ? this.#sign(own) : null
    const votes = wanted === null ? heard : [...heard, wanted]
    for (const [statement, said] of Map.groupBy(votes, (vote) => vote.statement)) {
      if (statement === own.digest && !this.#wanted.has(own.view)) continue
      if (this.#isEnough(said)) this.#check(own, statement, said)
    }
  }

  #isEnough(votes: readonly Attestation[]): boolean {
    const signers = votes.map(({ signer }) => signer)
    return certifies(this.#options.seat.committee, ATTEST, signers)
  }

  #check(own: Own, statement: string, votes: readonly Attestation[]): void {
    const { seat, domain, dropped, diverged } = this.#options
    const unsure = votes.filter((vote) => vote.signer !== seat.self && !this.#genuine.has(vote))
    findForged(seat.committee, attestedBytes(domain, statement), unsure, (forged) => {
      for (const vote of unsure) if (!forged.includes(vote)) this.#genuine.add(vote)
      for (const vote of forged) {
        dropped('signature')
        if (this.#heard.get(own.view)?.get(vote.signer) === vote) this.#heard.get(own.view)?.delete(vote.signer)
      }
      const genuine = votes.filter((vote) => !forged.includes(vote))
      if (!this.#isEnough(genuine)) return
      if (statement === own.digest) this.#certified(own, genuine)
      else diverged(own)
    })
  }

  #certified(own: Own, votes: readonly Attestation[]): void {
    const ordered = [...votes].sort((a, b) => a.signer - b.signer)
    const certificate: AttestationCertificate = {
      epoch: this.#options.seat.committee.epoch,
      view: own.view,
      statement: own.digest,
      signers: ordered.map(({ signer }) => signer),
      signatures: ordered.map(({ signature }) => signature)
    }
    for (const entry of this.#wanted.get(own.view) ?? []) {
      this.#settle(own.view, entry)
      entry.done(certificate)
    }
  }

  #forget(): void {
    const floor = this.#executedView - VIEWS_COUNTED
    for (const view of this.#heard.keys()) if (view <= floor && !this.#wanted.has(view)) this.#heard.delete(view)
  }

  #drop(view: number): void {
    this.#own.delete(view)
    this.#signatures.delete(view)
    for (const entry of this.#wanted.get(view) ?? []) this.#settle(view, entry)
  }
}

/** @param statement - at most 1 KiB */
export function ownStatement(place: Place, statement: Uint8Array): Own {
  return { ...place, statement, digest: statementDigest(statement) }
}
