import type { NetNode } from '@brume/net'
import type { PeerId } from '@brume/ports'
import type { SimNet } from '@brume/testkit'

/** A peer of a simulated network, which is there from now until it is stopped. */
export function nodeOf(net: SimNet, peer: PeerId): NetNode {
  const node = net.start(peer)
  return {
    self: peer,
    start: async () => undefined,
    stop: async () => net.stop(peer),
    addresses: () => node.addresses(),
    links: () => node.links(),
    onLink: (listener) => node.onLink(listener),
    want: (peers) => node.want(peers),
    drop: (other, options) => node.drop(other, options),
    channel: (protocol, handler) => node.channel(protocol, handler),
    serve: (protocol, answer) => node.serve(protocol, answer),
    request: (other, protocol, body, options) => node.request(other, protocol, body, options),
    topic: (name, judge) => node.topic(name, judge)
  }
}
