import { createHash } from 'node:crypto'
import { LINK_RULES } from '@brume/runtime/delivery'
import { seedOf } from '../../world/streams.ts'
import { MUTANTS } from './mutants.ts'
import { runDelivery } from './run.ts'

/** Within so many seeds each mutant must be noticed. */
export const GATE_SEEDS = 300

export interface DeliveryResult {
  readonly suite: 'delivery'
  readonly seeds: number
  readonly violations: number
  readonly letters: number
  readonly restarts: number
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

/** Links of three processes under faults, seed by seed, then known bugs. */
export function deliverySuite({ from, seeds, mutants, say }: SuiteOptions): DeliveryResult {
  const hash = createHash('sha256')
  let [violations, letters, restarts] = [0, 0, 0]
  for (let number = from; number < from + seeds; number += 1) {
    const result = runDelivery(seedOf(number), LINK_RULES)
    hash.update(result.hash)
    letters += result.letters
    restarts += result.restarts
    if (result.violation === null) continue
    violations += 1
    say(`seed ${number}: ${result.violation.check}: ${result.violation.what}`)
    say(`  replay: npm run sim -- --suite delivery --from ${number} --seeds 1 --no-mutants`)
  }
  const known = mutants ? MUTANTS : []
  const caught = known.filter(({ name, rules }) => {
    const found = firstCaught(rules)
    say(found === null ? `NOT CAUGHT: ${name}` : `caught after ${found.seeds} seeds by ${found.check}: ${name}`)
    return found !== null
  })
  const totals = { seeds, violations, letters, restarts, mutants: known.length, mutantsCaught: caught.length }
  return { suite: 'delivery', ...totals, hash: hash.digest('hex') }
}

/** The first seed that notices; null: none does. */
export function firstCaught(rules: typeof LINK_RULES): { readonly seeds: number; readonly check: string } | null {
  for (let number = 0; number < GATE_SEEDS; number += 1) {
    const { violation } = runDelivery(seedOf(number), rules)
    if (violation !== null) return { seeds: number + 1, check: violation.check }
  }
  return null
}
