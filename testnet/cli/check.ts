import { type CheckReport, checkRun } from '../checkers/check-run.ts'
import { TestnetError } from '../errors.ts'
import { findRun } from '../runner/run-folder.ts'

/** Prints the report; rejects with `BRUME_TESTNET_VIOLATION` when something cannot stand beside something else, with `_NO_VOTES` when nothing is there. */
export async function check(options: {
  readonly directory: string
  readonly run?: string
  readonly json: boolean
}): Promise<void> {
  const report = await checkRun(findRun(options.directory, options.run))
  process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : textOf(report))
  if (report.violations.length > 0) {
    throw new TestnetError('BRUME_TESTNET_VIOLATION', `run ${report.runId} broke ${report.violations[0]?.rule}`)
  }
  if (!report.ok) {
    const message = `run ${report.runId} holds no votes to check; a group's run has some, more of them with \`up --votes\``
    throw new TestnetError('BRUME_TESTNET_NO_VOTES', message)
  }
}

function textOf(report: CheckReport): string {
  const lines = [
    `${report.journaledVotes} votes in journals, ${report.receivedVotes} received, ${report.statements} distinct statements`,
    `${report.finalHeights} heights final by received votes, the highest ${report.heightMax}; ${report.forged} bad signatures`,
    ...report.blamed.map((key) => `proven to have contradicted itself: ${key}`),
    ...report.muted.map(({ peer, epoch, reason }) => `${peer} says nothing more in epoch ${epoch}: ${reason}`),
    ...(report.unjudged > 0 ? [`${report.unjudged} statements of later committees were not judged`] : []),
    ...report.violations.map(({ rule, message }) => `${rule}: ${message}`),
    report.violations.length === 0 ? 'no contradiction' : `${report.violations.length} contradictions`
  ]
  return `${lines.join('\n')}\n`
}
