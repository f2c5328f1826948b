import type { PeerId } from '@brume/ports'
import type { TopicScoreParams } from '@libp2p/gossipsub/score'
import { SCORE_OF_A_TOPIC } from './options.ts'
import type { Pubsub } from './pubsub.ts'

/** What gossipsub keeps to itself; `facts.test.ts` pins that it is there. The one place that touches it. */
interface GossipSubInside {
  readonly allowedTopics: Set<string>
  readonly score: { readonly params: { readonly topics: Record<string, TopicScoreParams> } }
  sendSubscriptions(peer: string, topics: readonly string[], subscribe: boolean): void
}

function insideOf(pubsub: Pubsub): GossipSubInside {
  return pubsub as unknown as GossipSubInside
}

/**
 * Admits a topic that was not known when the node was built: gossipsub copies its allow-list and its
 * score parameters then, and offers no way to add to either.
 */
export function addTopic(pubsub: Pubsub, topic: string): void {
  const { allowedTopics, score } = insideOf(pubsub)
  allowedTopics.add(topic)
  score.params.topics[topic] ??= SCORE_OF_A_TOPIC
}

/** Tells one connected peer that this one is subscribed to these topics. */
export function tellSubscriptions(pubsub: Pubsub, peer: PeerId, topics: readonly string[]): void {
  insideOf(pubsub).sendSubscriptions(peer, topics, true)
}
