import type { Digest } from '../statement.ts'
import type { SlotProposal } from './state.ts'
import type { SlotCertificate, SlotStatement, SlotVote } from './statement.ts'

/** What members of a slot send each other. */
export type SlotMessage =
  | { readonly type: 'votes'; readonly votes: readonly SlotVote[] }
  | { readonly type: 'certificate'; readonly certificate: SlotCertificate }
  | ({ readonly type: 'propose' } & SlotProposal)
  /** Where a member is that has said nothing: what it lacks is sent to it. */
  | { readonly type: 'ask'; readonly epoch: number; readonly view: number }

/** What happened; `nowMs` is monotonic. Every signature in a message was verified by the host before. */
export type SlotEvent = { readonly nowMs: number } & (
  | (SlotMessage & { readonly from: number })
  /** This replica has computed: lower-case hex of 32 bytes. Only the first one counts. */
  | { readonly type: 'result'; readonly digest: Digest }
  /** Votes asked for by `cast` are signed and on disk. */
  | { readonly type: 'synced'; readonly votes: readonly SlotVote[] }
  | { readonly type: 'tick' }
)

export type SlotEffect =
  /** Sign, append to the journal, sync, answer with `synced`. */
  | { readonly type: 'cast'; readonly statement: SlotStatement }
  /** Append to the journal before any later vote; needs no sync of its own. */
  | { readonly type: 'keep'; readonly certificate: SlotCertificate }
  | { readonly type: 'send'; readonly to: 'all' | number; readonly message: SlotMessage }
  /** For good: kind finalize. The digest is a result, or `DISAGREE`. */
  | { readonly type: 'decided'; readonly certificate: SlotCertificate }
  /** Leaderless slots only: a quorum nullified the result view. */
  | { readonly type: 'undecided'; readonly certificate: SlotCertificate }
  /** Two signed statements no honest member makes. */
  | { readonly type: 'conflict'; readonly a: SlotVote; readonly b: SlotVote }
  | { readonly type: 'dropped'; readonly reason: 'slot' | 'signer' | 'view' | 'malformed'; readonly from: number }
