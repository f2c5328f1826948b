import type { Certificate } from './certificate.ts'
import type { Final, Held, Proposal } from './state.ts'
import type { Digest, Statement, Vote, VoteKind } from './statement.ts'

/** What members say to each other, before any codec. */
export type Message =
  | { readonly type: 'votes'; readonly votes: readonly Vote[] }
  | { readonly type: 'propose'; readonly proposal: Proposal; readonly signature: Uint8Array }
  | { readonly type: 'certificate'; readonly certificate: Certificate }
  /** Asks for what the receiver holds of a view; kind 0 = anything, notarize = with the block. */
  | { readonly type: 'request'; readonly view: number; readonly want: 0 | VoteKind }
  | { readonly type: 'status' }

/** Why signatures are being checked: what to do once they are. */
export type Purpose =
  | { readonly type: 'tally'; readonly view: number; readonly kind: VoteKind; readonly digest: Digest }
  | { readonly type: 'certificate'; readonly certificate: Certificate; readonly from: number }

/** Everything that can happen to a member. `nowMs` is monotonic, `wallMs` the wall clock; both are the host's. */
export type Event =
  | {
      readonly type: 'votes'
      readonly from: number
      readonly votes: readonly Vote[]
      readonly view: number
      readonly final: number
      readonly nowMs: number
      /** Their signatures were checked: so they take their slots although others handed them on. */
      readonly verified?: boolean
    }
  | {
      readonly type: 'propose'
      readonly from: number
      readonly proposal: Proposal
      readonly signature: Uint8Array
      readonly nowMs: number
      readonly wallMs: number
    }
  | {
      readonly type: 'certificate'
      readonly from: number
      readonly certificate: Certificate
      readonly nowMs: number
      readonly wallMs: number
    }
  | { readonly type: 'request'; readonly from: number; readonly view: number; readonly want: 0 | VoteKind }
  | {
      readonly type: 'status'
      readonly from: number
      readonly view: number
      readonly final: number
      readonly nowMs: number
    }
  | { readonly type: 'up' | 'down'; readonly member: number; readonly nowMs: number }
  /** The answer to a `verify` effect, its votes handed back: which of the signers did not sign. */
  | {
      readonly type: 'verified'
      readonly purpose: Purpose
      readonly votes: readonly Vote[]
      readonly bad: readonly number[]
      readonly nowMs: number
      readonly wallMs: number
    }
  /** Own votes are on disk. */
  | { readonly type: 'synced'; readonly votes: readonly Vote[]; readonly nowMs: number; readonly wallMs: number }
  /** The answer to a `build` effect: a block; or null: nothing to put into one, and if it was to be empty, none can be made. */
  | {
      readonly type: 'built'
      readonly view: number
      readonly proposal: Proposal | null
      readonly nowMs: number
      readonly wallMs: number
    }
  /** The pool changed: is anything waiting, and is it more than before? */
  | {
      readonly type: 'pool'
      readonly pending: boolean
      readonly version: number
      readonly nowMs: number
      readonly wallMs: number
    }
  /** What the program and the epoch wait for: a group time, ms since 1970, and a close that is due at once. */
  | {
      readonly type: 'due'
      readonly dueMs: number | null
      readonly closeNow: boolean
      readonly nowMs: number
      readonly wallMs: number
    }
  /** Evidence against a member is journaled: it is not waited for any more. */
  | { readonly type: 'convicted'; readonly member: number }
  /** A measured Delta. */
  | { readonly type: 'pace'; readonly deltaMs: number }
  | { readonly type: 'voting'; readonly voting: boolean; readonly nowMs: number; readonly wallMs: number }
  /** Blocks up to here were fetched, checked and delivered by other means. */
  | { readonly type: 'adopt'; readonly final: Final; readonly nowMs: number; readonly wallMs: number }
  | { readonly type: 'tick'; readonly nowMs: number; readonly wallMs: number }

/** Everything a member asks of its host. */
export type Effect =
  | { readonly type: 'send'; readonly to: number | 'all'; readonly message: Message }
  /** Sign, append to the journal, sync; then answer `synced`. With a proposal: journal it before the vote. */
  | {
      readonly type: 'cast'
      readonly statement: Statement
      readonly proposal: Proposal | null
      readonly signature: Uint8Array | null
    }
  | { readonly type: 'verify'; readonly purpose: Purpose; readonly votes: readonly Vote[] }
  /** As leader: make a block on this parent; `ancestors` are the unfinalized blocks below, newest first. */
  | {
      readonly type: 'build'
      readonly view: number
      readonly parentView: number
      readonly parent: Digest
      readonly height: number
      readonly timeMs: number
      readonly ancestors: readonly Proposal[]
      readonly empty: boolean
    }
  /** A certificate to journal: it costs no sync of its own, the next vote's covers it. */
  | { readonly type: 'keep'; readonly certificate: Certificate }
  /** A block has a notarization; it may still be revoked. */
  | { readonly type: 'notarized'; readonly proposal: Proposal }
  /** Blocks that became final, oldest first. */
  | { readonly type: 'finalized'; readonly blocks: readonly Held[]; readonly certificate: Certificate }
  | { readonly type: 'entered'; readonly view: number; readonly by: 'notarization' | 'nullification' | 'adoption' }
  /** Votes for nullification leave now; before that, the oldest pending commands should go to everybody. */
  | { readonly type: 'spread' }
  /** A finalization whose blocks cannot be had by view: fetch them by height. */
  | { readonly type: 'behind'; readonly certificate: Certificate }
  /** Two signed statements no honest member makes; signatures may still be unchecked. */
  | { readonly type: 'conflict'; readonly a: Vote; readonly b: Vote }
  | { readonly type: 'dropped'; readonly reason: DropReason; readonly from: number }

export type DropReason = 'epoch' | 'view' | 'signer' | 'leader' | 'malformed' | 'ignored' | 'signature' | 'unwanted'
