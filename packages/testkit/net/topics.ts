import { createHash } from 'node:crypto'
import type { PeerId, Topic, Verdict } from '@brume/ports'
import { SimNetError } from './errors.ts'
import type { SimNode } from './sim-node.ts'

const PUBLISH_BYTES_MAX = 32 * 1024
/** Identical bytes vanish for this long, as gossipsub's cache of seen ids makes them. */
const SEEN_MS = 120_000
const OVERHEAD_BYTES = 60

type Judge = (from: PeerId, data: Uint8Array) => Verdict

/** Gossip of one node: what it accepts goes on to every connected subscriber that is not its source. */
export class Topics {
  readonly #node: SimNode
  readonly #judges = new Map<string, Judge>()
  /** Message id -> when it may come again; in order of arrival, so the oldest are first. */
  readonly #seen = new Map<string, number>()

  constructor(node: SimNode) {
    this.#node = node
  }

  open(name: string, judge: Judge): Topic {
    if (this.#judges.has(name)) {
      throw new SimNetError('BRUME_NET_TOO_MANY_TOPICS', `topic ${name} is open already: leave it first`)
    }
    if (this.#node.isRunning) this.#judges.set(name, judge)
    return {
      publish: (data) => this.#publish(name, data),
      subscribers: () => this.#subscribers(name).map(({ self }) => self),
      leave: () => {
        if (this.#judges.get(name) === judge) this.#judges.delete(name)
      }
    }
  }

  end(): void {
    this.#judges.clear()
  }

  async #publish(name: string, data: Uint8Array): Promise<{ recipients: number }> {
    if (data.length > PUBLISH_BYTES_MAX) {
      const message = `a gossip message has at most ${PUBLISH_BYTES_MAX} bytes, not ${data.length}`
      throw new SimNetError('BRUME_NET_FRAME_TOO_LARGE', message)
    }
    if (!this.#node.isRunning || this.#isSeen(name, data)) return { recipients: 0 }
    return { recipients: this.#relay(name, data.slice(), undefined) }
  }

  #subscribers(name: string): SimNode[] {
    return [...this.#node.connections()]
      .map((connection) => connection.other(this.#node.self))
      .filter((node) => node.topics.#judges.has(name))
  }

  #relay(name: string, data: Uint8Array, source: PeerId | undefined): number {
    const receivers = this.#subscribers(name).filter(({ self }) => self !== source)
    for (const receiver of receivers) {
      const connection = this.#node.connection(receiver.self)
      connection?.outgoing(this.#node.self).cast(data.length + OVERHEAD_BYTES, () => {
        if (connection.isOpen) receiver.topics.#receive(name, this.#node.self, data)
      })
    }
    return receivers.length
  }

  #receive(name: string, from: PeerId, data: Uint8Array): void {
    const judge = this.#judges.get(name)
    // Seen before it is judged: a message ignored "for later" is gone.
    if (judge === undefined || this.#isSeen(name, data)) return
    if (this.#judge(judge, from, data) === 'accept') this.#relay(name, data, from)
  }

  #judge(judge: Judge, from: PeerId, data: Uint8Array): Verdict {
    try {
      return judge(from, data.slice())
    } catch {
      return 'ignore'
    }
  }

  #isSeen(name: string, data: Uint8Array): boolean {
    const nowMs = this.#node.world.clock.now()
    for (const [id, untilMs] of this.#seen) {
      if (untilMs > nowMs) break
      this.#seen.delete(id)
    }
    const id = createHash('sha256').update(`${name.length}.${name}`).update(data).digest('base64')
    if (this.#seen.has(id)) return true
    this.#seen.set(id, nowMs + SEEN_MS)
    return false
  }
}
