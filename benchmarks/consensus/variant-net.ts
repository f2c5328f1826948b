import type { Net, RequestProtocol } from '@brume/ports'
import type { Variant } from './plan.ts'

/**
 * The network as one variant sees it: its own protocols, so that several quorums share the connections of one node.
 * Topics are apart by themselves, each variant is a group of its own.
 */
export function variantNet(net: Net, variant: Variant): Net {
  const own = <P extends { readonly id: string }>(protocol: P): P => ({
    ...protocol,
    id: protocol.id.replace(/\/([^/]+)$/, `-${variant.name}/$1`)
  })
  return {
    ...net,
    channel: (protocol, handler) => net.channel(own(protocol), handler),
    serve: (protocol, answer) => net.serve(own(protocol), answer),
    request: (peer, protocol: RequestProtocol, body, options) => net.request(peer, own(protocol), body, options)
  }
}
