import { type Committee, isDiverse } from './committee.ts'
import type { Final, State, ViewState } from './state.ts'
import { KIND, type Statement, sameStatement, signedBytes, type Vote, type VoteKind } from './statement.ts'
import type { Slot } from './tally.ts'
import { retryMs, standstillMs } from './timing.ts'

/** Is a nullification of this view here? */
export type IsNullified = (view: number) => boolean

/** How a view was left, or that something became final. */
export type Turn = 'notarization' | 'nullification' | 'finalization'

/**
 * Every judgement that safety or liveness rests on, as a record: production has exactly one, `RULES`. A
 * simulator that replaces one function by a wrong one must see its checks notice; if none does, the checks
 * are worth nothing.
 */
export interface Rules {
  /** The bytes a member signs. */
  readonly signedBytes: (committee: Committee, statement: Statement) => Uint8Array
  /** Weight one signer brings into a count. */
  readonly weightOf: (committee: Committee, signer: number) => number
  /** Least weight that decides. */
  readonly quorumOf: (committee: Committee) => number
  /** What signers need beside weight; a nullification needs none, or lost diversity would also stop the views. */
  readonly isDiverse: (committee: Committee, kind: VoteKind, signers: readonly number[]) => boolean
  /** Was this very statement of this signer counted before? */
  readonly isCounted: (slot: Slot, vote: Vote) => boolean
  /** A vote takes its signer's slot if its signature was checked, or if it came on the signer's own stream. */
  readonly mayTakeSlot: (vote: Vote, from: number, verified: boolean) => boolean
  /** An own vote that counts here although it is not on disk: none. */
  readonly countsUnsynced: (committee: Committee, self: number, statement: Statement) => Vote | null
  /** Not after an own nullify, not for a leader that contradicted itself, and once. The block is notarized and certified. */
  readonly mayFinalize: (view: ViewState) => boolean
  /** Not after an own finalize, and once. */
  readonly mayNullify: (view: ViewState | undefined) => boolean
  /** The highest view in the open interval (parentView, view) that was not nullified. */
  readonly gapBetween: (isNullified: IsNullified, parentView: number, view: number) => number | undefined
  /** May a missing nullification be asked for? Always: it is what heals a certified split. */
  readonly mayPull: (view: number) => boolean
  /** Does this weight of others at work wake a dormant member? */
  readonly wakes: (committee: Committee, weight: number) => boolean
  /** Only a higher view moves the floor. */
  readonly movesFloor: (from: Final, to: Final) => boolean
  /** The exponent of the back-off: counts views nullified or given up from here, and only a finalization takes it back to 0. */
  readonly nullifiedAfter: (nullified: number, turn: Turn) => number
  /** The period of resending, which never backs off. */
  readonly retryMs: (state: State) => number
  readonly standstillMs: (state: State) => number
  /** The clock a payload is judged by: none once a quorum has notarized it, or a slow clock would keep its owner out. */
  readonly judgingClock: (isNotarized: boolean, wallMs: number) => number | null
}

function gapBetween(isNullified: IsNullified, parentView: number, view: number): number | undefined {
  for (let v = view - 1; v > parentView; v--) if (!isNullified(v)) return v
  return undefined
}

export const RULES: Rules = {
  signedBytes,
  weightOf: ({ members }, signer) => members[signer]?.weight ?? 0,
  quorumOf: ({ quorum }) => quorum,
  isDiverse: (committee, kind, signers) => kind === KIND.nullify || isDiverse(committee, signers),
  isCounted: (slot, vote) => sameStatement(slot.vote, vote),
  mayTakeSlot: ({ signer }, from, verified) => verified || signer === from,
  countsUnsynced: () => null,
  mayFinalize: ({ said, leaderLied }) =>
    !leaderLied && said[KIND.nullify] === undefined && said[KIND.finalize] === undefined,
  mayNullify: (view) => view?.said[KIND.nullify] === undefined && view?.said[KIND.finalize] === undefined,
  gapBetween,
  mayPull: () => true,
  wakes: ({ faults }, weight) => weight > faults,
  movesFloor: (from, to) => to.view > from.view,
  nullifiedAfter: (nullified, turn) => (turn === 'finalization' ? 0 : nullified + Number(turn === 'nullification')),
  retryMs,
  standstillMs,
  judgingClock: (isNotarized, wallMs) => (isNotarized ? null : wallMs)
}
