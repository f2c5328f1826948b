import { equal, toHex } from '@brume/codec'
import type { Channel, Net, PeerId } from '@brume/ports'
import {
  encodeHello,
  FRAME,
  type Frame,
  GROUPS_MAX,
  type Greeting,
  QUORUM_PROTOCOL,
  readEnvelope,
  readFrame,
  readHello
} from '@brume/protocols/quorum'
import { QuorumError } from '../errors.ts'

/** What a group hears from the streams that all groups of two peers share. */
export interface Listener {
  readonly groupId: Uint8Array
  readonly epoch: number
  readonly peers: ReadonlySet<PeerId>
  /** A frame of this group, decoded. */
  heard(from: PeerId, frame: Frame): void
  /** All frames of one batch have been heard. */
  batched(): void
  opened(peer: PeerId): void
  /** Should this peer be asked for an echo? */
  asks(peer: PeerId): boolean
  /** This peer asks for one. */
  asked(peer: PeerId): void
  closed(peer: PeerId): void
  /** This peer is in that epoch of the group, which is not this one. */
  announced(peer: PeerId, epoch: number): void
  /** A frame of the epoch after this one, which has not begun here. */
  early(from: PeerId, frame: Frame): void
}

/** Two epochs of each group may be going on at once. */
const LISTENERS_MAX = 2 * GROUPS_MAX

/** What a u16 tells apart: far more than `LISTENERS_MAX`, so that one is always free. */
const HANDLES = 65_536

/** Peers whose handles are remembered: more than can be connected, so that only the gone are forgotten. */
const GREETED_MAX = 1_024

/** Peers that are told how far their group is, though no members of it any more. */
const BEHIND_MAX = 64

/** What a handle means, and whether its sender waits for an echo. */
interface Named {
  readonly name: string
  readonly groupId: Uint8Array
  readonly epoch: number
  readonly restarted: boolean
}

/** Drops of one stream's frames, by cause. */
export type FaultCounter = (reason: 'malformed' | 'unknown-handle' | 'stranger') => void

/**
 * Where a vote is received: the one channel of the quorum protocol, shared by all groups of this peer.
 * Frames name their group by a handle that their sender gave it; a frame that does not decode throws,
 * which ends the stream.
 */
export class Reception {
  readonly #channel: Channel
  readonly #groups = new Map<number, Listener>()
  /** By peer: what its handles mean, also of groups that are not here: they may join later. */
  readonly #handles = new Map<PeerId, ReadonlyMap<number, Named>>()
  readonly #named = new Map<string, Listener>()
  /** They are in an epoch before those here and were put out meanwhile: nobody else would ever tell them. */
  readonly #behind = new Set<PeerId>()
  readonly #count: FaultCounter

  constructor(net: Net, count: FaultCounter) {
    this.#count = count
    this.#channel = net.channel(QUORUM_PROTOCOL, {
      frame: (from, body) => this.#frame(from, body),
      flush: () => {
        for (const group of this.#groups.values()) group.batched()
      },
      opened: (peer) => this.#opened(peer),
      closed: (peer) => {
        for (const group of this.#groups.values()) if (group.peers.has(peer)) group.closed(peer)
      }
    })
  }

  get channel(): Channel {
    return this.#channel
  }

