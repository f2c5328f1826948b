import type { Calibration } from '../harness/calibration.ts'
import type { Profile } from './distances.ts'
import { COMMAND_BYTES } from './plan.ts'
import type { ConsensusResult } from './result.ts'

/** What a run is measured against: a ratio from the run itself, and the most (or least) it may be. */
export interface Bar {
  readonly name: string
  readonly value: number
  readonly bar: number
  readonly sense: '<=' | '>='
  readonly held: boolean
  /** Of the value, 95 %, where that is known. */
  readonly interval: readonly [low: number, high: number] | null
}

export interface Verdict {
  readonly verdict: 'pass' | 'fail' | 'inconclusive'
  readonly reasons: readonly string[]
  readonly bars: readonly Bar[]
}

export interface Ground {
  readonly cores: number
  readonly calibration: Calibration
  /** By how much the machine's own speed changed during the run, as a share. */
  readonly drift: number
  readonly profile: Profile
}

/** R of four processes on loopback, and how far a late decision may be from a common one. */
const HEADLINE = { n: 4, ratioWithoutJournal: 1.3, ratioWithJournal: 1.7, tail: 4 }
/** Submit to attested over submit to final, p50: one more hop and one more check. */
const ATTESTED_OVER_FINAL_MAX = 1.45
/** Finalized commands a second over those whose signatures as many cores could check: quorum.md 16.2. */
const THROUGHPUT_MIN = 0.5
/** What gossip may not undercut, at the size where its copies outnumber the votes: quorum.md 16.2. */
const STREAMS_OVER_GOSSIP = { n: 16, cpu: 1 / 5, messages: 1 / 6 }
/** What shortcuts must be worth, as a share of `plain`: all CPU, and what is left of it without checks of signatures. */
const OVER_PLAIN = { four: 0.6, more: 0.5, unsigned: 0.6 }
/** Bytes that a member sends another in a view beside blocks and commands. */
const BYTES_PER_OTHER = 310
/** Header and signature of a block, and what a frame and a block put around a command; all are about right. */
const BLOCK_BYTES = 400
const AROUND_BYTES = 5
/** testing.md 9: beyond these nothing was shown, either way. */
const DRIFT_MAX = 0.15
const INTERVAL_MAX = 0.1

/** Judges the stream binding. `inconclusive` also where four members in as many processes were not measured. */
export function judge(results: readonly ConsensusResult[], ground: Ground): Verdict {
  if (ground.profile !== 'loopback') {
    return { verdict: 'inconclusive', reasons: [`the bars are of loopback, not of ${ground.profile}`], bars: [] }
  }
  const apart = results.filter(({ n, processes, binding }) => binding === 'streams' && processes === n)
  const streams = apart.filter(({ attests }) => !attests)
  const headline = streams.filter(({ n }) => n === HEADLINE.n)
  const bars = [
    ...headline.flatMap(latencyBars),
    ...apart.filter(({ n }) => n === HEADLINE.n).flatMap(attestedBars),
    ...streams.map((result) => throughputBar(result, ground)),
    ...streams.map(bytesBar),
    ...streams.flatMap((result) => plainBars(result, results, ground)),
    ...streams.flatMap((result) => gossipBars(result, results))
  ]
  const doubts = doubtsOf(headline, ground.drift)
  if (doubts.length > 0) return { verdict: 'inconclusive', reasons: doubts, bars }
  const misses = bars.filter(({ held }) => !held)
  const reasons = misses.map(({ name, value, bar }) => `${name} is ${value.toFixed(2)}; the bar is ${bar.toFixed(2)}`)
  return { verdict: misses.length === 0 ? 'pass' : 'fail', reasons, bars }
}

function doubtsOf(headline: readonly ConsensusResult[], drift: number): readonly string[] {
  const doubts = headline.length === 0 ? ['no run of streams with n = 4'] : []
  if (drift > DRIFT_MAX) doubts.push(`the machine's speed changed by ${percent(drift)} meanwhile`)
  for (const { ratio, ratioInterval, journal } of headline) {
    const width = (ratioInterval[1] - ratioInterval[0]) / ratio
    if (width > INTERVAL_MAX) doubts.push(`R ${journalOf(journal)} is known to ${percent(width)} only`)
  }
  return doubts
}

