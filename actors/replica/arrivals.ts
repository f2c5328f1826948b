import { encode, utf8 } from '@brume/codec'
import { sha256 } from '@brume/crypto'
import type { Clock, Log, PeerId, Store } from '@brume/ports'
import { SendProofs } from '@brume/protocols/actors/proof'
import type { Inbound, Kernel, Refusal } from '@brume/runtime/kernel'
import type { Sent } from '@brume/runtime/replica'
import { type Pair, Pairs } from './pairs.ts'

/** Of a group's messages in a mailbox. */
const TTL_MS = 30_000

/** For so long what was passed over is taken when it comes: no sender tries for longer. */
const LATE_WITHIN_MS = 7 * 86_400_000

/** Of a message that the kernel is to take once: bytes. */
const KEY_BYTES = 16

/** Of a replicated actor: its state never starts afresh. */
const INCARNATION = 1

/** Asked again after a while, these may say something else. */
const PASSING: ReadonlySet<Refusal> = new Set(['full', 'overload', 'gap', 'expired'])

export interface ArrivalsOptions {
  readonly clock: Clock
  readonly log: Log
  readonly kernel: Pick<Kernel, 'receive'>
  /** Where it survives a restart what was passed over. */
  readonly store: Store
}

/** What came of a message: `again` says whether to bring it once more. */
export type Arrival = 'taken' | { readonly refused: Refusal; readonly again: boolean }

type Received = 'taken' | Refusal

interface Message extends Sent {
  readonly from: string
  readonly peer: PeerId
}

/**
 * What groups send to actors of this peer, whoever brings it: proven, each once, and in order but for those that did not
 * come in time, which are taken when they come.
 */
export class Arrivals {
  readonly #options: ArrivalsOptions
  readonly #proofs = new SendProofs()
  readonly #pairs: Pairs

  constructor(options: ArrivalsOptions) {
    this.#options = options
    this.#pairs = new Pairs(options)
  }

  /**
   * Resolves once it is processed, and durable if the actor is, or refused.
   *
   * @param peer - who brings it; nothing is believed of it
   * @throws CodecError, ManifestError, BundleError for what no group has sent; StoreError
   */
  async take(peer: PeerId, proof: Uint8Array): Promise<Arrival> {
    const message: Message = { ...this.#proofs.verify(proof), peer }
    const pair = this.#pairs.of(message.from, message.to)
    for (let passing = pair.passing; passing !== null; passing = pair.passing) await passing
    if (pair.isGivenUp(message.seq)) return { refused: 'expired', again: false }
    if (pair.isLate(message)) return pair.once(message.seq, () => this.#late(pair, message))
    const arrival = judged(await this.#next(pair, message))
    if (arrival === 'taken') pair.took(message.seq)
    else if (!arrival.again) pair.refused(message)
    return arrival
  }

  /** Of what was passed over the kernel knows no order: it has a key, by which it knows repetitions. */
  async #late(pair: Pair, message: Message): Promise<Arrival> {
    const { from, to, seq } = message
    const key = sha256(utf8(`${from} ${to} ${seq}`)).slice(0, KEY_BYTES)
    const arrival = judged(await this.#give(message, { durable: null, key }))
    if (arrival === 'taken' || !arrival.again) await pair.filled(message)
    return arrival
  }

  async #next(pair: Pair, message: Message): Promise<Received> {
    const { seq, prev } = message
    // One that names none before it may have forgotten it.
    const before = prev === 0 ? seq - 1 : prev
    let passed: Promise<Received> | null = null
    const received = this.#give(message, { durable: { seq, prev: before }, key: null }, (at) => {
      if (prev !== 0 && !pair.isDue(message)) return pair.waits(seq)
      // From here on nothing else of this pair is taken: what the kernel took last stays what it said.
      const gap = { after: at, upTo: before, untilMs: this.#lateUntilMs() }
      passed = pair.passOver(gap, () => this.#give(message, { durable: { seq, prev: 0 }, key: null }))
    })
    return passed ?? received
  }

  #lateUntilMs(): number {
    return Math.ceil(this.#options.clock.wall() + LATE_WITHIN_MS)
  }

  /** @param behind - told at once which number the kernel took last, where others are missing before this one */
  #give(
    { peer, from, to, event }: Message,
    as: Pick<Inbound, 'durable' | 'key'>,
    behind: (at: number) => void = () => {}
  ): Promise<Received> {
    const { promise, resolve } = Promise.withResolvers<Received>()
    const message = { peer, from: `${from}#${INCARNATION}`, to, event: encode(event), ask: false, ttlMs: TTL_MS, ...as }
    this.#options.kernel.receive(message, {
      committed: () => resolve('taken'),
      refused: (refused, _, at) => {
        if (refused === 'gap' && at !== undefined) behind(at)
        resolve(refused)
      },
      replied: () => {},
      // What brings it would need to bring its proof there.
      moved: () => resolve('moved')
    })
    return promise
  }
}

function judged(received: Received): Arrival {
  if (received === 'taken') return received
  return { refused: received, again: PASSING.has(received) }
}
