import type { BareReport, QuorumReport, Stamp, Stamps } from './plan.ts'

/** Latencies of one slice in ms, each at the slowest member. */
export interface SliceLatencies {
  readonly notarizedMs: readonly number[]
  readonly finalMs: readonly number[]
  /** Empty for the bare exchange, and where commands were not followed. */
  readonly submitFinalMs: readonly number[]
  /** Until the last member had the certificate of the block's statement; empty where nothing is attested. */
  readonly submitAttestedMs: readonly number[]
}

/**
 * From the moment something began until the last member knew the outcome. What some member never knew has no
 * latency and is left out: blocks of nullified views, above all.
 *
 * @param outcomes - by member
 */
export function slowest(begun: readonly Stamp[], outcomes: readonly (readonly Stamp[])[]): readonly number[] {
  const last = lastKnown(outcomes)
  return begun.flatMap(([key, ms]) => {
    const knownMs = last.get(key)
    return knownMs === undefined ? [] : [knownMs - ms]
  })
}

/** When the last member knew it, of all that every member knew. */
function lastKnown(outcomes: readonly (readonly Stamp[])[]): ReadonlyMap<string, number> {
  const [first = [], ...others] = outcomes
  let last = new Map(first)
  for (const outcome of others) {
    const both = new Map<string, number>()
    for (const [key, ms] of outcome) {
      const sofar = last.get(key)
      if (sofar !== undefined) both.set(key, Math.max(sofar, ms))
    }
    last = both
  }
  return last
}

export function latenciesOf(reports: readonly (BareReport | QuorumReport)[]): SliceLatencies {
  const all = (of: (stamps: Stamps) => readonly Stamp[]): readonly (readonly Stamp[])[] => reports.map(of)
  const begun = all(({ started }) => started).flat()
  const quorum = reports.filter((report) => report.kind === 'quorum')
  return {
    notarizedMs: slowest(
      begun,
      all(({ notarized }) => notarized)
    ),
    finalMs: slowest(
      begun,
      all(({ final }) => final)
    ),
    submitFinalMs: fromSubmit(quorum, ({ final }) => final),
    submitAttestedMs: fromSubmit(quorum, ({ attested }) => attested)
  }
}

/** @param outcomeOf - what a member learned of blocks, and when */
function fromSubmit(
  reports: readonly QuorumReport[],
  outcomeOf: (report: QuorumReport) => readonly Stamp[]
): readonly number[] {
  const submitted = reports.flatMap((report) => report.submitted)
  if (submitted.length === 0) return []
  const outcomes = reports.map((report) => {
    const times = new Map(outcomeOf(report))
    return report.contents.flatMap(([digest, ids]) => {
      const ms = times.get(digest)
      return ms === undefined ? [] : ids.map((id): Stamp => [id, ms])
    })
  })
  return slowest(submitted, outcomes)
}

/** Slices of one kind as if they had been one; each lists the members in the same order. */
export function joined(slices: readonly (readonly QuorumReport[])[]): readonly QuorumReport[] {
  const [first = [], ...others] = slices
  return others.reduce<readonly QuorumReport[]>(
    (sums, slice) => slice.flatMap((report, member) => add(sums[member] ?? report, report)),
    first
  )
}

function add(a: QuorumReport, b: QuorumReport): QuorumReport {
  return {
    kind: 'quorum',
    started: [...a.started, ...b.started],
    notarized: [...a.notarized, ...b.notarized],
    final: [...a.final, ...b.final],
    submitted: [...a.submitted, ...b.submitted],
    contents: [...a.contents, ...b.contents],
    attested: [...a.attested, ...b.attested],
    windowMs: a.windowMs + b.windowMs,
    views: a.views + b.views,
    commands: a.commands + b.commands,
    refused: a.refused + b.refused,
    nullified: a.nullified + b.nullified,
    rested: a.rested && b.rested,
    cpuMs: a.cpuMs + b.cpuMs,
    bytes: a.bytes + b.bytes,
    frames: a.frames + b.frames,
    verifies: a.verifies + b.verifies,
    loop: {
      p50: Math.max(a.loop.p50, b.loop.p50),
      p99: Math.max(a.loop.p99, b.loop.p99),
      max: Math.max(a.loop.max, b.loop.max)
    },
    syncMs: [...a.syncMs, ...b.syncMs],
    voteSyncMs: [...a.voteSyncMs, ...b.voteSyncMs]
  }
}

/** Of a slice under saturation, per second, or per view and member. */
export interface Load {
  /** At the member that knew the fewest. */
  readonly commandsPerS: number
  readonly viewsPerS: number
  readonly cpuMsPerViewMember: number
  readonly bytesPerViewMember: number
  readonly framesPerViewMember: number
  readonly verifiesPerViewMember: number
  readonly nullified: number
  readonly refused: number
}

export function loadOf(reports: readonly QuorumReport[]): Load {
  const sum = (of: (report: QuorumReport) => number): number => reports.reduce((total, one) => total + of(one), 0)
  const memberViews = Math.max(
    1,
    sum(({ views }) => views)
  )
  const seconds = sum(({ windowMs }) => windowMs) / Math.max(1, reports.length) / 1_000
  return {
    commandsPerS: Math.min(...reports.map(({ commands }) => commands)) / seconds,
    viewsPerS: memberViews / Math.max(1, reports.length) / seconds,
    cpuMsPerViewMember: sum(({ cpuMs }) => cpuMs) / memberViews,
    bytesPerViewMember: sum(({ bytes }) => bytes) / memberViews,
    framesPerViewMember: sum(({ frames }) => frames) / memberViews,
    verifiesPerViewMember: sum(({ verifies }) => verifies) / memberViews,
    nullified: sum(({ nullified }) => nullified),
    refused: sum(({ refused }) => refused)
  }
}
