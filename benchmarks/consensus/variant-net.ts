import type { Clock, Net, PeerId, RequestProtocol } from '@brume/ports'
import { QUORUM_PROTOCOL } from '@brume/protocols/quorum'
import { GossipBinding } from './gossip-binding.ts'
import type { Variant } from './plan.ts'

/**
 * The network as one variant sees it: its own protocols, so that several quorums share the connections of
 * one node, and the quorum's channel over the variant's binding.
 *
 * @param peers - of each member, by index
 */
export function variantNet(net: Net, clock: Clock, variant: Variant, peers: readonly PeerId[]): Net {
  const own = <P extends { readonly id: string }>(protocol: P): P => ({
    ...protocol,
    id: protocol.id.replace(/\/([^/]+)$/, `-${variant.name}/$1`)
  })
  return {
    ...net,
    channel: (protocol, handler) => {
      if (variant.binding === 'streams' || protocol.id !== QUORUM_PROTOCOL.id)
        return net.channel(own(protocol), handler)
      const topic = `bench-${variant.name}`
      return new GossipBinding({ net, clock, topic, peers, direct: variant.binding === 'gossip-direct', handler })
    },
    serve: (protocol, answer) => net.serve(own(protocol), answer),
    request: (peer, protocol: RequestProtocol, body, options) => net.request(peer, own(protocol), body, options)
  }
}
