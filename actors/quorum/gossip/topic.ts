import type { Net, PeerId, Topic, Verdict } from '@brume/ports'
import { gossipTopic, readGossip } from '@brume/protocols/quorum'

/** Joins a group's topic. What does not decode is its relayer's fault: it had to check before it relayed. */
export function joinTopic(
  net: Net,
  groupId: Uint8Array,
  on: { readonly evidence: (from: PeerId, content: Uint8Array) => Verdict }
): Topic {
  return net.topic(gossipTopic(groupId), (from, data) => {
    try {
      const message = readGossip(groupId, data)
      return message.type === 'evidence' ? on.evidence(from, message.content) : 'ignore'
    } catch {
      return 'reject'
    }
  })
}
