import type { Json } from '../logic/port.ts'
import type { Shown } from './port.ts'

/** As of any durable actor's sends. What is remembered of a group is forgotten once all that it covers is too old. */
const SEND_TTL_MS = 86_400_000

/** Groups go by their leaders' clocks, which honest members let run ahead by 10 s. */
const AHEAD_MAX_MS = 60_000

/** How long a send that others have overtaken is waited for: those that bring it have had their turns by then. */
const MISSING_WITHIN_MS = 60_000

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
}

/** By address of the group's actor, without incarnation. */
export type Sources = ReadonlyMap<string, Source>

/** Why a send is not given to the machine: for good, or, the last three, for now. */
export type Unreceived = 'duplicate' | 'expired' | 'missing' | 'early' | 'crowded'

/**
 * Each send of a group once and in order, whoever brings it and however often: those of a sender have numbers that rise,
 * and each names the one before. Deterministic in what was ordered.
 *
 * @param nowMs - own group time
 */
export function receive(
  sources: Sources,
  { from, seq, prev, timeMs }: Shown,
  nowMs: number
): { readonly sources: Sources; readonly unreceived: Unreceived | null } {
  const refused = (unreceived: Unreceived) => ({ sources, unreceived })
  if (timeMs + SEND_TTL_MS < nowMs) return refused('expired')
  if (timeMs > nowMs + AHEAD_MAX_MS) return refused('early')
  const known = sources.get(from)
  if (known !== undefined && seq <= known.seq) return refused('duplicate')
  const kept = known === undefined ? living(sources, nowMs) : sources
  if (known === undefined && kept.size >= SOURCES_MAX) return refused('crowded')
  const latestMs = Math.max(timeMs, known?.timeMs ?? 0)
  const missingSinceMs = known?.missingSinceMs || nowMs
  if (prev > (known?.seq ?? 0) && nowMs - missingSinceMs < MISSING_WITHIN_MS) {
    const waiting = { seq: known?.seq ?? 0, timeMs: latestMs, missingSinceMs }
    return { sources: known?.missingSinceMs ? sources : withSource(kept, from, waiting), unreceived: 'missing' }
  }
  return { sources: withSource(kept, from, { seq, timeMs: latestMs, missingSinceMs: 0 }), unreceived: null }
}

/** Whatever those that go have sent is expired by now. */
function living(sources: Sources, nowMs: number): Sources {
  return new Map([...sources].filter(([, { timeMs }]) => timeMs + SEND_TTL_MS >= nowMs))
}

function withSource(sources: Sources, from: string, source: Source): Sources {
  return new Map(sources).set(from, source)
}

/** `[[from, seq, timeMs, missingSinceMs]]`. */
export function sourcesField(sources: Sources): Json {
  return [...sources].map(([from, { seq, timeMs, missingSinceMs }]) => [from, seq, timeMs, missingSinceMs])
}

export function readSources(field: Json): Sources {
  const rows = field as readonly (readonly Json[])[]
  return new Map(
    rows.map(([from, seq, timeMs, missingSinceMs]) => [
      String(from),
      { seq: Number(seq), timeMs: Number(timeMs), missingSinceMs: Number(missingSinceMs) }
    ])
  )
}