/** What a bar came to: nothing where the machine's speed changed, or where the value may as well be on the other side. */
export function standingOf({ held, bar, interval }: Bar, drift: number): 'pass' | 'miss' | 'inconclusive' {
  const isOpen = interval !== null && interval[0] < bar && bar < interval[1]
  if (drift > DRIFT_MAX || isOpen) return 'inconclusive'
  return held ? 'pass' : 'miss'
}

function latencyBars({ ratio, ratioInterval, journal, finalMs }: ConsensusResult): readonly Bar[] {
  const { ratioWithJournal, ratioWithoutJournal, tail } = HEADLINE
  return [
    {
      ...atMost(`R, n = ${HEADLINE.n} ${journalOf(journal)}`, ratio, journal ? ratioWithJournal : ratioWithoutJournal),
      interval: ratioInterval
    },
    atMost(`final p99 / p50, n = ${HEADLINE.n} ${journalOf(journal)}`, finalMs.p99 / finalMs.p50, tail)
  ]
}

function attestedBars({ attestedMs, submitFinalMs }: ConsensusResult): readonly Bar[] {
  if (attestedMs === null) return []
  return [
    atMost(`attested / final p50, n = ${HEADLINE.n}`, attestedMs.p50 / submitFinalMs.p50, ATTESTED_OVER_FINAL_MAX)
  ]
}

function throughputBar({ n, journal, commandsPerS }: ConsensusResult, { cores, calibration }: Ground): Bar {
  const verifiable = Math.min(1, cores / n) * calibration.verifiesPerS
  return atLeast(
    `commands/s over verifies/s, n = ${n} ${journalOf(journal)}`,
    commandsPerS / verifiable,
    THROUGHPUT_MIN
  )
}

function bytesBar({ n, journal, bytesPerViewMember, commandsPerView }: ConsensusResult): Bar {
  // Each block and each command is sent by one of n members to all others.
  const carried = BLOCK_BYTES + 2 * commandsPerView * (COMMAND_BYTES + AROUND_BYTES)
  const votes = bytesPerViewMember - (carried * (n - 1)) / n
  return atMost(`bytes to each other member, n = ${n} ${journalOf(journal)}`, votes / (n - 1), BYTES_PER_OTHER)
}

function plainBars(streams: ConsensusResult, results: readonly ConsensusResult[], ground: Ground): readonly Bar[] {
  const { n, journal } = streams
  const plain = results.find((other) => other.binding === 'plain' && other.n === n && other.journal === journal)
  if (plain === undefined) return []
  const verifyMs = 1_000 / ground.calibration.verifiesPerS
  const unsigned = ({ cpuMsPerViewMember, verifiesPerViewMember, commandsPerView }: ConsensusResult) =>
    cpuMsPerViewMember - (verifiesPerViewMember + commandsPerView) * verifyMs
  const name = `streams / plain, n = ${n} ${journalOf(journal)}`
  return [
    atMost(
      `CPU, ${name}`,
      streams.cpuMsPerViewMember / plain.cpuMsPerViewMember,
      n < 7 ? OVER_PLAIN.four : OVER_PLAIN.more
    ),
    atMost(`CPU beside checks of signatures, ${name}`, unsigned(streams) / unsigned(plain), OVER_PLAIN.unsigned)
  ]
}

function gossipBars(streams: ConsensusResult, results: readonly ConsensusResult[]): readonly Bar[] {
  const { n, journal } = streams
  const gossip = results.find((other) => other.binding === 'gossip' && other.n === n && other.journal === journal)
  if (n !== STREAMS_OVER_GOSSIP.n || gossip === undefined) return []
  const over = (of: (result: ConsensusResult) => number): number => of(streams) / of(gossip)
  const name = `streams / gossip, n = ${n} ${journalOf(journal)}`
  return [
    atMost(
      `CPU, ${name}`,
      over(({ cpuMsPerViewMember }) => cpuMsPerViewMember),
      STREAMS_OVER_GOSSIP.cpu
    ),
    atMost(
      `messages, ${name}`,
      over(({ framesPerViewMember }) => framesPerViewMember),
      STREAMS_OVER_GOSSIP.messages
    )
  ]
}

const atMost = (name: string, value: number, bar: number): Bar => ({
  ...{ name, value, bar, sense: '<=', interval: null },
  held: value <= bar
})
const atLeast = (name: string, value: number, bar: number): Bar => ({
  ...{ name, value, bar, sense: '>=', interval: null },
  held: value >= bar
})
const journalOf = (journal: boolean): string => (journal ? 'with journal' : 'without journal')
const percent = (share: number): string => `${Math.round(share * 100)} %`
