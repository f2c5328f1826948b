import type { Rules } from '@brume/consensus'
import type { HostRules } from '../node/contract.ts'

/** A known bug: one judgement of the reducer or one duty of its host, replaced by a wrong one. */
export interface Mutant {
  readonly name: string
  readonly rules?: Partial<Rules>
  readonly host?: Partial<HostRules>
}
