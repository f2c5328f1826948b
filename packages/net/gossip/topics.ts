import type { Clock, Log, PeerId, Topic, Verdict } from '@brume/ports'
import { TopicValidatorResult } from '@libp2p/gossipsub'
import { NetError } from '../errors.ts'
import type { Host } from '../host/libp2p.ts'
import type { NetMetrics } from '../metrics.ts'
import { answerComers } from './answers.ts'
import { addTopic } from './inside.ts'
import { PUBLISH_BYTES_MAX } from './options.ts'
import type { Pubsub } from './pubsub.ts'

/** 64 groups and the fixed topics: gossipsub keeps per-topic state for every peer. */
const TOPICS_MAX = 96
/** Flooding is for short urgent messages to few: it costs one copy per subscriber. */
const FLOOD_BYTES_MAX = 1_024
const FLOOD_SUBSCRIBERS_MAX = 100
/** A judge slower than this delays every other message of the node. */
const JUDGE_MS_MAX = 5

const VERDICTS: Record<Verdict, TopicValidatorResult> = {
  accept: TopicValidatorResult.Accept,
  ignore: TopicValidatorResult.Ignore,
  reject: TopicValidatorResult.Reject
}

/** A whole topic name: `brume/<name>/<hex of a network or group>`. */
const WHOLE_NAME = /^brume\/[a-z0-9-]+\/[0-9a-f]{8,64}$/

/** `membership` becomes `brume/membership/<net8>`; a name that ends in a network's or group's hex stays. */
export function topicName(name: string, net8: string): string {
  if (WHOLE_NAME.test(name)) return name
  return `brume/${name.replace(/^brume\//, '')}/${net8}`
}

/** The label of a topic in metrics: without the network or group, so that labels stay few. */
function topicLabel(topic: string): string {
  return topic.split('/')[1] ?? 'other'
}

interface TopicsOptions {
  readonly host: Host
  readonly net8: string
  /** Topic to metrics label, shared with gossipsub's own metrics. */
  readonly labels: Map<string, string>
  readonly clock: Clock
  readonly log: Log
  readonly metrics: NetMetrics
}

type Judge = (from: PeerId, data: Uint8Array) => Verdict

/** The topics this peer takes part in. Topics may be added before the node starts and at any time after. */
export class Topics {
  readonly #options: TopicsOptions
  readonly #open = new Set<string>()
  readonly #known = new Set<string>()

  constructor(options: TopicsOptions) {
    this.#options = options
    answerComers(options.host, (topic) => this.#open.has(topic))
  }

  get #pubsub(): Pubsub {
    return this.#options.host.services.pubsub
  }

  /** gossipsub subscribes only once it runs. */
  started(): void {
    for (const topic of this.#open) this.#pubsub.subscribe(topic)
  }

  open(name: string, judge: Judge): Topic {
    const topic = topicName(name, this.#options.net8)
    this.#admit(topic)
    const pubsub = this.#pubsub
    pubsub.topicValidators.set(
      topic,
      (from, message) => VERDICTS[this.#judge(topic, judge, from.toString(), message.data)]
    )
    this.#open.add(topic)
    if (pubsub.isStarted()) pubsub.subscribe(topic)
    return {
      publish: (data, options) => this.#publish(topic, data, options?.flood ?? false),
      subscribers: () => pubsub.getSubscribers(topic).map(String),
      leave: () => this.#leave(topic)
    }
  }

  /** Subscribers in the mesh, by label, for the metrics. */
  *meshSizes(): Iterable<readonly [label: string, peers: number]> {
    for (const topic of this.#open) yield [topicLabel(topic), this.#pubsub.getMeshPeers(topic).length]
  }

  #admit(topic: string): void {
    if (this.#open.has(topic)) {
      throw new NetError(
        'BRUME_NET_TOO_MANY_TOPICS',
        `topic ${topic} is open already: leave it before opening it again`
      )
    }
    if (!this.#known.has(topic) && this.#known.size >= TOPICS_MAX) {
      throw new NetError(
        'BRUME_NET_TOO_MANY_TOPICS',
        `this peer has had ${TOPICS_MAX} topics since it started: restart it, or join fewer groups`
      )
    }
    this.#known.add(topic)
    this.#options.labels.set(topic, topicLabel(topic))
    addTopic(this.#pubsub, topic)
  }

  #judge(topic: string, judge: Judge, from: PeerId, data: Uint8Array): Verdict {
    const { clock, metrics, log } = this.#options
    const label = topicLabel(topic)
    const startMs = clock.now()
    const verdict = data.length > PUBLISH_BYTES_MAX ? 'reject' : this.#ask(label, judge, from, data)
    const tookMs = clock.now() - startMs
    metrics.validateSeconds.observe(tookMs / 1_000)
    metrics.validate.inc({ topic: label, verdict })
    if (tookMs > 10 * JUDGE_MS_MAX) log.warn({ topic: label, tookMs }, 'judging a gossip message blocked the loop')
    return verdict
  }

  /** A judge that throws is our own fault: the sender is not blamed for it. */
  #ask(label: string, judge: Judge, from: PeerId, data: Uint8Array): Verdict {
    try {
      return judge(from, data)
    } catch (cause) {
      this.#options.log.error({ topic: label, cause }, 'a gossip judge threw: message ignored')
      return 'ignore'
    }
  }

  async #publish(topic: string, data: Uint8Array, flood: boolean): Promise<{ recipients: number }> {
    const { metrics } = this.#options
    const pubsub = this.#pubsub
    if (data.length > PUBLISH_BYTES_MAX) {
      throw new NetError(
        'BRUME_NET_FRAME_TOO_LARGE',
        `a gossip message has at most ${PUBLISH_BYTES_MAX} bytes, not ${data.length}: publish its digest and serve the rest`
      )
    }
    const label = topicLabel(topic)
    if (!pubsub.isStarted()) return { recipients: 0 }
    const flooding =
      flood && data.length <= FLOOD_BYTES_MAX && pubsub.getSubscribers(topic).length <= FLOOD_SUBSCRIBERS_MAX
    try {
      const { recipients } = await pubsub.publish(topic, data, { floodPublish: flooding })
      metrics.publish.inc({ topic: label, result: recipients.length === 0 ? 'nobody' : 'sent' })
      return { recipients: recipients.length }
    } catch (cause) {
      return this.#publishFailed(label, cause)
    }
  }

  #publishFailed(label: string, cause: unknown): { recipients: number } {
    const duplicate = cause instanceof Error && cause.message === 'PublishError.Duplicate'
    this.#options.metrics.publish.inc({ topic: label, result: duplicate ? 'duplicate' : 'failed' })
    if (!duplicate) this.#options.log.warn({ topic: label, cause }, 'a gossip message could not be published')
    return { recipients: 0 }
  }

  #leave(topic: string): void {
    if (!this.#open.delete(topic)) return
    const pubsub = this.#pubsub
    // The topic stays allowed; without a judge its messages would be relayed unseen.
    pubsub.topicValidators.set(topic, () => TopicValidatorResult.Ignore)
    if (pubsub.isStarted()) pubsub.unsubscribe(topic)
  }
}
