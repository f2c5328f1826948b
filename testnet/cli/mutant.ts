import { TestnetError } from '../errors.ts'
import { CORE, WHOLE } from '../simulation/runs/tiers.ts'

/** What of the command line says into which run a bug is put. */
export interface MutantChoice {
  readonly mutant?: string
  readonly seed?: string
  readonly explore: boolean
  readonly actors: boolean
}

/** Throws `BRUME_TESTNET_ARGUMENT` for a bug that nobody knows, or that no run of this command line would have in it. */
export function requireMutant({ mutant, seed, explore, actors }: MutantChoice): void {
  if (mutant === undefined) return
  const known = actors && !explore ? WHOLE.mutants : CORE.mutants
  if (!known.includes(mutant)) {
    throw new TestnetError(
      'BRUME_TESTNET_ARGUMENT',
      `no known bug is called '${mutant}'; these are: ${known.join(', ')}`
    )
  }
  if (seed !== undefined || explore) return
  const what = '--mutant takes --seed or --explore; without it a swarm tries every known bug'
  throw new TestnetError('BRUME_TESTNET_ARGUMENT', what)
}
