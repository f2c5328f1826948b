import type { TopicScoreParams } from '@libp2p/gossipsub/score'
import { SCORE_OF_A_TOPIC } from './options.ts'
import type { Pubsub } from './pubsub.ts'

/** The two private copies gossipsub made of its options; `facts.test.ts` pins that they are there. */
interface GossipSubInside {
  readonly allowedTopics: Set<string>
  readonly score: { readonly params: { readonly topics: Record<string, TopicScoreParams> } }
}

/**
 * Admits a topic that was not known when the node was built: gossipsub copies its allow-list and its
 * score parameters then, and offers no way to add to either. The one place that touches them.
 */
export function addTopic(pubsub: Pubsub, topic: string): void {
  const inside = pubsub as unknown as GossipSubInside
  inside.allowedTopics.add(topic)
  inside.score.params.topics[topic] ??= SCORE_OF_A_TOPIC
}
