import { CodecError, equal, toHex } from '@brume/codec'
import { type Committee, KIND } from '@brume/consensus'
import {
  createSlot,
  DISAGREE,
  type SlotCertificate,
  type SlotEffect,
  type SlotEvent,
  type SlotMessage,
  type SlotState,
  type SlotStatement,
  type SlotVote,
  signedSlotBytes,
  slotStep,
  slotWakeAtMs
} from '@brume/consensus/slot'
import { type Identity, sha256, verify } from '@brume/crypto'
import type { Cancel, Clock, Log } from '@brume/ports'
import { encodeSlotCertificate, RESULT_BYTES_MAX } from '@brume/protocols/quorum'
import { QuorumError } from '../errors.ts'
import type { SlotMemory } from './memory.ts'

/** How a slot ended; the certificate proves it to anybody who knows the committee. */
export type Outcome = { readonly certificate: Uint8Array } & (
  | { readonly type: 'decided'; readonly value: Uint8Array }
  /** No value was computed by enough members. */
  | { readonly type: 'disagreed' }
  /** Without leader views: not in time, or by too few. */
  | { readonly type: 'undecided' }
)

export interface SlotTerms {
  /** Time for computing, ms. Default 30 s. */
  readonly resultMs?: number
  /**
   * May leaders propose where the results decide nothing? Default true. Without them members that were apart may have
   * finalized and given up in such parts that the slot never ends: its opener needs a deadline of its own.
   */
  readonly leaderViews?: boolean
}

const RESULT_MS = 30_000

export interface SlotSurroundings {
  /** Its epoch is the number of the slot. */
  readonly committee: Committee
  /** Null: a key that must not speak. */
  readonly self: number | null
  readonly identity: Identity
  readonly clock: Clock
  readonly log: Log
  readonly memory: SlotMemory
  readonly deltaMs: number
  readonly send: (to: 'all' | number, message: SlotMessage) => void
  /** Asks the members for a result, until one of them has it or `stopped` says so. */
  readonly fetch: (digest: string, stopped: () => boolean) => Promise<Uint8Array | undefined>
}

/** One value on its way to be decided: the reducer between streams and journal. */
export class Slot {
  readonly number: number
  /** Rejects with `BRUME_QUORUM_STORE` if the journal fails, `BRUME_QUORUM_STOPPED` if the slot is closed before. */
  readonly outcome: Promise<Outcome>
  readonly #settled = Promise.withResolvers<Outcome>()
  readonly #around: SlotSurroundings
  readonly #values = new Map<string, Uint8Array>()
  #state: SlotState
  #wake: Cancel | null = null
  /** The last certificate is on disk: who was told how it ended can prove it to others in every later life. */
  #kept: Promise<void> = Promise.resolve()
  #closed = false

  constructor(around: SlotSurroundings, { resultMs = RESULT_MS, leaderViews = true }: SlotTerms) {
    const { committee, self, deltaMs, clock, memory } = around
    this.#around = around
    this.number = committee.epoch
    this.outcome = this.#settled.promise
    this.outcome.catch(() => {})
    const config = { committee, self, leaderViews, resultMs, deltaMs }
    this.#state = createSlot(config, clock.now(), memory.of(this.number))
    this.#feed({ type: 'tick', nowMs: clock.now() })
  }

  /** What this member has computed, at most 1 MiB. The first one counts, restarts included. */
  decide(value: Uint8Array): void {
    if (value.length > RESULT_BYTES_MAX) throw new QuorumError('BRUME_QUORUM_TOO_LARGE', 'a result is at most 1 MiB')
    const digest = toHex(sha256(value))
    this.#values.set(digest, value)
    this.#feed({ type: 'result', digest, nowMs: this.#around.clock.now() })
    this.#tell()
  }

  value(digest: string): Uint8Array | undefined {
    return this.#values.get(digest)
  }

  /** @throws CodecError if a signature is not of whom it names */
  heard(from: number, message: SlotMessage): void {
    if (!this.#isSigned(message)) {
      throw new CodecError('BRUME_CODEC_SHAPE', 'a vote on a slot is not signed by whom it names')
    }
    this.#feed({ ...message, from, nowMs: this.#around.clock.now() })
  }

