import { LINK_RULES } from '@brume/runtime/delivery'
import { MUTANTS } from './mutants.ts'
import { runDelivery } from './run.ts'

/** Links of three processes under faults. */
export const DELIVERY = {
  name: 'delivery',
  gateSeeds: 300,
  rules: LINK_RULES,
  mutants: MUTANTS,
  counts: ['letters', 'restarts'],
  run: runDelivery
} as const
