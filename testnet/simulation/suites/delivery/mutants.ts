import { LINK_RULES, type LinkRules } from '@brume/runtime/delivery'

/** A known bug: one judgement of a link, replaced by a wrong one. */
export interface Mutant {
  readonly name: string
  readonly rules: LinkRules
}

const mutant = (name: string, wrong: Partial<LinkRules>): Mutant => ({ name, rules: { ...LINK_RULES, ...wrong } })

export const MUTANTS: readonly Mutant[] = [
  mutant('outbox deleted on Ack 0', { releases: () => true }),
  mutant('TTL restarted on resend', { remainingMs: (ttlMs) => ttlMs }),
  mutant('watermark not checked', { isDuplicate: () => false }),
  mutant('gaps not seen', { isGap: () => false }),
  mutant('incarnation fence missing', { isStale: () => false }),
  mutant('volatile message sent again to a peer that restarted', { mayRepeat: () => true })
]
