import { asArray, asUint, decode } from '@brume/codec'
import type { JournalVerdict } from '@brume/ports'
import { FLAG_CLEAN_STOP, KIND_CHECKPOINT, KIND_CUT, KIND_REBORN } from './layout.ts'
import { type Mark, reachesMark } from './mark.ts'
import { type JournalContent, type SegmentContent, tailOf } from './reader.ts'

/** What opening concludes from the files, LevelDB's mark and the identity file. */
export interface Finding {
  readonly verdict: JournalVerdict
  /** The files are given up and a new journal begins. */
  readonly replaced: boolean
  /** Sequence of the record by which an earlier loss is remembered. */
  readonly rebornSequence?: number
  /** Sequence of the newest record that says the journal was cut there; 0 for none. */
  readonly cutSequence: number
  /** The last process ended by `close`. */
  readonly cleanStop: boolean
  /** LevelDB is older than the journal's checkpoint says: it was restored or lost writes. */
  readonly storeBehind: boolean
}

const PAYLOAD_LIMITS = { bytesMax: 128 }

/** Pure. `expected`: something outside both says that a journal was born. */
export function inspect(content: JournalContent, mark: Mark | undefined, expected: boolean): Finding {
  const records = content.segments.flatMap((segment) => segment.records)
  const last = records.at(-1)
  const cleanStop = last?.kind === KIND_CHECKPOINT && (last.flags & FLAG_CLEAN_STOP) !== 0
  const storeBehind = lastCheckpoint(content.segments) > (mark?.batch ?? 0)
  const cut = records.findLast(({ kind, sequence }) => kind === KIND_CUT && sequence >= (mark?.released ?? 0))
  const base = { cleanStop, storeBehind, cutSequence: cut?.sequence ?? 0 }
  if (content.verdict === 'damaged') return { ...base, verdict: 'damaged', replaced: true }
  if (content.verdict === 'absent' && mark === undefined && !expected) {
    return { ...base, verdict: 'clean', replaced: false }
  }
  const isLost = content.verdict === 'absent' || (mark !== undefined && !reachesMark(content.segments, mark))
  if (isLost) return { ...base, verdict: 'lost', replaced: true }
  const reborn = records.findLast((record) => record.kind === KIND_REBORN)
  const remembered = reborn !== undefined && reborn.sequence >= (mark?.released ?? 0) ? reborn : undefined
  if (remembered === undefined) return { ...base, verdict: soundVerdict(content), replaced: false }
  return { ...base, verdict: 'lost', replaced: false, rebornSequence: remembered.sequence }
}

const soundVerdict = (content: JournalContent): JournalVerdict => (content.verdict === 'torn' ? 'torn' : 'clean')

/** Batch number of the newest checkpoint, 0 without one. */
export function lastCheckpoint(segments: readonly SegmentContent[]): number {
  const records = segments.flatMap((segment) => segment.records)
  const checkpoint = records.findLast((record) => record.kind === KIND_CHECKPOINT)
  if (checkpoint === undefined) return 0
  return asUint(asArray(decode(checkpoint.payload, PAYLOAD_LIMITS), 'checkpoint', 2)[0] ?? null, 'checkpoint batch')
}

/** Above all that any trace of the old journal names, so that no sequence is used twice. */
export function rebirthSequence(content: JournalContent, mark: Mark | undefined, names: readonly number[]): number {
  const seen = [tailOf(content.segments).nextSequence - 1, mark?.sequence ?? 0, ...names]
  return Math.max(...seen) + 1
}
