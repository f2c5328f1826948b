import type { Cancel, Channel, ChannelHandler, ChannelProtocol, Net, PeerId, Topic, Verdict } from '@brume/ports'
import { replace, type SimNet, type SimNode } from '@brume/testkit'

/** Where a process begins and ends to be reached. */
export interface Line {
  start(): Net
  stop(): void
}

/** A peer id that one process has for itself. */
export const ownLine = (net: SimNet, self: PeerId): Line => ({
  start: () => net.start(self),
  stop: () => net.stop(self)
})

type Answer = Parameters<Net['serve']>[1]
type Judge = (from: PeerId, data: Uint8Array) => Verdict

interface OpenChannel {
  readonly handler: ChannelHandler
  wanted: ReadonlySet<PeerId>
}

/** What one of the processes has opened, by protocol or topic. */
interface End {
  readonly channels: Map<string, OpenChannel>
  readonly answers: Map<string, Answer>
  readonly judges: Map<string, Judge>
  readonly cancels: Cancel[]
}

/** Whose connections lead to the second process, while that one is there. */
export interface Reach {
  readonly leads: (peer: PeerId) => boolean
  /** They hold a connection to each, and speak on both. */
  readonly both: boolean
}

/**
 * One peer id, under which two processes are reached: both speak to everybody, and what somebody else says reaches the
 * one that its connection leads to, or both. Gossip, which comes by many ways, always reaches both.
 */
export class SharedLine {
  readonly #net: SimNet
  readonly #self: PeerId
  readonly #reach: Reach
  readonly #ends: (End | null)[] = [null, null]
  readonly #channels = new Map<string, Channel>()
  readonly #topics = new Map<string, Topic>()
  readonly #served = new Set<string>()
  #node: SimNode | null = null

  constructor(net: SimNet, self: PeerId, reach: Reach) {
    this.#net = net
    this.#self = self
    this.#reach = reach
  }

  end(which: 0 | 1): Line {
    return { start: () => this.#start(which), stop: () => this.#stop(which) }
  }

  #start(which: 0 | 1): Net {
    const node = this.#node ?? this.#net.start(this.#self)
    this.#node = node
    const end: End = { channels: new Map(), answers: new Map(), judges: new Map(), cancels: [] }
    this.#ends[which] = end
    // Who is to reach this one now connects anew.
    for (const { peer } of node.links()) if (this.#endsFor(peer).includes(end)) this.#net.sever(this.#self, peer)
    return this.#netOf(node, end)
  }

  #stop(which: 0 | 1): void {
    const end = this.#ends[which]
    this.#ends[which] = null
    for (const cancel of end?.cancels ?? []) cancel()
    if (this.#ends.some((other) => other !== null)) {
      for (const { peer } of this.#node?.links() ?? []) this.#net.sever(this.#self, peer)
      for (const id of this.#channels.keys()) this.#connect(id)
      return
    }
    this.#node = null
    for (const known of [this.#channels, this.#topics, this.#served]) known.clear()
    this.#net.stop(this.#self)
  }

  #netOf(node: SimNode, end: End): Net {
    const lives = () => this.#ends.includes(end)
    return replace<Net>(node, {
      onLink: (listener) => {
        const cancel = node.onLink(listener)
        end.cancels.push(cancel)
        return cancel
      },
      channel: (protocol, handler) => this.#channel(node, end, protocol, handler),
      serve: (protocol, answer) => {
        end.answers.set(protocol.id, answer)
        if (!this.#served.has(protocol.id)) node.serve(protocol, (from, body) => this.#answer(protocol.id, from, body))
        this.#served.add(protocol.id)
        return () => void end.answers.delete(protocol.id)
      },
      // What a process that is gone asked for is answered to nobody.
      request: async (peer, protocol, body, options) => {
        const answered = await Promise.allSettled([node.request(peer, protocol, body, options)])
        const [{ status }] = answered
        if (!lives()) return new Promise<Uint8Array>(() => {})
        if (status === 'rejected') throw (answered[0] as PromiseRejectedResult).reason
        return (answered[0] as PromiseFulfilledResult<Uint8Array>).value
      },
      topic: (name, judge) => {
        end.judges.set(name, judge)
        const topic = this.#topics.get(name) ?? node.topic(name, (from, data) => this.#judge(name, from, data))
        this.#topics.set(name, topic)
        return replace(topic, {
          publish: (data, options) => (lives() ? topic.publish(data, options) : Promise.resolve({ recipients: 0 })),
          leave: () => void end.judges.delete(name)
        })
      }
    })
  }

  #channel(node: SimNode, end: End, protocol: ChannelProtocol, handler: ChannelHandler): Channel {
    const { id } = protocol
    const open: OpenChannel = { handler, wanted: new Set() }
    end.channels.set(id, open)
    const lives = () => this.#ends.includes(end) && end.channels.get(id) === open
    const whole = this.#channels.get(id) ?? node.channel(protocol, this.#handlerOf(id))
    this.#channels.set(id, whole)
    return {
      connect: (peers) => {
        const before = open.wanted
        open.wanted = new Set(peers)
        this.#connect(id)
        const isThere = [...open.wanted].filter((peer) => !before.has(peer) && whole.isOpen(peer))
        this.#net.clock.after(0, () => {
          for (const peer of isThere) if (lives() && whole.isOpen(peer)) handler.opened?.(peer)
        })
      },
      send: (peer, body) => (lives() && open.wanted.has(peer) ? whole.send(peer, body) : 'unreachable'),
      isOpen: (peer) => open.wanted.has(peer) && whole.isOpen(peer),
      close: () => {
        if (lives()) end.channels.delete(id)
        this.#connect(id)
      }
    }
  }

  #handlerOf(id: string): ChannelHandler {
    const all = () => this.#ends.flatMap((end) => end?.channels.get(id) ?? [])
    const wanting = (peer: PeerId) => all().filter(({ wanted }) => wanted.has(peer))
    return {
      frame: (from, body) => {
        for (const end of this.#endsFor(from)) end.channels.get(id)?.handler.frame(from, body.slice())
      },
      flush: () => {
        for (const { handler } of all()) handler.flush?.()
      },
      opened: (peer) => {
        for (const { handler } of wanting(peer)) handler.opened?.(peer)
      },
      closed: (peer) => {
        for (const { handler } of wanting(peer)) handler.closed?.(peer)
      }
    }
  }

  #connect(id: string): void {
    const wanted = this.#ends.flatMap((end) => [...(end?.channels.get(id)?.wanted ?? [])])
    this.#channels.get(id)?.connect(new Set(wanted))
  }

  #answer(id: string, from: PeerId, body: Uint8Array): Promise<Uint8Array> | Uint8Array {
    const answer = this.#endsFor(from).at(-1)?.answers.get(id)
    if (answer === undefined) throw new Error(`nobody serves ${id} here`)
    return answer(from, body)
  }

  #judge(name: string, from: PeerId, data: Uint8Array): Verdict {
    const verdicts = this.#ends.flatMap((end) => end?.judges.get(name)?.(from, data.slice()) ?? [])
    return verdicts.includes('accept') ? 'accept' : (verdicts[0] ?? 'ignore')
  }

  #endsFor(peer: PeerId): readonly End[] {
    const [first = null, second = null] = this.#ends
    const { leads, both } = this.#reach
    if (second === null || first === null) return [first ?? second].filter((end) => end !== null)
    if (!leads(peer)) return [first]
    return both ? [first, second] : [second]
  }
}
