import { whenCallerEnds } from '@brume/peer/caller'
import { TestnetError } from '../errors.ts'
import { pruneRuns } from '../runner/run-folder.ts'
import type { Judged } from '../scenario/checks/index.ts'
import { type Play, readPlay } from '../scenario/play.ts'
import { type EndOutput, printEvents } from './output.ts'

export interface RunScenarioOptions {
  readonly directory: string
  readonly file: string
  /** In place of the count of every fault that is repeated. */
  readonly cycles?: number
  readonly json: boolean
}

/** Rejects with `BRUME_TESTNET_VIOLATION` when a check failed, `BRUME_TESTNET_INCONCLUSIVE` when one could not tell. */
export async function run({ directory, file, cycles, json }: RunScenarioOptions): Promise<void> {
  await carryOut(readPlay(file, cycles), directory, json)
}

/** Prints what happens, each verdict, and what they come to. Rejects as `run` does. */
export async function carryOut(play: Play, directory: string, json: boolean): Promise<void> {
  pruneRuns(directory)
  const abort = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => abort.abort(name))
  whenCallerEnds(() => abort.abort('the end of the shell that ran it'))
  let endOutput: EndOutput = () => undefined
  if (!json) print(`${play.name}: ${play.about}`)
  try {
    const { verdicts, report } = await play.play({
      directory,
      aborted: abort.signal,
      began: (events, testnet) => {
        endOutput = printEvents(events, json, testnet)
      }
    })
    for (const judged of verdicts) print(json ? JSON.stringify(judged) : lineOf(judged))
    const summary = summaryOf(play, verdicts)
    print(json ? JSON.stringify({ scenario: play.name, ...summary, report }) : `${summary.sentence}; ${report}`)
    refuse(play, verdicts)
  } catch (error) {
    if (abort.signal.aborted) throw new TestnetError('BRUME_TESTNET_VIOLATION', `ended by ${abort.signal.reason}`)
    throw error
  } finally {
    endOutput()
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

const MARKS = { passed: 'ok  ', failed: 'FAIL', inconclusive: '??  ' } as const

function lineOf({ check, result, sentence }: Judged): string {
  return `${MARKS[result]} ${check}: ${sentence}`
}

function summaryOf({ name }: Play, verdicts: readonly Judged[]) {
  const count = (result: Judged['result']): number => verdicts.filter((one) => one.result === result).length
  const counts = { passed: count('passed'), failed: count('failed'), inconclusive: count('inconclusive') }
  const doubts = counts.inconclusive === 0 ? '' : `, ${counts.inconclusive} inconclusive`
  return { ...counts, sentence: `${name}: ${counts.passed} checks passed, ${counts.failed} failed${doubts}` }
}

function refuse({ name }: Play, verdicts: readonly Judged[]): void {
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
