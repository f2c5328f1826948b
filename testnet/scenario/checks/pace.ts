import { quantile } from '../../runner/latencies.ts'
import { defaulting, number, record, text } from '../fields.ts'
import { acknowledged } from '../history.ts'
import type { Outcome } from '../outcome.ts'
import { type Check, failed, passed, timed, verdict } from './check.ts'
import { selected } from './votes.ts'

interface Gap {
  readonly afterMs: number
  readonly tookMs: number
  readonly what: string
}

/** How long each time until a command that was submitted after a fault, or after its end, was final. */
function gapsOf({ faults, history }: Outcome): readonly Gap[] {
  const acked = acknowledged(history)
  const lastMs = Math.max(0, ...history.map(({ invokedMs }) => invokedMs))
  const moments = faults.flatMap(({ number: fault, what, beganMs, endedMs }) => [
    ...(what.expect === 'halt' ? [] : [{ afterMs: beganMs, what: `fault ${fault}` }]),
    { afterMs: endedMs, what: `the end of fault ${fault}` }
  ])
  return moments
    .filter(({ afterMs }) => afterMs < lastMs)
    .map(({ afterMs, what }) => {
      const done = acked.filter(({ invokedMs }) => invokedMs >= afterMs).map(({ completedMs }) => completedMs - afterMs)
      return { afterMs, what, tookMs: Math.min(Number.POSITIVE_INFINITY, ...done) }
    })
}

/** After every fault, and after the end of every fault, a new command becomes final so soon. */
export const progressWithin: Check<{ withinS: number }> = {
  args: record('arguments of progress-within', { withinS: number(0.1, 3_600) }),
  judge: (outcome, { withinS }) => {
    const gaps = gapsOf(outcome)
    const [slowest] = [...gaps].sort((a, b) => b.tookMs - a.tookMs)
    if (slowest === undefined) return judgeWithoutFaults(outcome)
    const median = Math.round(
      quantile(
        gaps.map(({ tookMs }) => tookMs),
        0.5
      ) ?? 0
    )
    const worst = Number.isFinite(slowest.tookMs) ? `${Math.round(slowest.tookMs)} ms` : 'never'
    const sentence = `a new command was final after each of ${gaps.length} faults and repairs: median ${median} ms, slowest ${worst} (${slowest.what})`
    return timed(outcome, slowest.tookMs <= withinS * 1_000, sentence)
  }
}

function judgeWithoutFaults({ history }: Outcome) {
  const acked = acknowledged(history).length
  return verdict(acked > 0, `${acked} commands became final`)
}

/** Every target of a fault was back in time. */
export const recoveredWithin: Check<{ withinS: number }> = {
  args: record('arguments of recovered-within', { withinS: defaulting(number(0.1, 3_600), 60) }),
  judge: (outcome, { withinS }) => {
    const times = outcome.faults.map(({ backMs, endedMs }) => (backMs ?? Number.POSITIVE_INFINITY) - endedMs)
    if (times.length === 0) return failed('there was no fault')
    const late = outcome.faults.find((_, index) => (times[index] ?? 0) > withinS * 1_000)
    const worst = Math.max(...times)
    if (late !== undefined)
      return timed(outcome, false, `${late.targets.join(' ')} was not back ${withinS} s after fault ${late.number}`)
    return passed(
      `all targets of ${times.length} faults were back and level with the others, the slowest after ${Math.round(worst)} ms`
    )
  }
}

/** While too much weight was away nothing became final that was asked for meanwhile: the rest may have been on its way. */
export const halted: Check<object> = {
  args: record<object>('arguments of halted', {}),
  judge: (outcome) => {
    const halts = outcome.faults.filter(({ what }) => what.expect === 'halt')
    for (const { number: fault, appliedMs, undoingMs } of halts) {
      const asked = outcome.history.filter(({ invokedMs }) => invokedMs > appliedMs && invokedMs < undoingMs)
      if (asked.length === 0) return failed(`nobody asked for anything during fault ${fault}`)
      const early = acknowledged(asked).find(({ completedMs }) => completedMs < undoingMs)
      if (early !== undefined) return failed(`during fault ${fault} a command became final at ${early.placed.height}`)
    }
    const forMs = halts.map(({ appliedMs, undoingMs }) => Math.round(undoingMs - appliedMs)).join(', ')
    return verdict(halts.length > 0, `nothing became final while too few could vote (${forMs} ms)`)
  }
}

/** Of a hundred commands ninety-nine were final so soon, from the client's side. */
export const p99Below: Check<{ ms: number; client: string }> = {
  args: record('arguments of p99-below', {
    ms: number(1, 3_600_000),
    client: defaulting(text(/^c\d+$/, 'a client, c1 or c2'), '')
  }),
  judge: (outcome, { ms, client }) => {
    const acked = acknowledged(outcome.history).filter((asked) => client === '' || asked.client === client)
    const times = acked.map(({ invokedMs, completedMs }) => completedMs - invokedMs)
    const [p50, p99] = [0.5, 0.99].map((share) => Math.round(quantile(times, share) ?? Number.NaN))
    const who = client === '' ? 'commands' : `commands of ${client}`
    const sentence = `${times.length} ${who} final after ${p50} ms in the median, ${p99} ms at the 99th percentile`
    return timed(outcome, times.length > 0 && (p99 ?? 0) < ms, sentence)
  }
}

/** The leader left the client's commands out of its blocks, and they became final all the same. */
export const leftOut: Check<{ leader: string; client: string }> = {
  args: record('arguments of left-out', {
    leader: text(/^\S{1,64}$/, 'a selector'),
    client: text(/^c\d+$/, 'a client, c1 or c2')
  }),
  judge: (outcome, { leader, client }) => {
    const censors = selected(outcome, leader)
    const ids = outcome.peers.filter(({ name }) => censors.includes(name)).map(({ peerId }) => peerId)
    const acked = acknowledged(outcome.history)
    const led = acked.filter(({ placed }) => placed.leader !== undefined && ids.includes(placed.leader))
    const theirs = acked.filter((asked) => asked.client === client)
    const slipped = led.filter((asked) => asked.client === client).length
    const sentence = `${censors.join(' ')} put ${led.length - slipped} commands of others and ${slipped} of ${client} into its blocks; other leaders made ${theirs.length - slipped} of ${client} final`
    return verdict(led.length > slipped && slipped === 0 && theirs.length > 0, sentence)
  }
}
