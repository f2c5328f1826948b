import type { Json } from '../logic/port.ts'
import {
  current,
  fill,
  NOTHING_PASSED,
  type Passed,
  type PassedField,
  passedField,
  passOver,
  readPassed
} from './gaps.ts'
import type { Shown } from './port.ts'

/** As of any durable actor's sends. What is remembered of a group is forgotten once all that it covers is too old. */
const SEND_TTL_MS = 86_400_000

/** Groups go by their leaders' clocks, which honest members let run ahead by 10 s. */
const AHEAD_MAX_MS = 60_000

/**
 * How long a send that others have overtaken is waited for: whoever brings one tries again within 45 s. It is not lost
 * then: it is taken when it comes, though late.
 */
const MISSING_WITHIN_MS = 120_000

/** Nothing of a group came for so long: this group, or the way to it, was away, and nobody could bring anything. */
const AWAY_AFTER_MS = 60_000

/** Groups that have sent something within a day: what is remembered of one is never given up for another's. */
const SOURCES_MAX = 512

/** What was taken of one group that sends here. */
export interface Source {
  /** Of the last send; 0: only waited for. */
  readonly seq: number
  /** The sending group's time, ms since 1970: of that send, or a later one. */
  readonly timeMs: number
  /** Own group time since when a send before the ones that came is missing; 0: none is. */
  readonly missingSinceMs: number
  /** Own group time when one came that had to wait. */
  readonly waitedMs: number
  readonly passed: Passed
}

/** By address of the group's actor, without incarnation. */
export type Sources = ReadonlyMap<string, Source>

/**
 * Why a send is not given to the machine: for good, or, the last three, for now. `forgotten`: whether it was taken is
 * known no more, for more gaps came after it than are remembered.
 */
export type Unreceived = 'duplicate' | 'expired' | 'forgotten' | 'missing' | 'early' | 'crowded'

interface Received {
  readonly sources: Sources
  readonly unreceived: Unreceived | null
}

const UNKNOWN: Source = { seq: 0, timeMs: 0, missingSinceMs: 0, waitedMs: 0, passed: NOTHING_PASSED }

/**
 * Each send of a group once, whoever brings it and however often, and in order, but for those that did not come in time:
 * those of a sender have numbers that rise, and each names the one before. Deterministic in what was ordered.
 *
 * @param nowMs - own group time
 */
export function receive(sources: Sources, shown: Shown, nowMs: number): Received {
  const { from, seq, timeMs } = shown
  const refused = (unreceived: Unreceived): Received => ({ sources, unreceived })
  if (timeMs + SEND_TTL_MS < nowMs) return refused('expired')
  if (timeMs > nowMs + AHEAD_MAX_MS) return refused('early')
  const isKnown = sources.has(from)
  const source = sources.get(from) ?? UNKNOWN
  const kept = isKnown ? sources : living(sources, nowMs)
  if (!isKnown && kept.size >= SOURCES_MAX) return refused('crowded')
  const taken = seq <= source.seq ? late(source, shown) : next(source, shown, nowMs)
  if (typeof taken === 'string') return refused(taken)
  return { sources: new Map(kept).set(from, taken.source), unreceived: taken.unreceived }
}

type Taken = { readonly source: Source; readonly unreceived: 'missing' | null }

function next(source: Source, { seq, prev, timeMs }: Shown, nowMs: number): Taken {
  const latestMs = Math.max(timeMs, source.timeMs)
  // One that names none before it may have forgotten it: what lies between is not waited for, and taken all the same.
  if (prev > source.seq) {
    const isWaited = source.missingSinceMs > 0 && nowMs - source.waitedMs <= AWAY_AFTER_MS
    const missingSinceMs = isWaited ? source.missingSinceMs : nowMs
    if (nowMs - missingSinceMs < MISSING_WITHIN_MS) {
      return { source: { ...source, timeMs: latestMs, missingSinceMs, waitedMs: nowMs }, unreceived: 'missing' }
    }
  }
  // Those in between were sent before this one, and are expired when it is.
  const gap = { after: source.seq, upTo: prev === 0 ? seq - 1 : prev, untilMs: timeMs + SEND_TTL_MS }
  const passed = passOver(current(source.passed, nowMs), gap)
  return { source: { seq, timeMs: latestMs, missingSinceMs: 0, waitedMs: 0, passed }, unreceived: null }
}

function late(source: Source, shown: Shown): Taken | 'duplicate' | 'forgotten' {
  const passed = fill(source.passed, shown)
  if (passed !== null) return { source: { ...source, passed }, unreceived: null }
  return shown.seq <= source.passed.givenUpTo ? 'forgotten' : 'duplicate'
}

/** Whatever those that go have sent is expired by now. */
function living(sources: Sources, nowMs: number): Sources {
  return new Map([...sources].filter(([, { timeMs }]) => timeMs + SEND_TTL_MS >= nowMs))
}

/** `[[from, seq, timeMs, missingSinceMs, waitedMs, passed]]`. */
export function sourcesField(sources: Sources): Json {
  return [...sources].map(([from, { seq, timeMs, missingSinceMs, waitedMs, passed }]) => [
    ...[from, seq, timeMs, missingSinceMs, waitedMs],
    passedField(passed) as unknown as Json
  ])
}

export function readSources(field: Json): Sources {
  const rows = field as unknown as readonly (readonly [string, number, number, number, number?, PassedField?])[]
  return new Map(
    // Machines of `rt2` that go on here remembered neither.
    rows.map(([from, seq, timeMs, missingSinceMs, waitedMs = 0, passed = [0, []]]) => [
      from,
      { seq, timeMs, missingSinceMs, waitedMs, passed: readPassed(passed) }
    ])
  )
}
