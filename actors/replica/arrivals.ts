import { encode } from '@brume/codec'
import type { Clock, PeerId } from '@brume/ports'
import { SendProofs } from '@brume/protocols/actors/proof'
import type { Inbox, Kernel, Refusal } from '@brume/runtime/kernel'

/**
 * How long one that others have overtaken is waited for: every member has had its turn by then, and whoever brings one
 * tries again within 45 s.
 */
const MISSING_WITHIN_MS = 60_000

/** Of one pair, those of which more is known than that they must wait. */
const WAITING_MAX = 4_096

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
  /** What waits for a missing one, by sequence number. */
  readonly waiting: Map<number, Waiting>
}

/** When something came, the first time and the last. */
interface Waiting {
  readonly sinceMs: number
  lastMs: number
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
    if (arrival === 'taken') for (const one of pair.waiting.keys()) if (one <= seq) pair.waiting.delete(one)
    return arrival
  }

  #refused(pair: Pair, seq: number, refused: Refusal): Arrival {
    const again = PASSING.has(refused)
    if (!again) pair.refused = Math.max(pair.refused, seq)
    if (refused === 'gap') this.#waits(pair, seq)
    return { refused, again }
  }

  #waits({ waiting }: Pair, seq: number): void {
    const nowMs = this.#options.clock.now()
    const known = waiting.get(seq)
    if (known !== undefined) known.lastMs = nowMs
    else if (waiting.size < WAITING_MAX) waiting.set(seq, { sinceMs: nowMs, lastMs: nowMs })
  }

  /**
   * Those that were to bring the one before have all had their time: it will not come. What waits for it comes in order
   * even so: as long as an earlier one is still being brought, the later ones are not its successors.
   */
  #isOverdue({ waiting }: Pair, seq: number): boolean {
    const nowMs = this.#options.clock.now()
    const known = waiting.get(seq)
    if (known === undefined || nowMs - known.sinceMs <= MISSING_WITHIN_MS) return false
    return ![...waiting].some(([other, { lastMs }]) => other < seq && nowMs - lastMs <= MISSING_WITHIN_MS)
  }

  #pairOf(key: string): Pair {
    const pair = this.#pairs.get(key) ?? { refused: 0, waiting: new Map<number, Waiting>() }
    this.#pairs.delete(key)
    this.#pairs.set(key, pair)
    for (const oldest of this.#pairs.keys()) if (this.#pairs.size > PAIRS_MAX) this.#pairs.delete(oldest)
    return pair
  }
}
