import type { Calibration } from '../harness/calibration.ts'
import type { Machine } from '../harness/machine.ts'
import { bootstrapInterval, median, type Percentiles, percentiles, pool } from '../harness/statistics.ts'
import type { Load, SliceLatencies } from './analyse.ts'
import type { Verdict } from './bars.ts'
import type { Profile } from './distances.ts'
import type { Variant } from './plan.ts'

/** Hops of a decision: proposal, notarize votes, finalize votes. */
const HOPS = 3
/** Syncs on the way of a decision: the proposer's, and that of each round of votes (quorum.md 9). */
const SYNCS = 3

/** What one variant did on one cluster. Milliseconds unless named otherwise; latencies at the slowest member. */
export interface ConsensusResult {
  readonly n: number
  /** Processes the members lived in. */
  readonly processes: number
  readonly binding: Variant['binding']
  readonly journal: boolean
  readonly attests: boolean
  /** A third of the bare exchange's p50. */
  readonly deltaMs: number
  /** p50 of 512 B append and sync; 0 without a journal. */
  readonly syncMs: number
  /** Proposal to notarized. */
  readonly notarizedMs: Percentiles
  /** Proposal to final. */
  readonly finalMs: Percentiles
  readonly submitFinalMs: Percentiles
  /** Submit until the block's statement has a certificate; null where nothing is attested. */
  readonly attestedMs: Percentiles | null
  /** R = final p50 / (3 delta + k s), k = 3 with a journal, else 0. */
  readonly ratio: number
  /** 95 %, bootstrap over rounds. */
  readonly ratioInterval: readonly [low: number, high: number]
  /** Median of the rounds' own R: steadier where the machine's load comes and goes. */
  readonly ratioByRound: number
  readonly commandsPerS: number
  readonly cpuMsPerViewMember: number
  /** Under the most commands; null where none became final. */
  readonly cpuMsPerCommandMember: number | null
  /** In the slices with as many views as can be. */
  readonly commandsPerView: number
  readonly bytesPerViewMember: number
  readonly framesPerViewMember: number
  readonly verifiesPerViewMember: number
  readonly viewsPerS: number
  /** A lone unsigned frame, one way, p50. */
  readonly delta0Ms: number
  /** The bare exchange. */
  readonly bareMs: Percentiles
  /** Write and sync of the votes' own journal, p50; 0 without one. */
  readonly voteSyncMs: number
  /** Under the most commands; null where no block became final. */
  readonly saturatedFinalMs: Percentiles | null
  /** Blocks behind the latencies. */
  readonly blocks: number
  readonly nullified: number
  /** False: after some slice the group was still busy when it should long have been quiet; its figures are of an overload. */
  readonly rested: boolean
  readonly refused: number
  /** p99 at the worst member, in the slices of the latencies. */
  readonly loopDelayMs: number
}

export interface ConsensusFile {
  readonly machine: Machine
  /** How far members were from each other. */
  readonly profile: Profile
  readonly commit: string
  readonly at: string
  readonly calibration: { readonly start: Calibration; readonly end: Calibration; readonly drift: number }
  readonly verdict: Verdict
  readonly results: readonly ConsensusResult[]
}

/** What one variant and the bare exchange yielded, slice by slice. */
export interface Samples {
  readonly open: readonly SliceLatencies[]
  readonly syncMs: readonly (readonly number[])[]
  readonly voteSyncMs: readonly number[]
  readonly loopDelayMs: number
  readonly rested: boolean
  /** With one command waiting at each member: as many views as can be. */
  readonly views: Load
  /** With as many commands as fill the blocks. */
  readonly commands: Load
  readonly saturated: SliceLatencies
}

export interface BareSamples {
  readonly slices: readonly SliceLatencies[]
  readonly loneMs: readonly number[]
}

export function resultOf(
  { n, processes }: { readonly n: number; readonly processes: number },
  { binding, journal, attests }: Variant,
  samples: Samples,
  bare: BareSamples,
  random: () => number
): ConsensusResult {
  const all = samples.open.map(({ finalMs }, round) => [
    finalMs,
    bare.slices[round]?.finalMs ?? [],
    journal ? (samples.syncMs[round] ?? []) : []
  ])
  // A round of few decisions on a busy machine may have none that every member knew in time.
  const rounds = all.filter(([final = [], bareFinal = []]) => final.length > 0 && bareFinal.length > 0)
  const [finals = [], bares = [], syncs = []] = pool(rounds)
  const ratio = ([final = [], bareFinal = [], sync = []]: readonly (readonly number[])[]): number =>
    median(final) / (median(bareFinal) + (journal ? SYNCS * median(sync) : 0))
  const { commandsPerS } = samples.commands
  const perView = (load: Load) => load.commandsPerS / Math.max(load.viewsPerS, Number.EPSILON)
  const { cpuMsPerViewMember, bytesPerViewMember, framesPerViewMember, verifiesPerViewMember, viewsPerS } =
    samples.views
  return {
    n,
    processes,
    binding,
    journal,
    attests,
    deltaMs: median(bares) / HOPS,
    syncMs: journal ? median(syncs) : 0,
    notarizedMs: percentiles(samples.open.flatMap(({ notarizedMs }) => notarizedMs)),
    finalMs: percentiles(finals),
    submitFinalMs: percentiles(samples.open.flatMap(({ submitFinalMs }) => submitFinalMs)),
    attestedMs: attests ? percentiles(samples.open.flatMap(({ submitAttestedMs }) => submitAttestedMs)) : null,
    ratio: ratio([finals, bares, syncs]),
    ratioInterval: bootstrapInterval(rounds, ratio, random),
    ratioByRound: median(rounds.map(ratio)),
    commandsPerS,
    cpuMsPerViewMember,
    cpuMsPerCommandMember: commandsPerS === 0 ? null : samples.commands.cpuMsPerViewMember / perView(samples.commands),
    commandsPerView: perView(samples.views),
    bytesPerViewMember,
    framesPerViewMember,
    verifiesPerViewMember,
    viewsPerS,
    delta0Ms: median(bare.loneMs),
    bareMs: percentiles(bares),
    voteSyncMs: journal ? median(samples.voteSyncMs) : 0,
    saturatedFinalMs: samples.saturated.finalMs.length === 0 ? null : percentiles(samples.saturated.finalMs),
    blocks: finals.length,
    nullified: samples.views.nullified + samples.commands.nullified,
    rested: samples.rested,
    refused: samples.commands.refused,
    loopDelayMs: samples.loopDelayMs
  }
}
