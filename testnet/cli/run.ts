import { TestnetError } from '../errors.ts'
import { pruneRuns } from '../runner/run-folder.ts'
import type { Judged } from '../scenario/checks/index.ts'
import { type Manifest, readManifestFile } from '../scenario/manifest.ts'
import { writeReport } from '../scenario/report.ts'
import { runScenario } from '../scenario/run-scenario.ts'
import { type EndOutput, printEvents } from './output.ts'

export interface RunScenarioOptions {
  readonly directory: string
  readonly file: string
  /** In place of the count of every fault that is repeated. */
  readonly cycles?: number
  readonly json: boolean
}

/** Rejects with `BRUME_TESTNET_VIOLATION` when a check failed, `BRUME_TESTNET_INCONCLUSIVE` when one could not tell. */
export async function run(options: RunScenarioOptions): Promise<void> {
  const manifest = withCycles(readManifestFile(options.file), options.cycles)
  pruneRuns(options.directory)
  const abort = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => abort.abort(name))
  let endOutput: EndOutput = () => undefined
  if (!options.json) process.stdout.write(`${manifest.name}: ${manifest.about}\n`)
  try {
    const result = await runScenario(manifest, {
      directory: options.directory,
      aborted: abort.signal,
      began: (testnet) => {
        endOutput = printEvents(testnet, options.json)
      }
    })
    const report = writeReport(result)
    for (const judged of result.verdicts) print(options.json ? JSON.stringify(judged) : lineOf(judged))
    const summary = summaryOf(manifest, result.verdicts)
    print(
      options.json ? JSON.stringify({ scenario: manifest.name, ...summary, report }) : `${summary.sentence}; ${report}`
    )
    refuse(manifest, result.verdicts)
  } catch (error) {
    if (abort.signal.aborted) throw new TestnetError('BRUME_TESTNET_VIOLATION', `ended by ${abort.signal.reason}`)
    throw error
  } finally {
    endOutput()
  }
}

function withCycles(manifest: Manifest, cycles: number | undefined): Manifest {
  if (cycles === undefined) return manifest
  return { ...manifest, perturb: manifest.perturb.map((what) => (what.count > 1 ? { ...what, count: cycles } : what)) }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

const MARKS = { passed: 'ok  ', failed: 'FAIL', inconclusive: '??  ' } as const

function lineOf({ check, result, sentence }: Judged): string {
  return `${MARKS[result]} ${check}: ${sentence}`
}

function summaryOf({ name }: Manifest, verdicts: readonly Judged[]) {
  const count = (result: Judged['result']): number => verdicts.filter((one) => one.result === result).length
  const counts = { passed: count('passed'), failed: count('failed'), inconclusive: count('inconclusive') }
  const doubts = counts.inconclusive === 0 ? '' : `, ${counts.inconclusive} inconclusive`
  return { ...counts, sentence: `${name}: ${counts.passed} checks passed, ${counts.failed} failed${doubts}` }
}

function refuse({ name }: Manifest, verdicts: readonly Judged[]): void {
  if (verdicts.some(({ check, result }) => check === 'no-orphans' && result === 'failed')) {
    throw new TestnetError('BRUME_TESTNET_CLEANUP', `scenario ${name} left processes behind`)
  }
  const worst = (['failed', 'inconclusive'] as const).find((result) => verdicts.some((one) => one.result === result))
  if (worst === undefined) return
  const checks = verdicts.filter(({ result }) => result === worst).map(({ check }) => check)
  const code = worst === 'failed' ? 'BRUME_TESTNET_VIOLATION' : 'BRUME_TESTNET_INCONCLUSIVE'
  throw new TestnetError(
    code,
    `scenario ${name}: ${checks.join(', ')} ${worst === 'failed' ? 'failed' : 'could not tell'}`
  )
}
