export { faultWeight, MEMBERS_MAX, quorumWeight, WEIGHT_MAX } from './arith.ts'
export { type DomainRisk, requireSound, singleDomains, type Unsound } from './availability.ts'
export { type Certificate, certify, isWellFormed, votesOf } from './certificate.ts'
export { type Committee, type CommitteeMember, certifies, createCommittee, leaderOf, weightOf } from './committee.ts'
export type { Diversity, Domains } from './diversity.ts'
export { CommitteeError } from './errors.ts'
export type { DropReason, Effect, Event, Message, Purpose } from './events.ts'
export { type Candidate, type Formation, formCommittee } from './formation.ts'
export { RULES, type Rules } from './judgement.ts'
export { DEFAULT_POLICY, type MemberClass, type Policy } from './policy.ts'
export { accumulateSeed, epochSeedInput } from './seed.ts'
export {
  type Config,
  createState,
  type Final,
  type Held,
  type Judge,
  type Mark,
  type Proposal,
  type Restored,
  type State,
  VIEWS_AHEAD
} from './state.ts'
export {
  contradicts,
  type Digest,
  KIND,
  NO_DIGEST,
  type Statement,
  sameStatement,
  signedBytes,
  type Vote,
  type VoteKind
} from './statement.ts'
export { type Step, step } from './step.ts'
export { deltaOf, wakeAtMs } from './timing.ts'
export { viewAt } from './views.ts'
