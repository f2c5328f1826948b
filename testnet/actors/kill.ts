import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { SimRandom, seedFromHex } from '@brume/testkit'
import type { EventLine } from '../runner/event-line.ts'
import { verdict } from '../scenario/checks/check.ts'
import type { Judged } from '../scenario/checks/index.ts'
import { POINTS, type Point } from './crash-points.ts'
import { poll } from './forked.ts'
import type { Lists } from './pair-main.ts'
import { Place } from './place.ts'

/** Numbers that are asked for in each life: some batches' worth. */
const EVENTS_PER_LIFE = 5
/** A point may come so often in a life of that length. */
const TIMES_MAX = 2
/** A process that has not come to its point by then will not, and is killed where it is. */
const POINT_WITHIN_MS = 5_000
const LEVEL_WITHIN_MS = 120_000
const LEVEL_POLL_MS = 50
/** Of so many each point has its share, or the draw is wrong. */
const KILLS_FOR_EACH = 40
/** Whatever would come twice has come by then. */
const QUIET_MS = 1_000

export interface KillOptions {
  readonly kills: number
  /** 32 hex digits that draw who is killed and where. */
  readonly seed: string
  /** For data directories. */
  readonly folder: string
  readonly events: EventLine
  readonly aborted: AbortSignal
}

/** What two peers had in the end, and what they were told and had said on the way. */
export interface KillOutcome {
  /** Numbers up to this one, without it, were acknowledged to the client. */
  readonly acknowledged: number
  readonly source: Lists
  readonly sink: Lists
  /** Ids under which the custom action was carried out, by number. */
  readonly mails: ReadonlyMap<number, ReadonlySet<string>>
  readonly kills: number
  /** Where processes ended themselves; the others did not come to their point and were killed from outside. */
  readonly hits: ReadonlyMap<Point, number>
  readonly areLeft: boolean
}

/**
 * Two peers with a durable pair of actors, a process and a disk each. In turns one of them ends itself with SIGKILL at a
 * point that is drawn, and comes back; its client asks again for all that was not acknowledged.
 */
export async function killPair(options: KillOptions): Promise<KillOutcome> {
  const pair = new Pair(options)
  try {
    return await pair.run()
  } finally {
    await pair.end()
  }
}

class Pair {
  readonly #options: KillOptions
  readonly #random: SimRandom
  readonly #network = `pair-${randomBytes(8).toString('hex')}`
  readonly #mails = new Map<number, Set<string>>()
  readonly #hits = new Map<Point, number>()
  readonly #places: Place[] = []
  #next = 0
  #kills = 0

  constructor(options: KillOptions) {
    this.#options = options
    this.#random = new SimRandom(seedFromHex(options.seed), 'kills')
  }

