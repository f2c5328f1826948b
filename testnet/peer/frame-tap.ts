import { createWriteStream } from 'node:fs'
import type { Channel, ChannelHandler, ChannelProtocol, Net } from '@brume/ports'

/** Streams on which members of a group talk (quorum.md 7). */
const QUORUM_PROTOCOL = '/brume/quorum/1.0.0'
/** Frame types that carry votes: Votes, Propose. */
const VOTE_FRAMES: readonly number[] = [1, 2]

/** One line of a votes file: what arrived, untouched, so that the checker decodes it by its own code. */
export interface TappedFrame {
  readonly from: string
  /** Base64 of the frame's body. */
  readonly frame: string
}

/** The same network, except that `seen` gets to know every quorum frame that carries votes before its handler does. */
export function tapNet<N extends Net>(net: N, seen: (frame: TappedFrame) => void): N {
  const channel = (protocol: ChannelProtocol, handler: ChannelHandler): Channel => {
    if (protocol.id !== QUORUM_PROTOCOL) return net.channel(protocol, handler)
    return net.channel(protocol, {
      ...bound(handler),
      frame(from, body) {
        if (VOTE_FRAMES.includes(body[0] ?? 0)) seen({ from, frame: Buffer.from(body).toString('base64') })
        handler.frame(from, body)
      }
    })
  }
  return new Proxy(net, {
    get(target, name) {
      if (name === 'channel') return channel
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    }
  })
}

function bound(handler: ChannelHandler): Pick<ChannelHandler, 'flush' | 'opened' | 'closed'> {
  return {
    flush: () => handler.flush?.(),
    opened: (peer) => handler.opened?.(peer),
    closed: (peer) => handler.closed?.(peer)
  }
}

/** Appends each frame to a JSONL file; a restarted peer goes on in the same one. */
export function frameFile(path: string): (frame: TappedFrame) => void {
  const file = createWriteStream(path, { flags: 'a', mode: 0o600 })
  return (frame) => file.write(`${JSON.stringify(frame)}\n`)
}
