import { CodecError } from '@brume/codec'
import type { Channel, Log, Net, PeerId } from '@brume/ports'
import { decodeStandby, encodeStandby, STANDBY_CHANNEL } from '@brume/protocols/actors/standby'
import type { Standby, StandbyFrame } from '@brume/runtime/standby'

/** Each of at most five copies of what 64 groups place, with room. */
const PEERS_MAX = 512

/** The streams of mode `standby`: one to each peer with which this one shares actors, for all of them. */
export class StandbyStreams {
  readonly #log: Log
  readonly #peers = new Set<PeerId>()
  readonly #channel: Channel

  constructor(net: Pick<Net, 'channel'>, log: Log, standby: Pick<Standby, 'receive' | 'linked'>) {
    this.#log = log
    this.#channel = net.channel(STANDBY_CHANNEL, {
      frame: (from, body) => standby.receive(from, this.#read(from, body)),
      opened: (peer) => standby.linked(peer)
    })
  }

  /** Keeps a stream open to these, too. */
  connect(peers: Iterable<PeerId>): void {
    const before = this.#peers.size
    for (const peer of peers) if (this.#peers.size < PEERS_MAX) this.#peers.add(peer)
    if (this.#peers.size > before) this.#channel.connect(this.#peers)
  }

  /** Lost where there is no stream, which is opened then. */
  send(to: PeerId, frame: StandbyFrame): void {
    this.connect([to])
    this.#channel.send(to, encodeStandby(frame))
  }

  /** @throws CodecError, which ends the stream */
  #read(from: PeerId, body: Uint8Array): StandbyFrame {
    try {
      return decodeStandby(body)
    } catch (error) {
      if (error instanceof CodecError) this.#log.warn({ peer: from, error }, 'a peer broke the protocol of standby')
      throw error
    }
  }
}