  async run(): Promise<KillOutcome> {
    const { kills, aborted } = this.#options
    const sink = this.#place('sink', '')
    let { id, addresses } = await sink.start()
    const source = this.#place('source', `brume://${id}/sink`)
    await source.start()
    while (this.#kills < kills) {
      aborted.throwIfAborted()
      await source.dial(addresses)
      const victim = this.#random.below(2) === 0 ? source : sink
      await this.#killAtPoint(victim, source)
      const { addresses: reborn } = await victim.start()
      if (victim === sink) addresses = reborn
    }
    await source.dial(addresses)
    const last = this.#next + EVENTS_PER_LIFE - 1
    for (let k = this.#next; k <= last; k++) source.say({ go: k })
    await source.acknowledged(last)
    const lists = await this.#level(source, sink)
    await this.end()
    const areLeft = this.#places.some(({ isUp }) => isUp)
    return { ...lists, acknowledged: last + 1, mails: this.#mails, kills: this.#kills, hits: this.#hits, areLeft }
  }

  async end(): Promise<void> {
    await Promise.all(this.#places.map((place) => place.kill()))
  }

  #place(name: string, to: string): Place {
    const mailed = (id: string, k: number) => void this.#mails.set(k, (this.#mails.get(k) ?? new Set()).add(id))
    const dataDir = join(this.#options.folder, name)
    const place = new Place({ name, dataDir, network: this.#network, to, mailed })
    this.#places.push(place)
    return place
  }

  async #killAtPoint(victim: Place, source: Place): Promise<void> {
    const at = POINTS[this.#random.below(POINTS.length)] ?? 'before batch'
    const times = 1 + this.#random.below(TIMES_MAX)
    victim.say({ die: { at, times } })
    const first = this.#next
    for (let n = 0; n < EVENTS_PER_LIFE; n++) source.say({ go: first + n })
    const cameToIt = await victim.ended(POINT_WITHIN_MS)
    if (cameToIt) this.#hits.set(at, (this.#hits.get(at) ?? 0) + 1)
    else await victim.kill()
    // What is acknowledged in order is not asked for again; the rest is, under the keys that it had.
    while (source.hasAcknowledged(this.#next)) this.#next += 1
    this.#kills += 1
    const where = cameToIt ? `${at}, time ${times}` : 'at rest'
    this.#options.events.emit('actor.killed', victim.name, { number: this.#kills, where, acknowledged: this.#next })
  }

  /** Both with all that comes of what the source went through, and nothing on its way any more. */
  async #level(source: Place, sink: Place): Promise<Pick<KillOutcome, 'source' | 'sink'>> {
    let lists = { source: await source.read(), sink: await sink.read() }
    for (const endMs = performance.now() + LEVEL_WITHIN_MS; performance.now() < endMs; await sleep(LEVEL_POLL_MS)) {
      const { went = [], looked = [], ponged = [] } = lists.source
      const isThere = [looked, ponged, lists.sink.added ?? []].every(({ length }) => length >= went.length)
      if (isThere && this.#mails.size >= went.length) break
      lists = { source: await source.read(), sink: await sink.read() }
    }
    await poll(QUIET_MS, () => undefined)
    return { source: await source.read(), sink: await sink.read() }
  }
}

/** What is promised, and whether it was kept. */
export function judgeKills(outcome: KillOutcome): readonly Judged[] {
  const { acknowledged, source, sink, mails, kills, hits, areLeft } = outcome
  const { went = [], looked = [], ponged = [] } = source
  const { added = [] } = sink
  const all = Array.from({ length: Math.max(acknowledged, went.length) }, (_, k) => k)
  const lost = all.filter((k) => k < acknowledged && !went.includes(k)).length
  const odd = [...mails.values()].filter((ids) => ids.size !== 1).length
  const tally = POINTS.map((point) => `${point} ${hits.get(point) ?? 0}`).join(', ')
  const isSpread = kills < KILLS_FOR_EACH || POINTS.every((point) => hits.has(point))
  const found = (list: readonly number[], what: string): string =>
    `${list.length} ${what}, ${list.length - new Set(list).size} of them twice`
  return [
    judged('killed', isSpread, `${kills} times with kill -9: ${tally}`),
    judged('acknowledged-kept', lost === 0, `${acknowledged} events acknowledged, ${lost} lost`),
    judged('events-once', isDeepStrictEqual(sorted(went), all), found(went, 'events processed')),
    judged('sends-once', isDeepStrictEqual(added, went), `${found(added, 'sends arrived')}, in order`),
    judged('answers-once', isDeepStrictEqual(ponged, went), `${found(ponged, 'answers to them')}, in order`),
    judged('effects-once', isDeepStrictEqual(sorted(looked), all), found(looked, 'results of effects entered')),
    judged('effect-ids', odd === 0 && mails.size === all.length, `${mails.size} custom actions, ${odd} under two ids`),
    judged('no-orphans', !areLeft, areLeft ? 'a process is left' : 'every process of the run has ended')
  ]
}

const judged = (check: string, ok: boolean, sentence: string): Judged => ({ check, ...verdict(ok, sentence) })
const sorted = (list: readonly number[]): readonly number[] => list.toSorted((a, b) => a - b)
