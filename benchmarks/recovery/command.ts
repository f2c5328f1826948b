import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { Cluster } from '../consensus/cluster.ts'
import type { Variant } from '../consensus/plan.ts'
import { BenchError } from '../harness/errors.ts'
import { describeCommit, describeMachine } from '../harness/machine.ts'
import { median } from '../harness/statistics.ts'
import { renderTable } from '../harness/table.ts'
import { type Recovery, recoveryOf } from './result.ts'

const MEMBERS = 4
const VARIANT: Variant = { name: 'streams', binding: 'streams', journal: false, attests: false }

/** quorum.md 16.2, both as ratios. */
const BAR = 1

const WARM_UP_MS = 3_000
const BARE_MS = 3_000
const BARE_RATE_PER_S = 10

/** Many times what it takes: a view is given up after at most 30 s. */
const RECOVERY_DEADLINE_MS = 40_000

export interface RecoveryOptions {
  readonly trials: number
  readonly out: string
  readonly json: string | undefined
  readonly say: (line: string) => void
  readonly progress: (line: string) => void
}

/** Four processes at a time; the leader that a dormant group waits for is killed as a command is submitted. */
export async function benchRecovery(options: RecoveryOptions): Promise<'pass' | 'fail'> {
  const { trials, say, progress } = options
  const out = resolve(options.out)
  await mkdir(out, { recursive: true })
  const recoveries: Recovery[] = []
  for (let trial = 1; trial <= trials; trial++) {
    progress(`recovery: ${trial} of ${trials}`)
    recoveries.push(await recoverOnce(out))
  }
  const ratio = median(recoveries.map((recovery) => recovery.ratio))
  const downRatio = median(recoveries.map((recovery) => recovery.downRatio))
  const verdict = ratio <= BAR && downRatio <= BAR ? 'pass' : 'fail'
  const columns = ['deltaMs', 'patienceMs', 'finalMs', 'downMs', 'ratio', 'downRatio'] as const
  const rows = recoveries.map((recovery) => columns.map((column) => recovery[column]))
  say(renderTable(['delta', 'Delta', 'final', 'down', 'final / (2 Delta + 6 delta)', 'down / 6 delta'], rows))
  say(`medians ${ratio.toFixed(2)} and ${downRatio.toFixed(2)}, bar ${BAR}; verdict: ${verdict}`)
  const file = resolve(options.json ?? join(out, 'recovery.json'))
  await mkdir(dirname(file), { recursive: true })
  const about = { machine: describeMachine(), commit: describeCommit(), at: new Date().toISOString() }
  await writeFile(file, `${JSON.stringify({ ...about, bar: BAR, verdict, ratio, downRatio, recoveries }, null, 2)}\n`)
  return verdict
}

async function recoverOnce(out: string): Promise<Recovery> {
  const folder = await mkdtemp(join(out, 'data-'))
  const { name: variant } = VARIANT
  try {
    const cluster = await Cluster.start(MEMBERS, MEMBERS, [VARIANT], folder, out)
    try {
      await cluster.run({ kind: 'closed', variant, window: 1, durationMs: WARM_UP_MS })
      const bare = await cluster.run({ kind: 'bare', ratePerS: BARE_RATE_PER_S, durationMs: BARE_MS })
      const stand = await cluster.where(variant)
      const recovery = recoveryOf(await cluster.recover(variant, stand.leader, RECOVERY_DEADLINE_MS), bare, stand)
      if (recovery === null)
        throw new BenchError('BRUME_BENCH_NO_SAMPLES', 'the survivors never decided; see their logs')
      return recovery
    } finally {
      await cluster.stop()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
