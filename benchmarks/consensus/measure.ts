import { join } from 'node:path'
import { shuffled } from '../harness/statistics.ts'
import { joined, latenciesOf, loadOf, type SliceLatencies } from './analyse.ts'
import { Cluster } from './cluster.ts'
import type { Profile } from './distances.ts'
import { paceOf } from './pace.ts'
import type { QuorumReport, Variant } from './plan.ts'
import { type BareSamples, type ConsensusResult, resultOf, type Samples } from './result.ts'

/** How long each thing is measured. */
export interface Effort {
  /** Of the open loop, and of the bare exchange, in all. */
  readonly openMs: number
  /** Of each closed loop. */
  readonly closedMs: number
  readonly warmUpMs: number
}

/** Long enough for V8 to have compiled what votes pass through, some 1,000 views. */
const WARM_UP_MS = 5_000
const CLOSED_MS_MIN = 2_000

/** @param seconds - of the open loop, for each variant */
export function effortOf(seconds: number): Effort {
  const openMs = seconds * 1_000
  return { openMs, closedMs: Math.max(CLOSED_MS_MIN, openMs / 4), warmUpMs: WARM_UP_MS }
}

/** Enough to see that everything runs, and too little to say anything. */
export const SMOKE: Effort = { openMs: 2_000, closedMs: 1_000, warmUpMs: 500 }

export interface MeasureOptions {
  readonly n: number
  /** Processes the members live in: as many as members, or fewer that house several. */
  readonly processes: number
  readonly profile: Profile
  readonly variants: readonly Variant[]
  readonly effort: Effort
  /** Temporary data of the members. */
  readonly folder: string
  /** Logs and CPU profiles. */
  readonly out: string
  readonly cpuProfile: boolean
  readonly random: () => number
  readonly progress: (what: string) => void
}

/** Long enough that filling and emptying the windows is little of it. */
const CLOSED_SLICE_MS = 2_500
/** Noise of one round is no figure's own. */
const ROUNDS_MIN = 2
type Reports = readonly QuorumReport[]
type Saturated = Pick<Samples, 'views' | 'commands' | 'saturated'> & { readonly rested: boolean }

/** What is gathered of one variant while the slices run. */
class Tally {
  readonly open: SliceLatencies[] = []
  readonly reports: Reports[] = []
  readonly syncMs: (readonly number[])[] = []
  readonly voteSyncMs: number[] = []
  loopDelayMs = 0
  rested = true
  closed: Saturated | undefined

  add(reports: Reports): void {
    this.open.push(latenciesOf(reports))
    this.reports.push(reports)
    this.syncMs.push(reports.flatMap(({ syncMs }) => syncMs))
    this.voteSyncMs.push(...reports.flatMap(({ voteSyncMs }) => voteSyncMs))
    this.loopDelayMs = Math.max(this.loopDelayMs, ...reports.map(({ loop }) => loop.p99))
    this.rested &&= reports.every(({ rested }) => rested)
  }
}

/** All variants and the bare exchange on one cluster of n processes, slice after slice in random order. */
export async function measure(options: MeasureOptions): Promise<readonly ConsensusResult[]> {
  const { n, processes, profile, variants, folder, out, progress, random } = options
  progress(`n = ${n}: starting ${processes} ${processes === 1 ? 'process' : 'processes'}`)
  const cluster = await Cluster.start(n, processes, variants, folder, out, profile)
  try {
    progress(`n = ${n}: warming up`)
    await warmUp(cluster, options)
    const tallies = new Map(variants.map((variant) => [variant, new Tally()]))
    const bare = await openLoop(cluster, options, tallies)
    await closedLoop(cluster, options, tallies)
    for (const variant of options.cpuProfile ? variants : []) await takeProfiles(cluster, options, variant)
    return [...tallies].flatMap(([variant, { closed, ...tally }]) =>
      closed === undefined
        ? []
        : [resultOf(options, variant, { ...tally, ...closed, rested: tally.rested && closed.rested }, bare, random)]
    )
  } finally {
    await cluster.stop()
  }
}

