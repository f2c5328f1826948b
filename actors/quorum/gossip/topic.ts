import type { Net, PeerId, Topic, Verdict } from '@brume/ports'
import { type Gossip, gossipTopic, type Presence, readGossip } from '@brume/protocols/quorum'

export interface Hearing {
  evidence(from: PeerId, content: Uint8Array): Verdict
  frame(from: PeerId, message: Extract<Gossip, { type: 'frame' }>): Verdict
  presence(presence: Presence): Verdict
}

/** Joins a group's topic. What does not decode is its relayer's fault: it had to check before it relayed. */
export function joinTopic(net: Net, groupId: Uint8Array, hearing: Hearing): Topic {
  return net.topic(gossipTopic(groupId), (from, data) => {
    const message = read(groupId, data)
    if (message === null) return 'reject'
    if (message.type === 'evidence') return hearing.evidence(from, message.content)
    return message.type === 'frame' ? hearing.frame(from, message) : hearing.presence(message.presence)
  })
}

function read(groupId: Uint8Array, data: Uint8Array): Gossip | null {
  try {
    return readGossip(groupId, data)
  } catch {
    return null
  }
}
