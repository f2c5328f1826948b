import { record, refuse } from '../fields.ts'
import type { Manifest } from '../manifest.ts'
import type { Outcome } from '../outcome.ts'
import { type Check, type Verdict, verdict } from './check.ts'
import { ackedDurable, agreement, exactlyOnce } from './order.ts'
import { halted, leftOut, p99Below, progressWithin, recoveredWithin } from './pace.ts'
import { abstained, attacked, evidenceNamesOnly, noDoubleVote } from './votes.ts'

/** Every process of the run has ended, the guard too. */
const noOrphans: Check<object> = {
  args: record<object>('arguments of this check', {}),
  judge: ({ processesLeft }) =>
    verdict(
      processesLeft.length === 0,
      processesLeft.length === 0 ? 'every process of the run has ended' : `${processesLeft.join(' ')} did not end`
    )
}

/** Every connection between peers went through the proxy: none was faster than the scenario says. */
const noBypass: Check<object> = {
  args: record<object>('arguments of this check', {}),
  judge: ({ inbound }) => {
    if (inbound === null) return verdict(false, 'this run has no proxy: it has neither links nor a partition')
    const { seen, around } = inbound
    return verdict(
      seen > 0 && around === 0,
      `${seen} connections seen at their listening ends, ${around} of them not through the proxy`
    )
  }
}

const CHECKS = {
  agreement,
  'acked-durable': ackedDurable,
  'exactly-once': exactlyOnce,
  'no-double-vote': noDoubleVote,
  'progress-within': progressWithin,
  'recovered-within': recoveredWithin,
  halted,
  'p99-below': p99Below,
  'no-orphans': noOrphans,
  'no-bypass': noBypass,
  'evidence-names-only': evidenceNamesOnly,
  attacked,
  abstained,
  'left-out': leftOut
}

export interface Judged extends Verdict {
  readonly check: string
}

type PreparedCheck = (outcome: Outcome) => Promise<Judged>

function prepare<T extends object>(name: string, check: Check<T>, args: unknown, where: string): PreparedCheck {
  const read = check.args(args, where)
  return async (outcome) => ({ check: name, ...(await check.judge(outcome, read)) })
}

/**
 * The scenario's checks, ready to be asked once the run is over.
 *
 * @throws TestnetError `BRUME_TESTNET_MANIFEST` for a check that does not exist or takes other arguments
 */
export function prepareChecks({ checks }: Manifest): readonly PreparedCheck[] {
  return checks.map(({ name, args }, index) => {
    const where = `scenario.checks[${index}]`
    if (!isKnown(name))
      return refuse(`${where}.name`, `must be one of ${Object.keys(CHECKS).join(', ')}, not "${name}"`)
    return prepare(name, CHECKS[name] as Check<object>, args, `${where}.args`)
  })
}

function isKnown(name: string): name is keyof typeof CHECKS {
  return Object.hasOwn(CHECKS, name)
}
