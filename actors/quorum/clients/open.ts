import { utf8 } from '@brume/codec'
import { sha256 } from '@brume/crypto'
import type { Cancel, Clock, Net, PeerId } from '@brume/ports'
import type { TrustedCommittee } from '@brume/protocols/quorum'
import { Client } from './client.ts'
import type { ClientLine, Server } from './line.ts'
import type { QuorumClient } from './ports.ts'

interface OpenOptions {
  readonly clock: Clock
  readonly net: Net
  readonly keepConnected: (owner: string, peers: readonly PeerId[]) => Cancel
}

/** A client of a group that this peer takes no part in: it keeps to the members, and believes none of them. */
export function openRemote(
  options: OpenOptions,
  owner: string,
  line: ClientLine,
  trusted: TrustedCommittee
): QuorumClient {
  const { clock, net, keepConnected } = options
  const peersOf = ({ members }: TrustedCommittee) => members.map(({ peer }) => peer).filter((peer) => peer !== net.self)
  let disconnect = keepConnected(owner, peersOf(trusted))
  return new Client({
    clock,
    trusted,
    // Clients of one group begin at different members.
    start: sha256(utf8(net.self))[0] ?? 0,
    members: peersOf,
    ask: (peer, request, hear) => line.ask(peer, request, hear),
    succeeded: (next) => {
      const before = disconnect
      disconnect = keepConnected(`${owner}/${next.committee.epoch}`, peersOf(next))
      before()
    },
    closed: () => disconnect()
  })
}

/** A client in a member's own process: it asks that member alone. */
export function openLocal({ clock, net }: OpenOptions, desk: Server, trusted: TrustedCommittee): QuorumClient {
  return new Client({
    clock,
    trusted,
    start: 0,
    members: () => [net.self],
    ask: (_, request, hear) => desk.serve({ ...request, number: 0 }, hear),
    succeeded: () => {},
    closed: () => {}
  })
}
