import type { PeerId } from '@brume/ports'
import { parseAddress } from '@brume/runtime/address'
import { hasCode, PeerError } from '../../errors.ts'
import type { PeerReport } from '../../report.ts'

/** The peer on which an actor of this address lives; undefined for one of a group, and for paths. */
export function peerOf(actor: string): PeerId | undefined {
  return actor.startsWith('brume://') ? (parseAddress(actor).peer ?? undefined) : undefined
}

/** No state came from another peer: what is known of that one. Any other error stays as it is. */
export function unreached(error: unknown, peer: PeerId, peers: readonly PeerReport[]): unknown {
  if (!hasCode(error, 'BRUME_RUNTIME_TIMEOUT', 'BRUME_RUNTIME_UNREACHABLE')) return error
  const known = peers.find((member) => member.peer === peer)
  const why =
    known === undefined
      ? `no peer ${peer} is known here; brume peers lists those that are`
      : known.connected
        ? `${peer} is connected and did not answer in time`
        : `${peer} is not connected (${known.state})`
  return new PeerError('BRUME_PEER_UNREACHABLE', why, error)
}
