import { CodecError, concat, toHex } from '@brume/codec'
import type { SlotMessage } from '@brume/consensus/slot'
import type { Cancel, Channel, Net, PeerId } from '@brume/ports'
import {
  decodeSlotFrame,
  decodeSlotValueRequest,
  encodeSlotFrame,
  encodeSlotValueRequest,
  SLOT_PROTOCOL,
  SLOT_VALUE_PROTOCOL,
  type SlotValueRequest
} from '@brume/protocols/quorum'

/** One slot group, as the network sees it. */
export interface SlotListener {
  readonly groupId: Uint8Array
  readonly peers: readonly PeerId[]
  /** @throws CodecError for what no honest member sends: it ends the stream */
  heard(from: PeerId, message: SlotMessage): void
  /** A result that is here. */
  value(slot: number, digest: string): Uint8Array | undefined
}

const VALUE_TIMEOUT_MS = 5_000
const HERE = Uint8Array.of(1)
const NOT_HERE = Uint8Array.of(0)

/** The channel and the requests that all slot groups of a peer share. */
export class SlotLines {
  readonly #net: Net
  readonly #channel: Channel
  readonly #unserve: Cancel
  readonly #groups = new Map<string, SlotListener>()
  readonly #count: (cause: 'malformed' | 'stranger') => void

  constructor(net: Net, count: (cause: 'malformed' | 'stranger') => void) {
    this.#net = net
    this.#count = count
    this.#channel = net.channel(SLOT_PROTOCOL, { frame: (from, body) => this.#frame(from, body) })
    this.#unserve = net.serve(SLOT_VALUE_PROTOCOL, (from, body) => {
      const { groupId, slot, digest } = decodeSlotValueRequest(body)
      const group = this.#groups.get(toHex(groupId))
      const value = group?.peers.includes(from) === true ? group.value(slot, digest) : undefined
      return value === undefined ? NOT_HERE : concat(HERE, value)
    })
  }

  join(group: SlotListener): Cancel {
    const id = toHex(group.groupId)
    this.#groups.set(id, group)
    this.#connect()
    return () => {
      this.#groups.delete(id)
      this.#connect()
    }
  }

  send(peers: readonly PeerId[], groupId: Uint8Array, message: SlotMessage): void {
    const frame = encodeSlotFrame({ groupId, message })
    // What cannot leave is said again at the next retry.
    for (const peer of peers) if (peer !== this.#net.self) this.#channel.send(peer, frame)
  }

  /** Undefined where the peer is not there or has no such result; what it sends is not checked here. */
  async fetch(peer: PeerId, request: SlotValueRequest): Promise<Uint8Array | undefined> {
    const body = encodeSlotValueRequest(request)
    const answer = await this.#net
      .request(peer, SLOT_VALUE_PROTOCOL, body, { timeoutMs: VALUE_TIMEOUT_MS })
      .catch(() => NOT_HERE)
    return answer[0] === 1 ? answer.subarray(1) : undefined
  }

  close(): void {
    this.#unserve()
    this.#channel.close()
  }

  #connect(): void {
    this.#channel.connect(new Set([...this.#groups.values()].flatMap(({ peers }) => peers)))
  }

  #frame(from: PeerId, body: Uint8Array): void {
    try {
      const { groupId, message } = decodeSlotFrame(body)
      const group = this.#groups.get(toHex(groupId))
      if (group?.peers.includes(from) === true) group.heard(from, message)
      else this.#count('stranger')
    } catch (error) {
      if (error instanceof CodecError) this.#count('malformed')
      throw error
    }
  }
}
