import type { PeerId } from '@brume/ports'
import type { Host } from '../host/libp2p.ts'
import { tellSubscriptions } from './inside.ts'

/**
 * gossipsub says what it subscribes to once, and forgets what it hears of a topic that it does not know yet: whoever opens
 * a topic late would never learn who has it already. So whoever has it answers a peer that comes to it, once a connection.
 *
 * @param has - is this a topic that is open here?
 */
export function answerComers(host: Host, has: (topic: string) => boolean): void {
  const { pubsub } = host.services
  const answered = new Map<PeerId, Set<string>>()
  // It may be another process, which has heard nothing.
  host.addEventListener('connection:open', ({ detail }) => answered.delete(detail.remotePeer.toString()))
  host.addEventListener('peer:disconnect', ({ detail }) => answered.delete(detail.toString()))
  pubsub.addEventListener('subscription-change', ({ detail: { peerId, subscriptions } }) => {
    const peer = peerId.toString()
    const before = answered.get(peer) ?? new Set()
    const gone = subscriptions.filter(({ subscribe }) => !subscribe)
    for (const { topic } of gone) before.delete(topic)
    const come = subscriptions.filter(({ topic, subscribe }) => subscribe && has(topic) && !before.has(topic))
    if (come.length === 0) return
    const topics = come.map(({ topic }) => topic)
    answered.set(peer, new Set([...before, ...topics]))
    tellSubscriptions(pubsub, peer, topics)
  })
}
