import { writeFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, platform, release } from 'node:os'
import { join } from 'node:path'
import { quantile } from '../runner/latencies.ts'
import { acknowledged } from './history.ts'
import type { ScenarioResult } from './run-scenario.ts'

/** The whole of a run in one file: what was asked for, what happened, what was found. Answers its path. */
export function writeReport({ folder, seed, outcome, verdicts }: ScenarioResult): string {
  const path = join(folder.path, 'report.json')
  const { manifest, history, faults, accusations, changes, peers, overloaded } = outcome
  const acked = acknowledged(history)
  const times = acked.map(({ invokedMs, completedMs }) => completedMs - invokedMs)
  const report = {
    version: 1,
    run: folder.runId,
    scenario: manifest,
    seed,
    machine: {
      node: process.version,
      system: `${platform()} ${release()}`,
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: availableParallelism(),
      loadAverage: loadavg(),
      overloaded
    },
    verdicts,
    commands: {
      submitted: history.length,
      acknowledged: acked.length,
      refused: history.filter((asked) => asked.outcome === 'refused').length,
      unknown: history.filter((asked) => asked.outcome === 'unknown').length,
      finalMs: { p50: quantile(times, 0.5) ?? null, p99: quantile(times, 0.99) ?? null }
    },
    faults,
    accusations,
    changes,
    peers: peers.map(({ name, peerId, state, weight, sample }) => ({ name, peerId, state, weight, sample })),
    history
  }
  writeFileSync(path, `${JSON.stringify(report, null, 1)}\n`)
  return path
}
