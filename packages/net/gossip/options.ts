import { hash } from 'node:crypto'
import type { Registry } from '@brume/observe'
import { type GossipsubOpts, type Message, StrictNoSign } from '@libp2p/gossipsub'
import { defaultTopicScoreParams, type PeerScoreParams, type TopicScoreParams } from '@libp2p/gossipsub/score'
import { SubnetSet } from '../addresses/subnets.ts'
import type { Profile } from '../host/profiles.ts'
import { metricsRegister } from './metrics-register.ts'

/** Largest payload of one message: more travels by digest and a stream. */
export const PUBLISH_BYTES_MAX = 32_768

const MESSAGE_ID_BYTES = 20

/**
 * Score of a topic. Without an entry gossipsub counts nothing, and `reject` is free for the sender
 * (libp2p.md 3). One invalid message costs 20, two 80, and decay forgives in about 40 s.
 */
export const SCORE_OF_A_TOPIC: TopicScoreParams = {
  ...defaultTopicScoreParams,
  topicWeight: 1,
  timeInMeshWeight: 0.01,
  timeInMeshQuantum: 1_000,
  timeInMeshCap: 300,
  firstMessageDeliveriesWeight: 0,
  meshMessageDeliveriesWeight: 0,
  meshFailurePenaltyWeight: 0,
  invalidMessageDeliveriesWeight: -20,
  invalidMessageDeliveriesDecay: 0.97
}

/** First 20 bytes of SHA-256(topic length u8 | topic | data); synchronous, and collision-free by design. */
export function messageId({ topic, data }: Pick<Message, 'topic' | 'data'>): Uint8Array {
  const name = Buffer.from(topic, 'utf8')
  const digest = hash('sha256', Buffer.concat([Uint8Array.of(name.length), name, data]), 'buffer')
  return digest.subarray(0, MESSAGE_ID_BYTES)
}

function messageIdText(id: Uint8Array): string {
  return Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString('latin1')
}

function scoreParams(profile: Profile, topics: readonly string[], isBanned: (peer: string) => boolean) {
  return {
    topics: Object.fromEntries(topics.map((topic) => [topic, SCORE_OF_A_TOPIC])),
    topicScoreCap: 10,
    appSpecificScore: (peer) => (isBanned(peer) ? -100 : 0),
    appSpecificWeight: 1,
    IPColocationFactorWeight: -5,
    IPColocationFactorThreshold: 16,
    IPColocationFactorWhitelist: new SubnetSet(profile.colocationExempt),
    behaviourPenaltyWeight: -10,
    behaviourPenaltyThreshold: 6,
    behaviourPenaltyDecay: 0.8,
    decayInterval: 1_000,
    decayToZero: 0.1,
    retainScore: 600_000
  } satisfies Partial<PeerScoreParams>
}

/** What the settings depend on. */
interface GossipSettings {
  readonly profile: Profile
  readonly topics: readonly string[]
  readonly isBanned: (peer: string) => boolean
  readonly registry: Registry
  readonly topicLabels: Map<string, string>
}

/** Settings of gossipsub; each differs from the default for a reason given in libp2p.md 3 and 13. */
export function gossipOptions({
  profile,
  topics,
  isBanned,
  registry,
  topicLabels
}: GossipSettings): Partial<GossipsubOpts> {
  return {
    globalSignaturePolicy: StrictNoSign,
    fallbackToFloodsub: false,
    emitSelf: false,
    canRelayMessage: false,
    asyncValidation: false,
    doPX: false,
    directPeers: [],
    runOnLimitedConnection: false,
    tagMeshPeers: true,
    allowPublishToZeroTopicPeers: true,
    ignoreDuplicatePublishError: false,
    floodPublish: false,
    batchPublish: true,
    D: 6,
    Dlo: 4,
    Dhi: 12,
    Dscore: 4,
    Dout: 2,
    Dlazy: 6,
    gossipFactor: 0.25,
    heartbeatInterval: 700,
    mcacheLength: 6,
    mcacheGossip: 3,
    seenTTL: 120_000,
    metricsRegister: metricsRegister(registry),
    metricsTopicStrToLabel: topicLabels,
    msgIdFn: messageId,
    msgIdToStrFn: messageIdText,
    allowedTopics: new Set(topics),
    maxTopicBytesPerPeer: 65_536,
    // An answer to IWANT is one frame; one over the limit silently ends reading from that peer.
    maxInboundDataLength: 4_194_304,
    maxOutboundBufferSize: 1_048_576,
    maxInboundStreams: 4,
    maxOutboundStreams: 4,
    decodeRpcLimits: {
      maxSubscriptions: 128,
      maxMessages: 5_000,
      maxIhaveMessageIDs: 5_000,
      maxIwantMessageIDs: 5_000,
      maxControlMessages: 128,
      maxIdontwantMessageIDs: 512,
      maxPeerInfos: 16
    },
    scoreParams: scoreParams(profile, topics, isBanned),
    scoreThresholds: {
      gossipThreshold: -10,
      publishThreshold: -50,
      graylistThreshold: -80,
      acceptPXThreshold: 1_000,
      opportunisticGraftThreshold: 5
    }
  }
}
