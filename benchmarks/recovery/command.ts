import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Cluster } from '../consensus/cluster.ts'
import type { RecoveryReport, Variant } from '../consensus/plan.ts'
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

/** The dead leader's stream is down for 2 s and more: then its turns are waited for no longer. */
const KNOWN_AFTER_MS = 2_500

/** Many times what it takes: a view is given up after at most 30 s. */
const RECOVERY_DEADLINE_MS = 40_000

const RATIOS = ['ratio', 'downRatio', 'knownRatio'] as const

const COLUMNS: readonly (readonly [head: string, name: keyof Recovery])[] = [
  ['delta', 'deltaMs'],
  ['Delta', 'patienceMs'],
  ['final', 'finalMs'],
  ['down', 'downMs'],
  ['known down', 'knownMs'],
  ['final / (2 Delta + 6 delta)', 'ratio'],
  ['down / 6 delta', 'downRatio'],
  ['known down / 6 delta', 'knownRatio']
]

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
  const of = (name: (typeof RATIOS)[number]) => median(recoveries.map((recovery) => recovery[name]))
  const medians = { ratio: of('ratio'), downRatio: of('downRatio'), knownRatio: of('knownRatio') }
  const verdict = RATIOS.every((name) => medians[name] <= BAR) ? 'pass' : 'fail'
  say(
    renderTable(
      COLUMNS.map(([head]) => head),
      recoveries.map((one) => COLUMNS.map(([, name]) => one[name]))
    )
  )
  for (const name of RATIOS) {
    const [head = ''] = COLUMNS.find(([, of]) => of === name) ?? []
    say(`${head}: median ${medians[name].toFixed(2)}, bar ${BAR}: ${medians[name] <= BAR ? 'held' : 'missed'}`)
  }
  say(`verdict: ${verdict}`)
  const file = resolve(options.json ?? join(out, 'recovery.json'))
  await mkdir(dirname(file), { recursive: true })
  const about = { machine: describeMachine(), commit: describeCommit(), at: new Date().toISOString() }
  await writeFile(file, `${JSON.stringify({ ...about, bar: BAR, verdict, ...medians, recoveries }, null, 2)}\n`)
  return verdict
}

async function recoverOnce(out: string): Promise<Recovery> {
  const folder = await mkdtemp(join(out, 'data-'))
  const { name: variant } = VARIANT
  try {
    const cluster = await Cluster.start(MEMBERS, MEMBERS, [VARIANT], folder, out)
    try {
      await cluster.run({ kind: 'closed', variant, waiting: MEMBERS, durationMs: WARM_UP_MS })
      const bare = await cluster.run({ kind: 'bare', ratePerS: BARE_RATE_PER_S, durationMs: BARE_MS })
      const stand = await cluster.where(variant)
      const death = await cluster.recover(variant, stand.leader, RECOVERY_DEADLINE_MS)
      const recovery = recoveryOf(death, await laterTurns(cluster, stand.leader), bare, stand)
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

/** A command in each view of one round of leaders: one of them had to get past the dead one's turn. */
async function laterTurns(cluster: Cluster, dead: number): Promise<readonly RecoveryReport[]> {
  await sleep(KNOWN_AFTER_MS)
  const reports: RecoveryReport[] = []
  for (let turn = 1; turn <= MEMBERS; turn++)
    reports.push(...(await cluster.recover(VARIANT.name, dead, RECOVERY_DEADLINE_MS)))
  return reports
}
