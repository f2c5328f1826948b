import { MUTANTS, RULES } from './mutants.ts'
import { runStandby } from './run.ts'

/** One actor with three copies under faults. */
export const STANDBY = {
  name: 'standby',
  gateSeeds: 100,
  rules: RULES,
  mutants: MUTANTS,
  counts: ['events', 'takeovers', 'reads'],
  run: runStandby
} as const
