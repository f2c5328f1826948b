import { Reader, Writer } from '@brume/codec'
import type { Cancel, Channel, ChannelHandler, Clock, Net, PeerId, SendResult, Topic, Verdict } from '@brume/ports'
import { FRAME } from '@brume/protocols/quorum'

const TO_ALL = 0xff
const LOOK_EVERY_MS = 50
/** Net floods no longer message. */
const FLOOD_BYTES_MAX = 1_024

interface Options {
  readonly net: Net
  readonly clock: Clock
  readonly topic: string
  /** Of each member, by index. */
  readonly peers: readonly PeerId[]
  /** Send to every subscriber and relay nothing: right only where all are connected to all. */
  readonly direct: boolean
  readonly handler: ChannelHandler
}

/**
 * The quorum's frames over one gossip topic in the shape of a channel, so that the very same group runs on
 * either. A frame handed over for several members in one turn is published once. A message is
 * `counter u32 ‖ author u8 ‖ receiver u8 ‖ frame`: the counter keeps repeated bytes apart, and receiver 255
 * is everybody.
 *
 * For measuring only, and flattering: authors are believed, and signatures are checked where the group needs
 * them, as on streams, while a production relay would have to check each before it relays.
 */
export class GossipBinding implements Channel {
  readonly #options: Options
  readonly #topic: Topic
  readonly #self: number
  /** Frames of this turn, and whom they are for. */
  readonly #queue = new Map<Uint8Array, Set<number>>()
  readonly #open = new Set<PeerId>()
  #named: ReadonlySet<PeerId> = new Set()
  #counter = 0
  #flushDue = false
  #cancelLook: Cancel = () => {}

  constructor(options: Options) {
    this.#options = options
    this.#self = options.peers.indexOf(options.net.self)
    this.#topic = options.net.topic(options.topic, (_, data) => this.#judge(data))
  }

  connect(peers: Iterable<PeerId>): void {
    this.#named = new Set(peers)
    this.#cancelLook()
    this.#look()
  }

  send(peer: PeerId, body: Uint8Array): SendResult {
    const index = this.#options.peers.indexOf(peer)
    if (!this.#open.has(peer) || index < 0) return 'unreachable'
    if (this.#queue.size === 0) setImmediate(() => this.#publishAll())
    const receivers = this.#queue.get(body) ?? new Set()
    this.#queue.set(body, receivers.add(index))
    return 'queued'
  }

  isOpen(peer: PeerId): boolean {
    return this.#open.has(peer)
  }

  close(): void {
    this.#cancelLook()
    this.#topic.leave()
  }

  /** Who subscribes is only to be asked for; nobody leaves while a benchmark runs. */
  #look(): void {
    const subscribers = new Set(this.#topic.subscribers())
    for (const peer of this.#named) {
      if (this.#open.has(peer) || !subscribers.has(peer)) continue
      this.#open.add(peer)
      this.#options.handler.opened?.(peer)
    }
    this.#cancelLook = () => {}
    if ([...this.#named].every((peer) => this.#open.has(peer))) return
    this.#cancelLook = this.#options.clock.after(LOOK_EVERY_MS, () => this.#look())
  }

  #publishAll(): void {
    const queued = [...this.#queue]
    this.#queue.clear()
    for (const [body, receivers] of queued) {
      if (receivers.size === this.#options.peers.length - 1) this.#publish(TO_ALL, body)
      else for (const receiver of receivers) this.#publish(receiver, body)
    }
  }

  #publish(receiver: number, body: Uint8Array): void {
    this.#counter += 1
    const data = new Writer(body.length + 6).u32(this.#counter).u8(this.#self).u8(receiver).bytes(body).finish()
    // A greeting is said once, and may come before the mesh has formed.
    const flood = this.#options.direct || body[0] === FRAME.hello
    void this.#topic.publish(data, { flood })
  }

  #judge(data: Uint8Array): Verdict {
    const { peers, handler, direct } = this.#options
    const reader = new Reader(data)
    reader.u32()
    const author = peers[reader.u8()]
    const receiver = reader.u8()
    if (author === undefined) return 'reject'
    if (receiver === TO_ALL || receiver === this.#self) {
      handler.frame(author, reader.rest().slice())
      this.#flushSoon()
    }
    return direct && data.length <= FLOOD_BYTES_MAX ? 'ignore' : 'accept'
  }

  #flushSoon(): void {
    if (this.#flushDue) return
    this.#flushDue = true
    setImmediate(() => {
      this.#flushDue = false
      this.#options.handler.flush?.()
    })
  }
}
