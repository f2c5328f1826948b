import type { Channel, ChannelProtocol, Net, PeerId, Topic } from '@brume/ports'
import { replace } from '@brume/testkit'

/** What leaves a process and what reaches it. `to` is empty for gossip. */
export interface Tap {
  sent(to: PeerId, protocol: string, body: Uint8Array): void
  heard(from: PeerId, protocol: string, body: Uint8Array): void
}

/** The same network, except that the tap hears everything that passes. */
export function tapped(net: Net, tap: Tap): Net {
  return replace(net, {
    channel: (protocol, handler) => {
      const { id } = protocol
      const frame = (from: PeerId, body: Uint8Array): void => {
        tap.heard(from, id, body)
        handler.frame(from, body)
      }
      return tappedChannel(net.channel(protocol, replace(handler, { frame })), protocol, tap)
    },
    request: async (peer, protocol, body, options) => {
      tap.sent(peer, protocol.id, body)
      const answer = await net.request(peer, protocol, body, options)
      tap.heard(peer, protocol.id, answer)
      return answer
    },
    topic: (name, judge): Topic => {
      const topic = net.topic(name, (from, data) => {
        tap.heard(from, name, data)
        return judge(from, data)
      })
      return replace(topic, {
        publish: (data, options) => {
          tap.sent('', name, data)
          return topic.publish(data, options)
        }
      })
    }
  })
}

function tappedChannel(channel: Channel, { id }: ChannelProtocol, tap: Tap): Channel {
  return replace(channel, {
    send: (peer, body) => {
      const result = channel.send(peer, body)
      if (result === 'queued') tap.sent(peer, id, body)
      return result
    }
  })
}
