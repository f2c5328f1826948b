import { createHash } from 'node:crypto'
import { seedOf } from '../world/streams.ts'

/** What one seed came to; its counts are summed. */
interface Outcome {
  readonly violation: { readonly check: string; readonly what: string } | null
  readonly hash: string
}

/** One promise tried seed by seed, by rules that may be wrong in one place. */
export interface Suite<R, O extends Outcome, C extends keyof O & string> {
  readonly name: string
  /** Of the gate; within as many each mutant must be noticed. */
  readonly gateSeeds: number
  readonly rules: R
  readonly mutants: readonly { readonly name: string; readonly rules: R }[]
  /** Which of an outcome's numbers are summed. */
  readonly counts: readonly C[]
  run(seed: Uint8Array, rules: R): O & Readonly<Record<C, number>>
}

export interface SuiteOptions {
  readonly from: number
  readonly seeds: number
  readonly mutants: boolean
  readonly say: (line: string) => void
}

export type SuiteResult<C extends string> = Readonly<
  Record<C | 'seeds' | 'violations' | 'mutants' | 'mutantsCaught', number>
> & { readonly suite: string; readonly hash: string }

/** The seeds, then known bugs. */
export function playSuite<R, O extends Outcome, C extends keyof O & string>(
  suite: Suite<R, O, C>,
  { from, seeds, mutants, say }: SuiteOptions
): SuiteResult<C> {
  const hash = createHash('sha256')
  const sums = Object.fromEntries(suite.counts.map((count) => [count, 0])) as Record<C, number>
  let violations = 0
  for (let number = from; number < from + seeds; number += 1) {
    const result = suite.run(seedOf(number), suite.rules)
    hash.update(result.hash)
    for (const count of suite.counts) sums[count] += result[count]
    if (result.violation === null) continue
    violations += 1
    say(`seed ${number}: ${result.violation.check}: ${result.violation.what}`)
    say(`  replay: npm run sim -- --suite ${suite.name} --from ${number} --seeds 1 --no-mutants`)
  }
  const known = mutants ? suite.mutants : []
  const caught = known.filter(({ name, rules }) => {
    const found = firstCaught(suite, rules)
    say(found === null ? `NOT CAUGHT: ${name}` : `caught after ${found.seeds} seeds by ${found.check}: ${name}`)
    return found !== null
  })
  const totals = { seeds, violations, mutants: known.length, mutantsCaught: caught.length }
  return { suite: suite.name, ...sums, ...totals, hash: hash.digest('hex') }
}

/** The first seed that notices; null: none does. */
export function firstCaught<R, O extends Outcome, C extends keyof O & string>(
  { gateSeeds, run }: Suite<R, O, C>,
  rules: R
): { readonly seeds: number; readonly check: string } | null {
  for (let number = 0; number < gateSeeds; number += 1) {
    const { violation } = run(seedOf(number), rules)
    if (violation !== null) return { seeds: number + 1, check: violation.check }
  }
  return null
}
