import type { Arrivals, Sending } from '@brume/actors/replica'
import type { Clock, Net, PeerId } from '@brume/ports'
import { decodeHostingAnswer, encodeHostingRequest, HOSTING_PROTOCOL } from '@brume/protocols/hosting'
import { parseAddress } from '@brume/runtime/address'
import { refusal } from './refusals.ts'

/** As of any durable actor's sends. */
const SEND_WITHIN_MS = 86_400_000
const ANSWER_WITHIN_MS = 15_000
/** A target that is away, or lacks the send before this one, is asked again, and less and less often. */
const AGAIN_AFTER_MS = 250
const AGAIN_AFTER_MS_MAX = 30_000
/** Under way at once: a target that is away for long must not hold memory for ever. */
const UNDER_WAY_MAX = 4_096

export interface SendsOptions {
  readonly net: Pick<Net, 'self' | 'request'>
  readonly clock: Clock
  readonly arrivals: Pick<Arrivals, 'take'>
}

/** Takes what replicated actors send to the peers whose actors it is for: this one, or others. */
export class GroupSends {
  readonly #options: SendsOptions
  #underWay = 0
  #isStopped = false

  constructor(options: SendsOptions) {
    this.#options = options
  }

  stop(): void {
    this.#isStopped = true
  }

  /** Resolves once the target has it for good. @throws RuntimeError FULL, INVALID, REJECTED */
  async deliver({ to, proof }: Sending): Promise<void> {
    const { peer } = parseAddress(to)
    // A member's command would be another one than the next member's: it would come more than once.
    if (peer === null) throw refusal('invalid', `${to}: a replicated actor cannot send to another`)
    if (this.#underWay >= UNDER_WAY_MAX) throw refusal('full', `${UNDER_WAY_MAX} sends of groups are under way here`)
    this.#underWay += 1
    try {
      await this.#untilTaken(peer, proof)
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

  async #untilTaken(peer: PeerId, proof: Uint8Array): Promise<void> {
    const { clock } = this.#options
    const endMs = clock.now() + SEND_WITHIN_MS
    for (let waitMs = AGAIN_AFTER_MS; !this.#isStopped; waitMs = Math.min(2 * waitMs, AGAIN_AFTER_MS_MAX)) {
      try {
        return await this.#attempt(peer, proof)
      } catch (error) {
        if (clock.now() >= endMs || isLasting(error)) throw error
      }
      await new Promise<void>((go) => clock.after(waitMs, go))
    }
  }

  async #attempt(peer: PeerId, proof: Uint8Array): Promise<void> {
    const { net } = this.#options
    if (peer === net.self) return this.take(peer, proof)
    const body = encodeHostingRequest({ type: 'send', proof })
    const answer = decodeHostingAnswer(await net.request(peer, HOSTING_PROTOCOL, body, { timeoutMs: ANSWER_WITHIN_MS }))
    if (answer.type === 'refused') throw Object.assign(new Error(answer.message), { code: answer.code })
  }
}

/** Asked again, it would say the same. */
const isLasting = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'BRUME_RUNTIME_REJECTED'
