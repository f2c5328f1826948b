import { createHash } from 'node:crypto'
import { seedOf } from '../../world/streams.ts'
import { MUTANTS, RULES } from './mutants.ts'
import { type Rules, runStandby } from './run.ts'

/** Seeds of the gate; within as many each mutant must be noticed. */
export const GATE_SEEDS = 100

export interface StandbyResult {
  readonly suite: 'standby'
  readonly seeds: number
  readonly violations: number
  readonly events: number
  readonly takeovers: number
  readonly reads: number
  readonly mutants: number
  readonly mutantsCaught: number
  readonly hash: string
}

interface SuiteOptions {
  readonly from: number
  readonly seeds: number
  readonly mutants: boolean
  readonly say: (line: string) => void
}

/** One actor with three copies under faults, seed by seed, then known bugs. */
export function standbySuite({ from, seeds, mutants, say }: SuiteOptions): StandbyResult {
  const hash = createHash('sha256')
  const sums = { violations: 0, events: 0, takeovers: 0, reads: 0 }
  for (let number = from; number < from + seeds; number += 1) {
    const result = runStandby(seedOf(number), RULES)
    hash.update(result.hash)
    sums.events += result.events
    sums.takeovers += result.takeovers
    sums.reads += result.reads
    if (result.violation === null) continue
    sums.violations += 1
    say(`seed ${number}: ${result.violation.check}: ${result.violation.what}`)
    say(`  replay: npm run sim -- --suite standby --from ${number} --seeds 1 --no-mutants`)
  }
  const known = mutants ? MUTANTS : []
  const caught = known.filter(({ name, rules }) => {
    const found = firstCaught(rules)
    say(found === null ? `NOT CAUGHT: ${name}` : `caught after ${found.seeds} seeds by ${found.check}: ${name}`)
    return found !== null
  })
  return {
    suite: 'standby',
    seeds,
    ...sums,
    mutants: known.length,
    mutantsCaught: caught.length,
    hash: hash.digest('hex')
  }
}

/** The first seed that notices; null: none does. */
export function firstCaught(rules: Rules): { readonly seeds: number; readonly check: string } | null {
  for (let number = 0; number < GATE_SEEDS; number += 1) {
    const { violation } = runStandby(seedOf(number), rules)
    if (violation !== null) return { seeds: number + 1, check: violation.check }
  }
  return null
}
