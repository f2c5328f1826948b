import { encode } from '@brume/codec'
import type { Clock, PeerId } from '@brume/ports'
import { SendProofs } from '@brume/protocols/actors/proof'
import type { Inbox, Kernel, Refusal } from '@brume/runtime/kernel'

/** How long one that others have overtaken is waited for: the turns of three members, and some tries. */
const MISSING_WITHIN_MS = 60_000

/** Of a group's messages in a mailbox. */
const TTL_MS = 30_000

/** Pairs of groups and actors here of which more is known than their watermark. */
const PAIRS_MAX = 4_096

/** Of a replicated actor: its state never starts afresh. */
const INCARNATION = 1

/** Asked again after a while, these may say something else. */
const PASSING: ReadonlySet<Refusal> = new Set(['full', 'overload', 'gap', 'expired'])

export interface ArrivalsOptions {
  readonly clock: Clock
  readonly kernel: Pick<Kernel, 'receive'>
}

/** What came of a message: `again` says whether to bring it once more. */
export type Arrival = 'taken' | { readonly refused: Refusal; readonly again: boolean }

interface Pair {
  /** The last one that the actor refused for good: the next one does not wait for it. */
  refused: number
  /** When what waits for a missing one came first; by sequence number. */
  readonly waitingMs: Map<number, number>
}

/** What groups send to actors of this peer, whoever brings it: proven, in order, each once. */
export class Arrivals {
  readonly #options: ArrivalsOptions
  readonly #proofs = new SendProofs()
  readonly #pairs = new Map<string, Pair>()

  constructor(options: ArrivalsOptions) {
    this.#options = options
  }

  /**
   * Resolves once it is processed, and durable if the actor is, or refused.
   *
   * @param peer - who brings it; nothing is believed of it
   * @throws CodecError, ManifestError, BundleError for what no group has sent
   */
  async take(peer: PeerId, proof: Uint8Array): Promise<Arrival> {
    const { from, to, seq, prev, event } = this.#proofs.verify(proof)
    const pair = this.#pairOf(`${from} ${to}`)
    const isAlone = prev <= pair.refused || this.#isOverdue(pair, seq)
    const { promise, resolve } = Promise.withResolvers<Arrival>()
    const inbox: Inbox = {
      committed: () => resolve('taken'),
      refused: (code) => resolve(this.#refused(pair, seq, code)),
      replied: () => {},
      // What brings it would need to bring its proof there.
      moved: () => resolve(this.#refused(pair, seq, 'moved'))
    }
    const durable = { seq, prev: isAlone ? 0 : prev }
    const message = { peer, from: `${from}#${INCARNATION}`, to, event: encode(event), durable }
    this.#options.kernel.receive({ ...message, ask: false, key: null, ttlMs: TTL_MS }, inbox)
    const arrival = await promise
    if (arrival === 'taken') pair.waitingMs.delete(seq)
    return arrival
  }

  #refused(pair: Pair, seq: number, refused: Refusal): Arrival {
    const again = PASSING.has(refused)
    if (!again) pair.refused = Math.max(pair.refused, seq)
    if (refused === 'gap' && !pair.waitingMs.has(seq)) pair.waitingMs.set(seq, this.#options.clock.now())
    return { refused, again }
  }

  /** Those that were to bring the one before have all had their time: it will not come. */
  #isOverdue(pair: Pair, seq: number): boolean {
    const sinceMs = pair.waitingMs.get(seq)
    return sinceMs !== undefined && this.#options.clock.now() - sinceMs > MISSING_WITHIN_MS
  }

  #pairOf(key: string): Pair {
    const pair = this.#pairs.get(key) ?? { refused: 0, waitingMs: new Map<number, number>() }
    this.#pairs.delete(key)
    this.#pairs.set(key, pair)
    for (const oldest of this.#pairs.keys()) if (this.#pairs.size > PAIRS_MAX) this.#pairs.delete(oldest)
    return pair
  }
}
