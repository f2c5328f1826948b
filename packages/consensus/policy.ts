import type { Diversity } from './diversity.ts'

/** What a member's key is worth: 0 kept in a file, 1 held by hardware, 2 in a trusted execution environment. */
export type MemberClass = 0 | 1 | 2

/** How weights come about and what the committee must survive; fixed in a group's manifest. */
export interface Policy {
  /** Raw weight of a member of each class, 1 to 1,000. */
  readonly classWeights: readonly [number, number, number]
  /** Attributes no domain of which may weigh more than F: one lying domain then breaks nothing. */
  readonly caps: readonly string[]
  /** Attributes any one domain of which may fall silent without stopping the group. */
  readonly surviveDown: readonly string[]
  readonly diversity: readonly Diversity[]
}

export const DEFAULT_POLICY: Policy = { classWeights: [100, 150, 200], caps: [], surviveDown: [], diversity: [] }
