import { encode } from '@brume/codec'
import type { Cancel, Clock, Log, Net, PeerId } from '@brume/ports'
import { SendProofs } from '@brume/protocols/actors/proof'
import { decodeSentAnswer, encodeSentAnswer, SENT_PROTOCOL, type SentAnswer } from '@brume/protocols/actors/sent'
import { parseAddress } from '@brume/runtime/address'
import { type Inbox, type Kernel, REFUSAL, type Refusal } from '@brume/runtime/kernel'
import { ReplicaError, type Sent } from '@brume/runtime/replica'
import type { Sending } from './dispatch.ts'

export interface PostOptions {
  readonly net: Pick<Net, 'self' | 'serve' | 'request'>
  readonly clock: Clock
  readonly log: Log
  readonly kernel: Pick<Kernel, 'receive'>
  /** Has the network keep these peers connected until cancelled. */
  readonly keepConnected: (owner: string, peers: readonly PeerId[]) => Cancel
}

const REQUEST_WITHIN_MS = 10_000
const RETRY_MS = 500
const RETRY_MAX_MS = 60_000

/** As durable messages of placed actors. */
const SENT_WITHIN_MS = 86_400_000

/** Sends on their way from here. */
const SENDING_MAX = 4_096

/** How long one that others have overtaken is waited for: three members' turns, and some tries. */
const MISSING_WITHIN_MS = 60_000

/** Of a group's messages in a mailbox here. */
const TTL_MS = 30_000

/** Pairs of groups and actors whose last refusals are remembered. */
const PAIRS_MAX = 4_096

const INCARNATION = 1

/** What one pair of a group and an actor here waits for. */
interface Pair {
  /** The last one that the actor refused for good: the next one does not wait for it. */
  refused: number
  /** When it was first missed; by sequence number of what waits for it. */
  readonly missedMs: Map<number, number>
}

/** Takes what groups send to actors of other peers there, and what they send to those of this one to the kernel. */
export class Post {
  readonly #options: PostOptions
  readonly #proofs = new SendProofs()
  readonly #pairs = new Map<string, Pair>()
  readonly #queues = new Map<string, Promise<void>>()
  readonly #unserve: Cancel
  readonly #stop = new AbortController()
  #sending = 0

  constructor(options: PostOptions) {
    this.#options = options
    this.#unserve = options.net.serve(SENT_PROTOCOL, async (from, body) =>
      encodeSentAnswer(await this.#answer(from, body))
    )
  }

  close(): void {
    this.#unserve()
    this.#stop.abort()
  }

  /**
   * Resolves once the target has it. In order for each target; a target that cannot be reached is tried for a day.
   *
   * @throws ReplicaError UNDELIVERED for one that refuses it for good, that is a group's, or too many
   */
  deliver(sending: Sending): Promise<void> {
    const { peer } = parseAddress(sending.to)
    if (peer === null) return Promise.reject(undelivered('a replicated actor takes signed commands only'))
    if (this.#sending >= SENDING_MAX) return Promise.reject(undelivered(`${SENDING_MAX} are on their way already`))
    this.#sending += 1
    const before = this.#queues.get(sending.to) ?? Promise.resolve()
    const sent = before.catch(() => {}).then(() => this.#send(peer, sending))
    this.#queues.set(sending.to, sent)
    return sent.finally(() => {
      this.#sending -= 1
      if (this.#queues.get(sending.to) === sent) this.#queues.delete(sending.to)
    })
  }

  async #send(peer: PeerId, { to, proof }: Sending): Promise<void> {
    const { clock, keepConnected, net } = this.#options
    const until = clock.now() + SENT_WITHIN_MS
    const disconnect = peer === net.self ? () => {} : keepConnected(`sent/${to}`, [peer])
    try {
      for (let waitMs = RETRY_MS; !this.#stop.signal.aborted; waitMs = Math.min(2 * waitMs, RETRY_MAX_MS)) {
        const { code, retryMs } = await this.#try(peer, proof)
        if (code === 0) return
        if (retryMs === 0) throw undelivered(`${to} refused it: ${nameOf(code)}`)
        if (clock.now() > until) throw undelivered(`${to} did not take it within a day`)
        await new Promise<void>((go) => clock.after(Math.max(retryMs, waitMs), go))
      }
      throw undelivered('this peer stops')
    } finally {
      disconnect()
    }
  }

  async #try(peer: PeerId, proof: Uint8Array): Promise<SentAnswer> {
    const { net } = this.#options
    try {
      if (peer === net.self) return await this.#answer(peer, proof)
      return decodeSentAnswer(await net.request(peer, SENT_PROTOCOL, proof, { timeoutMs: REQUEST_WITHIN_MS }))
    } catch {
      return { code: REFUSAL.noactor, retryMs: RETRY_MS }
    }
  }

  async #answer(peer: PeerId, body: Uint8Array): Promise<SentAnswer> {
    let sent: Sent & { readonly from: string }
    try {
      sent = this.#proofs.verify(body)
    } catch (error) {
      this.#options.log.warn({ peer, error }, 'a peer hands on what no group has sent')
      return { code: REFUSAL.rejected, retryMs: 0 }
    }
    return this.#receive(peer, sent)
  }

  #receive(peer: PeerId, { from, to, seq, prev, event }: Sent & { readonly from: string }): Promise<SentAnswer> {
    const { promise, resolve } = Promise.withResolvers<SentAnswer>()
    const pair = this.#pairOf(from, to)
    const isSettled = prev <= pair.refused || this.#isOverdue(pair, seq)
    const inbox: Inbox = {
      committed: () => {
        pair.missedMs.delete(seq)
        resolve({ code: 0, retryMs: 0 })
      },
      refused: (code, retryMs) => resolve(this.#refused(pair, seq, code, retryMs)),
      replied: () => {}
    }
    const order = { seq, prev: isSettled ? 0 : prev }
    const address = `${from}#${INCARNATION}`
    const message = { peer, from: address, to, event: encode(event), ask: false, durable: order, key: null }
    this.#options.kernel.receive({ ...message, ttlMs: TTL_MS }, inbox)
    return promise
  }

  #refused(pair: Pair, seq: number, code: Refusal, retryMs: number): SentAnswer {
    if (code === 'gap') {
      if (!pair.missedMs.has(seq)) pair.missedMs.set(seq, this.#options.clock.now())
      return { code: REFUSAL.gap, retryMs: RETRY_MS }
    }
    if (retryMs === 0 && code !== 'expired') pair.refused = Math.max(pair.refused, seq)
    return { code: REFUSAL[code], retryMs: code === 'expired' ? RETRY_MS : retryMs }
  }

  /** Those that were to bring the one before have all had their time. */
  #isOverdue(pair: Pair, seq: number): boolean {
    const sinceMs = pair.missedMs.get(seq)
    return sinceMs !== undefined && this.#options.clock.now() - sinceMs > MISSING_WITHIN_MS
  }

  #pairOf(from: string, to: string): Pair {
    const key = `${from} ${to}`
    const pair = this.#pairs.get(key) ?? { refused: 0, missedMs: new Map<number, number>() }
    this.#pairs.delete(key)
    this.#pairs.set(key, pair)
    for (const oldest of this.#pairs.keys()) if (this.#pairs.size > PAIRS_MAX) this.#pairs.delete(oldest)
    return pair
  }
}

function undelivered(reason: string): ReplicaError {
  return new ReplicaError('BRUME_RUNTIME_UNDELIVERED', `what the group sent was not delivered: ${reason}`)
}

function nameOf(code: number): string {
  return Object.entries(REFUSAL).find(([, number]) => number === code)?.[0] ?? String(code)
}