  /**
   * Adds a group.
   *
   * @param named - told the handle it is called by in frames sent from here, before the group is asked for anything
   */
  join(group: Listener, named: (handle: number) => void): void {
    if (this.#groups.size >= LISTENERS_MAX) {
      throw new QuorumError('BRUME_QUORUM_GROUPS_FULL', `a peer takes part in at most ${GROUPS_MAX} groups`)
    }
    const handle = this.#freeHandle(group)
    named(handle)
    this.#groups.set(handle, group)
    this.#named.set(nameOf(group), group)
    for (const peer of this.#handles.keys()) this.#mind(peer)
    this.#connect()
    for (const peer of this.#behind) this.#greet(peer)
    for (const peer of group.peers) {
      if (this.#channel.isOpen(peer)) {
        this.#greet(peer)
        group.opened(peer)
      }
      const greetings = [...(this.#handles.get(peer)?.values() ?? [])]
      this.#announce(peer, group, greetings)
      if (greetings.some(({ name, restarted }) => restarted && name === nameOf(group))) group.asked(peer)
    }
  }

  leave(handle: number): void {
    const group = this.#groups.get(handle)
    if (group === undefined) return
    this.#groups.delete(handle)
    this.#named.delete(nameOf(group))
    for (const peer of [...this.#behind]) this.#mind(peer)
    this.#connect()
  }

  /**
   * As a rule the same in every process: where two have one key, what each says is understood whoever greeted last, so
   * that others see it if they contradict each other.
   */
  #freeHandle({ groupId, epoch }: Listener): number {
    const [high = 0, low = 0] = groupId
    let handle = (high * 256 + low + epoch) % HANDLES
    while (this.#groups.has(handle)) handle = (handle + 1) % HANDLES
    return handle
  }

  #connect(): void {
    const peers = new Set<PeerId>()
    for (const group of this.#groups.values()) for (const peer of group.peers) peers.add(peer)
    for (const peer of this.#behind) peers.add(peer)
    this.#channel.connect(peers)
  }

  #opened(peer: PeerId): void {
    this.#greet(peer)
    for (const group of this.#groups.values()) if (group.peers.has(peer)) group.opened(peer)
  }

  /** Says which handles mean which groups, before anything else on a stream and when a group joins later. */
  #greet(peer: PeerId): void {
    const greetings: Greeting[] = []
    for (const [handle, group] of this.#groups) {
      const { groupId, epoch, peers } = group
      if (peers.has(peer) || this.#isBehind(peer, group))
        greetings.push({ groupId, epoch, handle, restarted: group.asks(peer) })
    }
    this.#channel.send(peer, encodeHello(greetings))
  }

  #greeted(from: PeerId, content: Uint8Array): void {
    const names = readHello(content).map((greeting) => {
      const { groupId, epoch, restarted } = greeting
      return [greeting.handle, { name: nameOf(greeting), groupId, epoch, restarted }] as const
    })
    this.#handles.delete(from)
    this.#handles.set(from, new Map(names))
    if (this.#handles.size > GREETED_MAX)
      for (const oldest of this.#handles.keys().take(1)) this.#handles.delete(oldest)
    for (const [, { name, restarted }] of names) {
      const group = this.#named.get(name)
      if (restarted && group?.peers.has(from) === true) group.asked(from)
    }
    const wasBehind = this.#behind.has(from)
    this.#mind(from)
    if (this.#behind.has(from) !== wasBehind) this.#connect()
    if (this.#behind.has(from)) this.#greet(from)
    const named = names.map(([, greeting]) => greeting)
    for (const group of this.#groups.values()) if (group.peers.has(from)) this.#announce(from, group, named)
  }

  #announce(peer: PeerId, group: Listener, greetings: readonly Named[]): void {
    for (const { groupId, epoch } of greetings) {
      if (epoch !== group.epoch && equal(groupId, group.groupId)) group.announced(peer, epoch)
    }
  }

  #mind(peer: PeerId): void {
    this.#behind.delete(peer)
    if (![...this.#groups.values()].some((group) => this.#isBehind(peer, group))) return
    this.#behind.add(peer)
    if (this.#behind.size > BEHIND_MAX) for (const oldest of this.#behind.keys().take(1)) this.#behind.delete(oldest)
  }

  /** Is it no member of this epoch, and in none of its group that is as late? */
  #isBehind(peer: PeerId, { groupId, epoch, peers }: Listener): boolean {
    const named = [...(this.#handles.get(peer)?.values() ?? [])].filter((other) => equal(other.groupId, groupId))
    return !peers.has(peer) && named.length > 0 && named.every((other) => other.epoch < epoch)
  }

  #frame(from: PeerId, body: Uint8Array): void {
    try {
      const { type, handle, content } = readEnvelope(body)
      if (type === FRAME.hello) {
        this.#greeted(from, content)
        return
      }
      const named = this.#handles.get(from)?.get(handle)
      if (named === undefined) return this.#count('unknown-handle')
      const group = this.#named.get(named.name)
      if (group === undefined) return this.#early(from, named, type, content)
      if (!group.peers.has(from)) return this.#count('stranger')
      group.heard(from, readFrame(group.groupId, type, content))
    } catch (error) {
      this.#count('malformed')
      throw error
    }
  }

  /** Of an epoch that is not here: kept if it is about to begin. */
  #early(from: PeerId, { groupId, epoch }: Named, type: number, content: Uint8Array): void {
    const before = this.#named.get(nameOf({ groupId, epoch: epoch - 1 }))
    if (before === undefined) return this.#count('unknown-handle')
    before.early(from, readFrame(groupId, type, content))
  }
}

/** One group in one epoch. */
function nameOf({ groupId, epoch }: Pick<Listener, 'groupId' | 'epoch'>): string {
  return `${toHex(groupId)}/${epoch}`
}
