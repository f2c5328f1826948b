import { asArray, asText, asUint, decode, encode } from '@brume/codec'
import type { Journal } from '@brume/ports'

/**
 * What a journal says about itself, for one epoch of one group.
 *
 * `whole`: nothing said in the epoch before this note is missing from it. `muted`: something is, for good. `parked`:
 * of a volatile member, which journals no votes: all that it said is in the records before this one, and nothing
 * was said since.
 */
export type NoteKind = 'whole' | 'muted' | 'parked'

const CODE: Readonly<Record<NoteKind, number>> = { whole: 1, muted: 2, parked: 3 }
const REASON_BYTES_MAX = 512
const NOTE_BYTES_MAX = 600

export interface Note {
  readonly epoch: number
  readonly kind: NoteKind
  /** In a sentence for people; may be empty. */
  readonly reason: string
}

/** A note where it was found. */
export interface FoundNote extends Note {
  readonly sequence: number
}

/** `[epoch, kind, reason]`, canonical CBOR. */
export function encodeNote({ epoch, kind, reason }: Note): Uint8Array {
  return encode([epoch, CODE[kind], reason])
}

/** @throws CodecError */
export function decodeNote(bytes: Uint8Array): Note {
  const [epoch, code, reason] = asArray(decode(bytes, { bytesMax: NOTE_BYTES_MAX }), 'note', 3)
  const known = asUint(code, 'kind of note', CODE.parked, CODE.whole)
  const kind = (Object.keys(CODE) as NoteKind[]).find((name) => CODE[name] === known) ?? 'muted'
  return { epoch: asUint(epoch, 'epoch'), kind, reason: asText(reason, 'reason', REASON_BYTES_MAX) }
}

/** May this key speak in an epoch? `owed`: only once enough others have said what they heard of it. */
export type Standing =
  | { readonly type: 'free' }
  | { readonly type: 'owed' }
  | { readonly type: 'muted'; readonly reason: string }

export interface Past {
  /** Notes of the epoch, oldest first. */
  readonly notes: readonly FoundNote[]
  readonly journal: Pick<Journal, 'verdict' | 'since' | 'cutAt'>
  /** This process was there when the epoch began: before, nobody said anything in it. */
  readonly sawBeginning: boolean
  /** The member journals no votes. */
  readonly isVolatile: boolean
}

/** From what the journal knows and lacks: pure. */
export function standingOf({ notes, journal, sawBeginning, isVolatile }: Past): Standing {
  const muted = notes.find(({ kind }) => kind === 'muted')
  if (muted !== undefined) return { type: 'muted', reason: muted.reason }
  if (sawBeginning) return { type: 'free' }
  if (isVolatile) {
    const last = notes.at(-1)
    const isIntact = last?.kind === 'parked' && last.sequence >= journal.since && last.sequence > journal.cutAt
    return isIntact ? { type: 'free' } : muteAs(ABSENT)
  }
  const whole = notes.findLast(({ kind }) => kind === 'whole')?.sequence ?? 0
  const isBroken = journal.verdict === 'lost' || journal.verdict === 'damaged'
  if (isBroken && whole < journal.since) return muteAs(`the journal is ${journal.verdict}: ${UNKNOWN}`)
  return whole < journal.cutAt ? { type: 'owed' } : { type: 'free' }
}

const UNKNOWN = 'what this key has said is not known, so it says nothing more in this epoch'
const ABSENT = 'a volatile member votes only in epochs whose beginning it saw, or after a clean stop'

const muteAs = (reason: string): Standing => ({ type: 'muted', reason })
