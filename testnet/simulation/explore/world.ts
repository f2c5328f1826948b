import { type Committee, createCommittee, type Rules } from '@brume/consensus'
import { Locals } from './locals.ts'
import { Verdicts } from './verdicts.ts'
import { type Sets, Vocabulary } from './vocabulary.ts'

const ID = new Uint8Array(32).fill(9)
const MEMBERS = [0, 1, 2, 3] as const

/** Four members, one of them a liar, and what there is to say among them. */
export interface World {
  readonly committee: Committee
  readonly liar: number
  readonly rules: Partial<Rules>
  /** Views 1 to this are explored; what lies beyond is not delivered. */
  readonly views: number
  readonly vocabulary: Vocabulary
  readonly verdicts: Verdicts
  readonly sets: Sets
}

export interface WorldOptions {
  readonly views: number
  readonly rules?: Partial<Rules> | undefined
  readonly sets?: Sets | undefined
  /** Members may end at any time and begin again from what their journals hold. Default false. */
  readonly restarts?: boolean
}

/** Which view the liar leads, one world each; null: none of those that are explored. */
export function casesOf(views: number): readonly (number | null)[] {
  return [...Array.from({ length: views }, (_, i) => i + 1), null]
}

export function makeWorld(liarLeads: number | null, options: WorldOptions): World {
  const { views, rules = {}, sets = 'quorums', restarts = false } = options
  const members = MEMBERS.map((member) => ({ key: new Uint8Array(32).fill(member + 1), weight: 1 }))
  const committee = createCommittee({ groupId: ID, epoch: 0, hash: ID, seed: ID, members })
  const liar = committee.leaders[(liarLeads ?? MEMBERS.length) - 1] ?? 0
  const verdicts = new Verdicts()
  const vocabulary = new Vocabulary({ committee, liar, views, restarts }, verdicts)
  return { committee, liar, rules, views, verdicts, sets, vocabulary }
}

/** The three that keep to the protocol. */
export function honestIn(world: World): readonly Locals[] {
  return MEMBERS.filter((member) => member !== world.liar).map((member) => new Locals(world, member))
}
