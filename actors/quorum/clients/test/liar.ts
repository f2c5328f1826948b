import type { Net } from '@brume/ports'
import { CLIENT_PROTOCOL } from '@brume/protocols/quorum'
import { replace, type SimRandom } from '@brume/testkit'
import { ClientLiar } from '../../testing/client-liar.ts'

/** The network of a member that lies to clients, and to nobody else. */
export function lyingNet(net: Net, random: SimRandom): Net {
  const liar = new ClientLiar(random)
  return replace(net, {
    channel: (protocol, handler) => {
      const channel = net.channel(protocol, handler)
      if (protocol.id !== CLIENT_PROTOCOL.id) return channel
      return replace(channel, { send: (peer, body) => channel.send(peer, liar.bend(body)) })
    }
  })
}