async function warmUp(cluster: Cluster, { n, processes, variants, effort }: MeasureOptions): Promise<void> {
  const { warmUpMs: durationMs } = effort
  const { warmRatePerS, forViews: waiting } = paceOf(n, processes)
  for (const { name: variant } of variants) await cluster.run({ kind: 'closed', variant, waiting, durationMs })
  await cluster.run({ kind: 'bare', ratePerS: warmRatePerS, durationMs })
}

async function openLoop(
  cluster: Cluster,
  { n, processes, effort, random, progress }: MeasureOptions,
  tallies: ReadonlyMap<Variant, Tally>
): Promise<BareSamples> {
  const slices: SliceLatencies[] = []
  const loneMs: number[] = []
  const { ratePerS, sliceMs: durationMs } = paceOf(n, processes)
  const rounds = Math.max(ROUNDS_MIN, Math.ceil(effort.openMs / durationMs))
  for (let round = 1; round <= rounds; round++) {
    progress(`n = ${n}: latency, round ${round} of ${rounds}`)
    for (const [variant, tally] of shuffled([...tallies, [null, null] as const], random)) {
      if (variant === null) {
        const reports = await cluster.run({ kind: 'bare', ratePerS, durationMs })
        slices.push(latenciesOf(reports))
        loneMs.push(...reports.flatMap((report) => report.loneMs))
      } else tally.add(await cluster.run({ kind: 'open', variant: variant.name, ratePerS, durationMs }))
    }
  }
  return { slices, loneMs }
}

/** Variants by turns as well: their CPU is compared. */
async function closedLoop(
  cluster: Cluster,
  { n, processes, effort, random, progress }: MeasureOptions,
  tallies: ReadonlyMap<Variant, Tally>
): Promise<void> {
  const rounds = Math.max(1, Math.floor(effort.closedMs / CLOSED_SLICE_MS))
  const { forViews, forCommands, closedMinMs, isSaturable } = paceOf(n, processes)
  if (!isSaturable) {
    for (const [, tally] of tallies) tally.closed = saturatedOf(tally.reports, tally.reports)
    return
  }
  const durationMs = Math.max(effort.closedMs / rounds, closedMinMs)
  const seen = new Map(
    [...tallies.keys()].map((variant) => [variant, { views: [] as Reports[], commands: [] as Reports[] }])
  )
  for (let round = 1; round <= rounds; round++) {
    for (const [{ name: variant }, { views, commands }] of shuffled([...seen], random)) {
      progress(`n = ${n}: saturated, ${variant}, round ${round} of ${rounds}`)
      const closed = { kind: 'closed', variant, durationMs } as const
      views.push(await cluster.run({ ...closed, waiting: forViews }))
      commands.push(await cluster.run({ ...closed, waiting: forCommands }))
    }
  }
  for (const [variant, { views, commands }] of seen) {
    const tally = tallies.get(variant)
    if (tally !== undefined) tally.closed = saturatedOf(views, commands)
  }
}

function saturatedOf(ofViews: readonly Reports[], ofCommands: readonly Reports[]): Saturated {
  const [views, commands] = [joined(ofViews), joined(ofCommands)]
  const rested = [...views, ...commands].every((report) => report.rested)
  return { views: loadOf(views), commands: loadOf(commands), saturated: latenciesOf(commands), rested }
}

/** What is profiled, and in which of the files `<path>-<load>.cpuprofile` it is found. */
export const PROFILED = ['latency', 'views', 'commands'] as const

/** Slices of their own: the profiler slows down what it looks at. */
async function takeProfiles(
  cluster: Cluster,
  { n, processes, effort, out }: MeasureOptions,
  { name: variant }: Variant
): Promise<void> {
  const path = join(out, `n${n}-${variant}`)
  const durationMs = 2 * effort.closedMs
  const at = (load: (typeof PROFILED)[number]) => ({ variant, durationMs, profilePath: `${path}-${load}.cpuprofile` })
  const { ratePerS, forViews, forCommands } = paceOf(n, processes)
  await cluster.run({ ...at('latency'), kind: 'open', ratePerS })
  await cluster.run({ ...at('views'), kind: 'closed', waiting: forViews })
  await cluster.run({ ...at('commands'), kind: 'closed', waiting: forCommands })
}
