import type { Channel, ChannelHandler, ChannelProtocol, Net, PeerId, SendResult } from '@brume/ports'
import { replace } from '@brume/testkit'

/** What stands between one channel of the network and its user. */
export interface Between {
  /** A frame that arrived; `pass` hands it on, as it is or changed, or not at all. */
  frame?(from: PeerId, body: Uint8Array, pass: (body: Uint8Array) => void): void
  /** A frame that is to leave. */
  send?(to: PeerId, body: Uint8Array, pass: (body: Uint8Array) => SendResult): SendResult
}

/** The same network, except that frames of one channel go through `between`. */
export function interpose<N extends Net>(net: N, protocolId: string, between: Between): N {
  const channel = (protocol: ChannelProtocol, handler: ChannelHandler): Channel => {
    if (protocol.id !== protocolId) return net.channel(protocol, handler)
    return outgoing(net.channel(protocol, incoming(handler, between)), between)
  }
  return replace<N>(net, { channel } as Partial<N>)
}

/** What of a topic's messages goes through. */
export interface Muffle {
  mayLeave(data: Uint8Array): boolean
  mayArrive(data: Uint8Array): boolean
}

/** The same network, except that of topics under names with this prefix only what `muffle` allows goes either way. */
export function muffled<N extends Net>(net: N, prefix: string, { mayLeave, mayArrive }: Muffle): N {
  const topic: Net['topic'] = (name, judge) => {
    if (!name.startsWith(prefix)) return net.topic(name, judge)
    const opened = net.topic(name, (from, data) => (mayArrive(data) ? judge(from, data) : 'ignore'))
    const nobody = Promise.resolve({ recipients: 0 })
    return replace(opened, {
      publish: (data, options) => (mayLeave(data) ? opened.publish(data, options) : nobody)
    })
  }
  return replace<N>(net, { topic } as Partial<N>)
}

function incoming(handler: ChannelHandler, between: Between): ChannelHandler {
  const pass = handler.frame.bind(handler)
  const { frame } = between
  if (frame === undefined) return handler
  return replace(handler, { frame: (from, body) => frame(from, body, (passed) => pass(from, passed)) })
}

function outgoing(channel: Channel, between: Between): Channel {
  const { send } = between
  if (send === undefined) return channel
  return replace(channel, { send: (to, body) => send(to, body, (passed) => channel.send(to, passed)) })
}
