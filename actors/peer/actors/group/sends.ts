import type { Arrivals, Sending } from '@brume/actors/replica'
import type { Clock, Net, PeerId } from '@brume/ports'
import { decodeHostingAnswer, encodeHostingRequest, HOSTING_PROTOCOL } from '@brume/protocols/hosting'
import { parseAddress, withoutIncarnation } from '@brume/runtime/address'
import { encodeCommand, type Unreceived } from '@brume/runtime/replica'
import { wayOf } from '../remote.ts'
import { carry } from './carrying.ts'
import type { Directory } from './directory.ts'
import { refusal } from './refusals.ts'

/** As of any durable actor's sends. */
const SEND_WITHIN_MS = 86_400_000
const ANSWER_WITHIN_MS = 15_000
/** A target that is away, or lacks the send before this one, is asked again, and less and less often. */
const AGAIN_AFTER_MS = 250
const AGAIN_AFTER_MS_MAX = 30_000
/** Under way at once: a target that is away for long must not hold memory for ever. */
const UNDER_WAY_MAX = 4_096

interface Asleep {
  readonly seq: number
  readonly wake: () => void
}

export interface SendsOptions {
  readonly net: Pick<Net, 'self' | 'request'>
  readonly clock: Clock
  readonly arrivals: Pick<Arrivals, 'take'>
  /** Later, for it is made later. */
  readonly directory: () => Pick<Directory, 'current'>
  /** Who holds an actor that a group has placed; `isAgain`: by a new look. @throws RuntimeError REJECTED: there is none */
  readonly holderOf: (address: string, isAgain: boolean) => Promise<PeerId>
}

/** Takes what replicated actors send to where its target is: this peer, another one, whoever holds it, or another group. */
export class GroupSends {
  readonly #options: SendsOptions
  /** Sends that are tried again later, by what they are from and to. */
  readonly #asleep = new Map<string, Set<Asleep>>()
  #underWay = 0
  #isStopped = false

  constructor(options: SendsOptions) {
    this.#options = options
  }

  stop(): void {
    this.#isStopped = true
  }

  /** Resolves once the target has it for good. @throws RuntimeError FULL, INVALID, REJECTED */
  async deliver(sending: Sending): Promise<void> {
    if (this.#underWay >= UNDER_WAY_MAX) throw refusal('full', `${UNDER_WAY_MAX} sends of groups are under way here`)
    this.#underWay += 1
    try {
      await this.#untilTaken(sending)
    } finally {
      this.#underWay -= 1
    }
  }

  /** For an actor here, by another peer. @throws RuntimeError REJECTED for good, OVERLOAD for now; BundleError, ... */
  async take(peer: PeerId, proof: Uint8Array): Promise<void> {
    const arrival = await this.#options.arrivals.take(peer, proof)
    if (arrival === 'taken') return
    throw refusal(arrival.again ? 'overload' : 'rejected', `the actor does not take it: ${arrival.refused}`)
  }

  async #untilTaken(sending: Sending): Promise<void> {
    const { clock } = this.#options
    const endMs = clock.now() + SEND_WITHIN_MS
    for (let waitMs = AGAIN_AFTER_MS; !this.#isStopped; waitMs = Math.min(2 * waitMs, AGAIN_AFTER_MS_MAX)) {
      try {
        await this.#bring(sending, waitMs > AGAIN_AFTER_MS)
        return this.#wakeNext(sending)
      } catch (error) {
        if (clock.now() >= endMs || isLasting(error)) throw error
      }
      await this.#sleep(sending, waitMs)
    }
  }

  async #bring({ to, proof }: Sending, isAgain: boolean): Promise<void> {
    const way = wayOf(to)
    if (way === 'group') return this.#order(to, proof)
    const { peer } = parseAddress(to)
    return this.#attempt(peer ?? (await this.#options.holderOf(withoutIncarnation(to), isAgain)), proof)
  }

  async #sleep({ from, to, seq }: Sending, waitMs: number): Promise<void> {
    const pair = `${from} ${to}`
    const { promise, resolve: wake } = Promise.withResolvers<void>()
    const asleep = this.#asleep.get(pair) ?? new Set<Asleep>()
    const own = { seq, wake }
    this.#asleep.set(pair, asleep.add(own))
    const cancel = this.#options.clock.after(waitMs, wake)
    await promise
    cancel()
    asleep.delete(own)
    if (asleep.size === 0 && this.#asleep.get(pair) === asleep) this.#asleep.delete(pair)
  }

  /** A target that takes one is there, and lacks the next one at most. */
  #wakeNext({ from, to }: Sending): void {
    let next: Asleep | undefined
    for (const one of this.#asleep.get(`${from} ${to}`) ?? []) if (next === undefined || one.seq < next.seq) next = one
    next?.wake()
  }

  /**
   * Each member that brings it orders a command of its own, with the proof in it: the members there check that and
   * take the first. @throws RuntimeError REJECTED for good, OVERLOAD for now
   */
  async #order(to: string, proof: Uint8Array): Promise<void> {
    const { clock, directory } = this.#options
    const group = () => directory().current(withoutIncarnation(to))
    const body = encodeCommand({ kind: 'sent', proof })
    const { answer } = await carry(body, { clock, group, optionsFor: async () => ({}) })
    if (answer === null) throw refusal('overload', 'what became of it was not shown in time')
    if (answer.outcome !== 'refused' || answer.value === 'duplicate') return
    throw refusal(LATER.has(answer.value) ? 'overload' : 'rejected', `the group does not take it: ${answer.value}`)
  }

  async #attempt(peer: PeerId, proof: Uint8Array): Promise<void> {
    const { net } = this.#options
    if (peer === net.self) return this.take(peer, proof)
    const body = encodeHostingRequest({ type: 'send', proof })
    const answer = decodeHostingAnswer(await net.request(peer, HOSTING_PROTOCOL, body, { timeoutMs: ANSWER_WITHIN_MS }))
    if (answer.type === 'refused') throw Object.assign(new Error(answer.message), { code: answer.code })
  }
}

/** Of what a group refuses: asked again, it may take it. */
const LATER: ReadonlySet<unknown> = new Set<Unreceived>(['missing', 'early', 'crowded'])

/** Asked again, it would say the same. */
const isLasting = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'BRUME_RUNTIME_REJECTED'
