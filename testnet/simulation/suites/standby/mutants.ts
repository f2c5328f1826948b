import { PLACEMENT_RULES, type PlacementRules, SHIPPING_RULES, type ShippingRules } from '@brume/runtime/standby'
import type { Rules } from './run.ts'

export const RULES: Rules = { shipping: SHIPPING_RULES, placement: PLACEMENT_RULES, countsSleep: true }

/** A known bug: one judgement, replaced by a wrong one. */
export interface Mutant {
  readonly name: string
  readonly rules: Rules
}

const ships = (name: string, wrong: Partial<ShippingRules>): Mutant => ({
  name,
  rules: { ...RULES, shipping: { ...SHIPPING_RULES, ...wrong } }
})
const places = (name: string, wrong: Partial<PlacementRules>): Mutant => ({
  name,
  rules: { ...RULES, placement: { ...PLACEMENT_RULES, ...wrong } }
})

export const MUTANTS: readonly Mutant[] = [
  ships('follower acks after asking for takeover', { mayAck: () => true }),
  // What is compared is how the actor is placed: with it goes who is in step.
  places('takeover without compare-and-set', {
    isCurrent: () => true,
    mayTake: ({ copies }, peer) => copies.includes(peer)
  }),
  ships('output before followers have it', { isReleased: (isWritten) => isWritten }),
  ships('output when one of those in step has it', {
    isReleased: (isWritten, acked) => isWritten && (acked.length === 0 || acked.includes(true))
  }),
  ships('follower acks what its disk does not have', { acksUnwritten: () => true }),
  ships('read window from when the answer came', { mayRead: (_sent, sinceAckedMs) => sinceAckedMs <= 7_500 }),
  ships('reads without a window', { mayRead: () => true }),
  ships('takeover asked too early', { mayAsk: (silentMs) => silentMs >= 3_000 }),
  ships('takeover asked too late', { mayAsk: (silentMs) => silentMs >= 15_000 }),
  ships('held by one that lost its copy', { mayTake: () => true }),
  { name: 'read window by a clock that sleeps', rules: { ...RULES, countsSleep: false } }
]
