import type { Certificate } from './certificate.ts'
import type { Committee } from './committee.ts'
import type { Rules } from './judgement.ts'
import { type Digest, type Statement, sameStatement, type Vote } from './statement.ts'

export interface Slot {
  readonly vote: Vote
  readonly verified: boolean
}
export type Slots = readonly (Slot | undefined)[]

/** What the votes for one statement weigh, kept as they come: adding up the slots anew costs n steps a vote. */
export interface Count {
  readonly statement: Statement
  readonly weight: number
}

/** Votes of one kind for one view, and the certificate they made. */
export interface Tally {
  /** By signer. */
  readonly slots: Slots
  /** One entry unless somebody lies; at most one a signer. */
  readonly counts: readonly Count[]
  /** Digest whose signatures are being checked, so that they are checked once. */
  readonly checking: Digest | null
  readonly certificate: Certificate | null
}

export const EMPTY_TALLY: Tally = { slots: [], counts: [], checking: null, certificate: null }

export function weightFor({ counts }: Tally, statement: Statement): number {
  for (const count of counts) if (sameStatement(count.statement, statement)) return count.weight
  return 0
}

/** The tally with a vote in its slot. */
export function withVote(tally: Tally, vote: Vote, verified: boolean, committee: Committee, rules: Rules): Tally {
  const { checking, certificate, counts } = tally
  const before = tally.slots[vote.signer]
  const slots = slotsOf(tally, committee)
  slots[vote.signer] = { vote, verified }
  if (before === undefined) {
    return { slots, counts: added(counts, vote, rules.weightOf(committee, vote.signer)), checking, certificate }
  }
  if (rules.isCounted(before, vote)) return { slots, counts, checking, certificate }
  if (!sameStatement(before.vote, vote)) {
    return { slots, counts: counted(slots, committee, rules), checking, certificate }
  }
  return { slots, counts: added(counts, vote, rules.weightOf(committee, vote.signer)), checking, certificate }
}

/** As long as the committee from the start: an array that grows is copied twice. */
function slotsOf({ slots }: Tally, { members }: Committee): (Slot | undefined)[] {
  return slots.length === 0 ? new Array<Slot | undefined>(members.length).fill(undefined) : slots.slice()
}

/** The tally after signatures were checked: with `lost`, some votes have left their slots. */
export function withSlots(tally: Tally, slots: Slots, lost: boolean, committee: Committee, rules: Rules): Tally {
  const counts = lost ? counted(slots, committee, rules) : tally.counts
  return { slots, counts, checking: null, certificate: tally.certificate }
}

function added(counts: readonly Count[], statement: Statement, weight: number): readonly Count[] {
  const copy = counts.slice()
  for (let i = 0; i < copy.length; i++) {
    const count = copy[i]
    if (count === undefined || !sameStatement(count.statement, statement)) continue
    copy[i] = { statement, weight: count.weight + weight }
    return copy
  }
  copy.push({ statement, weight })
  return copy
}

function counted(slots: Slots, committee: Committee, rules: Rules): readonly Count[] {
  return slots.reduce<readonly Count[]>(
    (counts, slot) =>
      slot === undefined ? counts : added(counts, slot.vote, rules.weightOf(committee, slot.vote.signer)),
    []
  )
}