  /** Neither says nor answers anything any more. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#wake?.()
    this.#settled.reject(new QuorumError('BRUME_QUORUM_STOPPED', 'the slot was closed'))
  }

  #feed(event: SlotEvent): void {
    if (this.#closed) return
    const { state, effects } = slotStep(this.#state, event)
    this.#state = state
    for (const effect of effects) this.#carryOut(effect)
    this.#arm()
  }

  #arm(): void {
    this.#wake?.()
    this.#wake = null
    const { clock } = this.#around
    const atMs = this.#closed ? null : slotWakeAtMs(this.#state)
    if (atMs === null) return
    this.#wake = clock.after(Math.max(0, atMs - clock.now()), () => this.#feed({ type: 'tick', nowMs: clock.now() }))
  }

  #carryOut(effect: SlotEffect): void {
    const { log, send, committee } = this.#around
    switch (effect.type) {
      case 'cast':
        return this.#cast(effect.statement)
      case 'keep':
        return this.#keep(effect.certificate)
      case 'send':
        return send(effect.to, effect.message)
      case 'decided':
        return void this.#decided(effect.certificate)
      case 'undecided':
        return this.#end({ type: 'undecided', certificate: encodeSlotCertificate(effect.certificate) })
      case 'conflict':
        return log.warn(
          { slot: committee.epoch, signer: effect.a.signer, view: effect.a.view },
          'a member contradicts itself'
        )
      case 'dropped':
        return log.debug({ slot: committee.epoch, ...effect }, 'a statement on a slot was dropped')
    }
  }

  #cast(statement: SlotStatement): void {
    const { committee, identity, self, memory, clock } = this.#around
    if (self === null) return
    const vote = { ...statement, signer: self, signature: identity.sign(signedSlotBytes(committee, statement)) }
    memory.vote(vote, (error) => {
      if (error === undefined) this.#feed({ type: 'synced', votes: [vote], nowMs: clock.now() })
      else this.#fail(error)
    })
  }

  #keep(certificate: SlotCertificate): void {
    this.#kept = new Promise((resolve) => this.#around.memory.keep(certificate, resolve))
  }

  #end(outcome: Outcome): void {
    void this.#kept.then(() => this.#settled.resolve(outcome))
  }

  #fail(cause: Error): void {
    this.#settled.reject(new QuorumError('BRUME_QUORUM_STORE', 'the journal failed: nothing more is said', { cause }))
    this.close()
  }

  async #decided(certificate: SlotCertificate): Promise<void> {
    const { digest } = certificate
    if (digest === DISAGREE) {
      return this.#end({ type: 'disagreed', certificate: encodeSlotCertificate(certificate) })
    }
    if (this.#tell()) return
    const value = await this.#around.fetch(digest, () => this.#closed || this.#values.has(digest))
    if (value !== undefined) this.#values.set(digest, value)
    this.#tell()
  }

  /** The decided value, if it is here by now: it may be fetched, or computed after all. */
  #tell(): boolean {
    const { decided } = this.#state
    const value = decided === null ? undefined : this.#values.get(decided.digest)
    if (decided === null || value === undefined) return false
    this.#end({ type: 'decided', value, certificate: encodeSlotCertificate(decided) })
    return true
  }

  #isSigned(message: SlotMessage): boolean {
    if (message.type === 'votes') return message.votes.every((vote) => this.#isSignedVote(vote))
    if (message.type === 'propose') {
      return this.#isSignedVote(message.vote) && message.results.every((vote) => this.#isSignedVote(vote))
    }
    if (message.type === 'ask') return true
    const { signers, signatures, ...statement } = message.certificate
    return signers.every((signer, i) =>
      this.#isSignedVote({ ...statement, signer, signature: signatures[i] ?? new Uint8Array() })
    )
  }

  /** What is here already was verified when it came: members repeat themselves every few hundred milliseconds. */
  #isSignedVote(vote: SlotVote): boolean {
    const { committee } = this.#around
    const { kind, view, signer, signature } = vote
    const role = kind === KIND.nullify || kind === KIND.finalize ? kind : KIND.notarize
    const known = this.#state.views[view]?.votes[role][signer]
    if (known?.digest === vote.digest && known.kind === kind && equal(known.signature, signature)) return true
    const member = committee.members[signer]
    return member !== undefined && verify(member.key, signedSlotBytes(committee, vote), signature)
  }
}
