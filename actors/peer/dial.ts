import type { NetNode } from '@brume/net'
import type { Clock, PeerId, Wanted } from '@brume/ports'
import { PeerError } from './errors.ts'

/** Peers named by hand at runtime: as many as may be named in the settings. */
const DIALLED_MAX = 32
/** A connection over a WAN takes three round trips; the first dial may meet a peer that is just starting. */
const DIAL_TIMEOUT_MS = 20_000

export interface DialOptions {
  readonly timeoutMs?: number
}

/** A network whose user may name peers besides those that membership wants. */
export interface Dialling {
  readonly net: NetNode
  /**
   * Connects to the peers of these multiaddrs, each with `/p2p/<id>` at its end, and keeps them connected as long as
   * this peer runs. Rejects with `BRUME_PEER_UNREACHABLE` when one is not connected in time: it is dialled on.
   */
  dial(addresses: readonly string[], options?: DialOptions): Promise<void>
}

export function createDialling(node: NetNode, clock: Clock): Dialling {
  const dialled = new Map<PeerId, readonly string[]>()
  let wanted: readonly Wanted[] = []
  const want = (): void => node.want(merged(wanted, dialled))
  return {
    net: wrapped(node, (peers) => {
      wanted = peers
      want()
    }),
    async dial(addresses, { timeoutMs = DIAL_TIMEOUT_MS } = {}) {
      const named = byPeer(addresses, node.self)
      for (const [peer, its] of named) dialled.set(peer, its)
      if (dialled.size > DIALLED_MAX) throw usage(`a peer dials at most ${DIALLED_MAX} others by hand`)
      want()
      await Promise.all([...named.keys()].map((peer) => connected(node, clock, peer, timeoutMs)))
    }
  }
}

/** Each method by name, for a node may be a class. */
function wrapped(node: NetNode, want: NetNode['want']): NetNode {
  return {
    ...{ self: node.self, want },
    start: () => node.start(),
    stop: () => node.stop(),
    addresses: () => node.addresses(),
    links: () => node.links(),
    onLink: (listener) => node.onLink(listener),
    drop: (peer, options) => node.drop(peer, options),
    channel: (protocol, handler) => node.channel(protocol, handler),
    serve: (protocol, answer) => node.serve(protocol, answer),
    request: (peer, protocol, body, options) => node.request(peer, protocol, body, options),
    topic: (name, judge) => node.topic(name, judge)
  }
}

function merged(wanted: readonly Wanted[], dialled: ReadonlyMap<PeerId, readonly string[]>): readonly Wanted[] {
  const others = new Map(dialled)
  const known = wanted.map((one) => {
    const its = others.get(one.peer)
    others.delete(one.peer)
    return its === undefined ? one : { ...one, addresses: [...new Set([...its, ...one.addresses])] }
  })
  const rest = [...others].map(([peer, addresses]): Wanted => ({ peer, addresses, priority: 'bootstrap' }))
  return [...known, ...rest]
}

function byPeer(addresses: readonly string[], self: PeerId): ReadonlyMap<PeerId, readonly string[]> {
  const named = new Map<PeerId, string[]>()
  for (const address of addresses) {
    const peer = /\/p2p\/([1-9A-HJ-NP-Za-km-z]+)$/.exec(address)?.[1]
    if (peer === undefined) throw usage(`${address} must end in /p2p/<peer id>`)
    if (peer !== self) named.set(peer, [...(named.get(peer) ?? []), address])
  }
  return named
}

function connected(node: NetNode, clock: Clock, peer: PeerId, timeoutMs: number): Promise<void> {
  const isLinked = (): boolean => node.links().some((link) => link.peer === peer)
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const unlisten = node.onLink(() => isLinked() && resolve())
  const cancel = clock.after(timeoutMs, () =>
    reject(new PeerError('BRUME_PEER_UNREACHABLE', `${peer} was not reached within ${timeoutMs} ms; is it running?`))
  )
  if (isLinked()) resolve()
  return promise.finally(() => {
    unlisten()
    cancel()
  })
}

const usage = (message: string): PeerError => new PeerError('BRUME_PEER_USAGE', message)
