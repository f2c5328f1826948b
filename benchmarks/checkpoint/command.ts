import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { Cluster } from '../consensus/cluster.ts'
import type { StateShape, Variant } from '../consensus/plan.ts'
import { calibrate, drift } from '../harness/calibration.ts'
import { describeCommit, describeMachine } from '../harness/machine.ts'
import { shuffled } from '../harness/statistics.ts'
import { type Cell, renderTable } from '../harness/table.ts'
import { BAR_MS, type CheckpointResult, resultOf, type Seen, type Verdict, verdictOf } from './result.ts'

const MEMBERS = 4
const STATE_BYTES = 16 * 1_048_576

/** As long as a leaf may be, and as short as one with a path and a word or two is. */
const LEAF_BYTES = [4_096, 256] as const
/** A command writes here and there. */
const LEAVES_PER_COMMAND = 8

/** Commands a second; with so many blocks from one checkpoint to the next, one is on its way most of the time. */
const RATE_PER_S = 20
const CHECKPOINT_BLOCKS = 16
/** More blocks than any run has. */
const NEVER = 2 ** 40

/** The state is filled by the first block, and V8 has compiled what votes pass through. */
const WARM_UP_MS = 5_000
/** A thousand samples of the loop's delay, ten of them above its p99. */
const SLICE_MS = 10_000

export interface CheckpointOptions {
  /** Of each state, with checkpoints and without. */
  readonly seconds: number
  readonly out: string
  readonly json: string | undefined
  /** Profiles one member while it takes checkpoints, in slices of their own. */
  readonly cpuProfile: boolean
  readonly say: (line: string) => void
  readonly progress: (line: string) => void
}

/** One state of 16 MiB in two groups of the same four processes: one takes checkpoints of it, the other never does. */
interface Pair {
  readonly shape: StateShape
  readonly taking: string
  readonly resting: string
}

const PAIRS: readonly Pair[] = LEAF_BYTES.map((leafBytes) => ({
  shape: {
    ...{ leaves: STATE_BYTES / leafBytes, leafBytes, leavesPerCommand: LEAVES_PER_COMMAND },
    checkpointBlocks: CHECKPOINT_BLOCKS
  },
  taking: `leaves-${leafBytes}-kept`,
  resting: `leaves-${leafBytes}`
}))

const variant = (name: string, state: StateShape): Variant => {
  return { name, binding: 'streams', journal: true, attests: false, state }
}

const VARIANTS = PAIRS.flatMap(({ shape, taking, resting }) => [
  variant(taking, shape),
  variant(resting, { ...shape, checkpointBlocks: NEVER })
])

/** How late the event loop of a member is while it keeps checkpoints of 16 MiB, beside one that keeps none. */
export async function benchCheckpoint(options: CheckpointOptions): Promise<Verdict> {
  const { seconds, say } = options
  const out = resolve(options.out)
  await mkdir(out, { recursive: true })
  const machine = describeMachine()
  const start = calibrate()
  const results = await measure(options, out)
  const moved = drift(start, calibrate())
  const verdict = verdictOf(results, moved)
  say(tableOf(results))
  say(`bar: p99 below ${BAR_MS} ms with checkpoints; the machine's speed changed by ${Math.round(moved * 100)} %`)
  say(`verdict: ${verdict}`)
  const file = resolve(options.json ?? join(out, 'checkpoint.json'))
  await mkdir(dirname(file), { recursive: true })
  const about = { machine, commit: describeCommit(), at: new Date().toISOString(), seconds, barMs: BAR_MS }
  await writeFile(file, `${JSON.stringify({ ...about, drift: moved, verdict, results }, null, 2)}\n`)
  return verdict
}

async function measure(options: CheckpointOptions, out: string): Promise<readonly CheckpointResult[]> {
  const { seconds, cpuProfile, progress } = options
  const folder = await mkdtemp(join(out, 'data-'))
  try {
    const cluster = await Cluster.start(MEMBERS, MEMBERS, VARIANTS, folder, out)
    try {
      for (const { name } of VARIANTS)
        await cluster.run({ kind: 'open', variant: name, ratePerS: RATE_PER_S, durationMs: WARM_UP_MS })
      const seen = new Map(VARIANTS.map(({ name }) => [name, [] as Seen[]]))
      const rounds = Math.ceil((seconds * 1_000) / SLICE_MS)
      for (let round = 1; round <= rounds; round++) {
        progress(`checkpoint: round ${round} of ${rounds}`)
        for (const [name, slices] of shuffled([...seen], Math.random)) slices.push(await slice(cluster, name))
      }
      if (cpuProfile) for (const { taking } of PAIRS) await slice(cluster, taking, join(out, `${taking}.cpuprofile`))
      return PAIRS.map(({ shape, taking, resting }) => resultOf(shape, seen.get(taking) ?? [], seen.get(resting) ?? []))
    } finally {
      await cluster.stop()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function slice(cluster: Cluster, name: string, profilePath?: string): Promise<Seen> {
  const before = (await cluster.where(name)).saved
  const open = { kind: 'open', variant: name, ratePerS: RATE_PER_S, durationMs: SLICE_MS } as const
  const reports = await cluster.run(profilePath === undefined ? open : { ...open, profilePath })
  const { checkpoints, savingMs } = (await cluster.where(name)).saved
  return { reports, saved: { checkpoints: checkpoints - before.checkpoints, savingMs: savingMs - before.savingMs } }
}

function tableOf(results: readonly CheckpointResult[]): string {
  const head = ['16 MiB in leaves of', 'checkpoints', 'saving', 'with: p50', 'p99', 'max', 'without: p50', 'p99', 'max']
  const rows = results.map(({ leafBytes, checkpoints, savingShare, withMs, withoutMs }): readonly Cell[] => [
    `${leafBytes} B`,
    checkpoints,
    savingShare,
    ...[withMs.p50, withMs.p99, withMs.max],
    ...[withoutMs.p50, withoutMs.p99, withoutMs.max]
  ])
  return `event loop delay of the worst of ${MEMBERS} members, ms\n${renderTable(head, rows)}`
}
