/**
 * `npm test`: every check there is, one after the other, to the end whatever fails; then one summary. `npm test -- FILTER`:
 * the tests that match, only.
 * Its last line counts vitest's tests; the exit code is of all stages.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type Counts, readCounts } from './gate/counts.ts'
import { runStage, type StageResult } from './gate/run-stage.ts'
import { stages } from './gate/stages.ts'

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`

function printSummary(results: readonly StageResult[], { passed, failed, failures, skipped }: Counts): void {
  console.log('\nsummary')
  for (const { name, ok, why, tookMs } of results)
    console.log(`  ${ok ? 'ok  ' : 'FAIL'} ${name.padEnd(7)} ${seconds(tookMs).padStart(8)}${ok ? '' : `  ${why}`}`)
  for (const line of new Set(results.flatMap(({ skips }) => skips))) console.log(line)
  for (const test of skipped) console.log(`SKIP vitest/${test.replaceAll(' ', '-')}: marked so in its file`)
  // Last, because a log is read from its end.
  for (const failure of failures) console.log(`FAILED ${failure}`)
  console.log(`wall time ${seconds(performance.now())}`)
  console.log(`${passed} passed, ${failed} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`)
}

const root = resolve(import.meta.dirname, '..')
const folder = mkdtempSync(join(tmpdir(), 'brume-gate-'))
const interrupt = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupt.abort())
try {
  const report = join(folder, 'vitest.json')
  const results: StageResult[] = []
  for (const stage of stages(report, process.argv.slice(2))) {
    console.log(`\n== ${stage.name}: npm run ${stage.script}`)
    results.push(await runStage(stage, interrupt.signal, root))
    if (interrupt.signal.aborted) break
  }
  printSummary(results, readCounts(report))
  process.exitCode = results.every(({ ok }) => ok) && !interrupt.signal.aborted ? 0 : 1
} finally {
  rmSync(folder, { recursive: true })
}
