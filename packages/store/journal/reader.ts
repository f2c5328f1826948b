import { chainOf, decodeHeader, decodeRecord, HEADER_BYTES, NO_CHAIN, type RawRecord, recordBytes } from './layout.ts'

/** One file as it was found. */
export interface SegmentFile {
  /** First sequence, as the file's name has it. */
  readonly firstSequence: number
  readonly bytes: Uint8Array
}

export interface SegmentContent {
  readonly firstSequence: number
  readonly segmentBytes: number
  /** Chain before the first record. */
  readonly chainBefore: Uint8Array
  /** Bytes of header and valid records; what follows is zeros or was torn. */
  readonly endPosition: number
  readonly records: readonly RawRecord[]
}

/**
 * What the files say by themselves, before any mark from elsewhere is asked. `damaged` carries the
 * content of all that was readable before the first fault; `version` is set for a later format.
 */
export interface JournalContent {
  readonly verdict: 'clean' | 'torn' | 'damaged' | 'absent'
  readonly segments: readonly SegmentContent[]
  readonly version?: number
}

type Fault = 'none' | 'torn' | 'damaged'

/**
 * Reads a journal from its files, oldest first. Pure. A record counts only if length, CRC, sequence
 * and chain are right; anything else ends the reading: `torn` where nothing valid follows it,
 * `damaged` where something does, or where header, owner or the seam of two files is wrong.
 */
export function readJournal(files: readonly SegmentFile[], owner: Uint8Array): JournalContent {
  const segments: SegmentContent[] = []
  let before: SegmentContent | undefined
  for (const [index, file] of files.entries()) {
    const read = readSegment(file, owner, before)
    if ('version' in read) return { verdict: 'damaged', segments, version: read.version }
    if (read.content !== undefined) segments.push(read.content)
    const isLast = index === files.length - 1
    if (read.fault === 'damaged' || (read.fault === 'torn' && !isLast)) return { verdict: 'damaged', segments }
    if (read.fault === 'torn') return { verdict: 'torn', segments }
    before = read.content
  }
  return { verdict: files.length === 0 ? 'absent' : 'clean', segments }
}

type SegmentRead = { readonly fault: Fault; readonly content?: SegmentContent } | { readonly version: number }

function readSegment(file: SegmentFile, owner: Uint8Array, before: SegmentContent | undefined): SegmentRead {
  const header = decodeHeader(file.bytes)
  if (header === undefined) return { fault: 'damaged' }
  if ('version' in header) return header
  const foreign = header.firstSequence !== file.firstSequence || !sameBytes(header.owner, owner)
  if (foreign || (before !== undefined && !continues(before, header))) return { fault: 'damaged' }
  const { records, endPosition } = readRecords(file.bytes, header.firstSequence, header.chainBefore)
  const { firstSequence, segmentBytes, chainBefore } = header
  const content = { firstSequence, segmentBytes, chainBefore, endPosition, records }
  return { content, fault: faultAfter(file.bytes, endPosition, segmentBytes) }
}

const continues = (before: SegmentContent, next: { firstSequence: number; chainBefore: Uint8Array }): boolean =>
  next.firstSequence === nextSequenceOf(before) && sameBytes(next.chainBefore, lastChainOf(before))

export const nextSequenceOf = (segment: SegmentContent): number => segment.firstSequence + segment.records.length

export const lastChainOf = (segment: SegmentContent): Uint8Array => segment.records.at(-1)?.chain ?? segment.chainBefore

function readRecords(
  bytes: Uint8Array,
  firstSequence: number,
  chainBefore: Uint8Array
): { records: RawRecord[]; endPosition: number } {
  const records: RawRecord[] = []
  let chain = chainBefore
  let position = HEADER_BYTES
  for (;;) {
    const record = decodeRecord(bytes, position)
    if (record === undefined || record.sequence !== firstSequence + records.length) break
    if (!sameBytes(record.chain, chainOf(chain, record))) break
    records.push(record)
    chain = record.chain
    position += recordBytes(record.payload.length)
  }
  return { records, endPosition: position }
}

/** Preallocated files have one size for life: a shorter one has lost its end, whatever that was. */
function faultAfter(bytes: Uint8Array, endPosition: number, segmentBytes: number): Fault {
  const isZero = firstNonZero(bytes, endPosition) === bytes.length
  if (isZero) return bytes.length === segmentBytes ? 'none' : 'torn'
  for (let at = endPosition; at < bytes.length; at += 8) {
    if (decodeRecord(bytes, at) !== undefined) return 'damaged'
  }
  return 'torn'
}

/** Index of the first byte from `start` on that is not zero; `bytes.length` where all are. */
export function firstNonZero(bytes: Uint8Array, start: number): number {
  for (let at = start; at < bytes.length; at += 1) if (bytes[at] !== 0) return at
  return bytes.length
}

export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && Buffer.compare(a, b) === 0

/** What a journal of these segments goes on with. */
export function tailOf(segments: readonly SegmentContent[]): { nextSequence: number; chain: Uint8Array } {
  const last = segments.at(-1)
  if (last === undefined) return { nextSequence: 1, chain: NO_CHAIN }
  return { nextSequence: nextSequenceOf(last), chain: lastChainOf(last).slice() }
}
