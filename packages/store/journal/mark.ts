import type { Store } from '@brume/ports'
import { CHAIN_BYTES, NO_CHAIN } from './layout.ts'
import { type SegmentContent, sameBytes, tailOf } from './reader.ts'

/** What LevelDB remembers of the journal, so that an older copy of either is noticed beside the other. */
export interface Mark {
  /** The last record known to be on disk, 0 for none, and its chain. */
  readonly sequence: number
  readonly chain: Uint8Array
  /** Records below this are released; the first file begins at or below it. */
  readonly released: number
  /** Counts the marks; the journal's checkpoint records repeat it. */
  readonly batch: number
}

const KEY = new TextEncoder().encode('meta/journal')
const MARK_BYTES = 8 + CHAIN_BYTES + 8 + 8

/** sequence u64 | chain, 32 bytes | released u64 | batch u64 */
export function encodeMark(mark: Mark): Uint8Array {
  const bytes = new Uint8Array(MARK_BYTES)
  const view = new DataView(bytes.buffer)
  view.setBigUint64(0, BigInt(mark.sequence))
  bytes.set(mark.chain, 8)
  view.setBigUint64(8 + CHAIN_BYTES, BigInt(mark.released))
  view.setBigUint64(16 + CHAIN_BYTES, BigInt(mark.batch))
  return bytes
}

function decodeMark(bytes: Uint8Array): Mark | undefined {
  if (bytes.length !== MARK_BYTES) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return {
    sequence: Number(view.getBigUint64(0)),
    chain: bytes.slice(8, 8 + CHAIN_BYTES),
    released: Number(view.getBigUint64(8 + CHAIN_BYTES)),
    batch: Number(view.getBigUint64(16 + CHAIN_BYTES))
  }
}

export async function readMark(store: Store): Promise<Mark | undefined> {
  const bytes = await store.get(KEY)
  return bytes === undefined ? undefined : decodeMark(bytes)
}

export const writeMark = (store: Store, mark: Mark, sync: boolean): Promise<void> =>
  store.batch([{ type: 'put', key: KEY, value: encodeMark(mark) }], { sync })

/** Does the journal hold at least what the mark has seen of it, with the same content? */
export function reachesMark(segments: readonly SegmentContent[], mark: Mark): boolean {
  const first = segments[0]
  if (first === undefined || first.firstSequence > mark.released) return false
  if (mark.sequence >= tailOf(segments).nextSequence) return false
  const chain = chainAt(segments, mark.sequence)
  return chain === undefined || sameBytes(chain, mark.chain)
}

/** Chain of record `sequence`; undefined where its file is released. */
function chainAt(segments: readonly SegmentContent[], sequence: number): Uint8Array | undefined {
  if (sequence === 0) return NO_CHAIN
  const holder = segments.findLast((segment) => segment.firstSequence - 1 <= sequence)
  if (holder === undefined) return undefined
  return holder.records[sequence - holder.firstSequence]?.chain ?? holder.chainBefore
}
