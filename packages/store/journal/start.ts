import { join } from 'node:path'
import { encode } from '@brume/codec'
import type { Clock, Disk } from '@brume/ports'
import { type Finding, lastCheckpoint, rebirthSequence } from './inspect.ts'
import {
  chainOf,
  encodeRecord,
  KIND_CUT,
  KIND_REBORN,
  NO_CHAIN,
  type RawRecord,
  recordBytes,
  segmentName
} from './layout.ts'
import type { Mark } from './mark.ts'
import { quarantine } from './quarantine.ts'
import { type JournalContent, tailOf } from './reader.ts'
import { nameSegment, type OpenSegment, preallocateNext } from './segments.ts'

export interface Place {
  readonly disk: Disk
  readonly directory: string
  /** SHA-256 of the peer's public key. */
  readonly owner: Uint8Array
  readonly segmentBytes: number
  readonly clock: Clock
}

export interface Found {
  readonly content: JournalContent
  readonly mark: Mark | undefined
  readonly finding: Finding
  /** First sequences of all segment files, readable or not. */
  readonly names: readonly number[]
}

/** Where writing goes on. */
export interface Start {
  readonly current: OpenSegment
  readonly nextSequence: number
  readonly chain: Uint8Array
  /** To be written to the store before the journal is used. */
  readonly mark: Mark
  readonly rebornSequence: number | undefined
  readonly cutSequence: number
  /** First sequences of the live files, oldest first. */
  readonly segments: readonly number[]
}

/** Brings the files into the state in which they can be appended to: born, resumed, or born again. */
export async function begin(place: Place, found: Found): Promise<Start> {
  if (found.finding.replaced) return rebirth(place, found)
  if (found.content.verdict === 'absent') return birth(place)
  return resume(place, found)
}

async function birth(place: Place): Promise<Start> {
  const current = await newSegment(place, 1, new Uint8Array())
  const mark = { sequence: 0, chain: NO_CHAIN, released: 1, batch: 1 }
  return { current, nextSequence: 1, chain: NO_CHAIN, mark, rebornSequence: undefined, cutSequence: 0, segments: [1] }
}

/**
 * The new file first and the old ones moved after: a crash between leaves both, which is damage
 * again, and never an empty folder that looks like a new peer's.
 */
async function rebirth(place: Place, { content, mark, finding, names }: Found): Promise<Start> {
  const sequence = rebirthSequence(content, mark, names)
  const fields = { sequence, kind: KIND_REBORN, flags: 0, payload: encode([finding.verdict]) }
  const chain = chainOf(NO_CHAIN, fields)
  const current = await newSegment(place, sequence, encodeRecord({ ...fields, chain }))
  await quarantine(place.disk, place.directory, names.map(segmentName), place.clock.wall())
  const next = { sequence, chain, released: sequence, batch: nextBatch(content, mark) }
  const segments = [sequence]
  return { current, nextSequence: sequence + 1, chain, mark: next, rebornSequence: sequence, cutSequence: 0, segments }
}

async function resume(place: Place, { content, mark, finding }: Found): Promise<Start> {
  const cut = content.verdict === 'torn' ? cutRecord(content) : undefined
  const tail = tailOf(content.segments)
  const chain = cut?.chain ?? tail.chain
  const nextSequence = tail.nextSequence + (cut === undefined ? 0 : 1)
  const segments = content.segments.map((segment) => segment.firstSequence)
  const released = mark?.released ?? segments[0] ?? 1
  const next = { sequence: nextSequence - 1, chain, released, batch: nextBatch(content, mark) }
  const current = await reopen(place, content, cut)
  const { rebornSequence } = finding
  const cutSequence = cut?.sequence ?? finding.cutSequence
  return { current, nextSequence, chain, mark: next, rebornSequence, cutSequence, segments }
}

/**
 * Takes the place of what was torn, in the same write: a cut that is itself cut short is torn again.
 * Undefined where the segment has no room left in which a record could have been torn.
 */
function cutRecord(content: JournalContent): RawRecord | undefined {
  const { nextSequence: sequence, chain } = tailOf(content.segments)
  const fields = { sequence, kind: KIND_CUT, flags: 0, payload: encode(null) }
  const last = content.segments.at(-1)
  if (last === undefined || last.endPosition + recordBytes(fields.payload.length) > last.segmentBytes) return undefined
  return { ...fields, chain: chainOf(chain, fields) }
}

/** Higher than both sides have seen, so that each goes on being as new as the other's mark. */
const nextBatch = (content: JournalContent, mark: Mark | undefined): number =>
  Math.max(mark?.batch ?? 0, lastCheckpoint(content.segments)) + 1

async function newSegment(place: Place, firstSequence: number, records: Uint8Array): Promise<OpenSegment> {
  const { disk, directory, owner, segmentBytes } = place
  await disk.syncDirectory(directory)
  const file = await preallocateNext(disk, directory, segmentBytes)
  return nameSegment(disk, directory, file, { segmentBytes, firstSequence, owner, chainBefore: NO_CHAIN }, records)
}

async function reopen(
  { disk, directory }: Place,
  content: JournalContent,
  cut: RawRecord | undefined
): Promise<OpenSegment> {
  const last = content.segments.at(-1)
  if (last === undefined) throw new Error('a journal to resume has a segment')
  const { firstSequence, segmentBytes, endPosition } = last
  const file = await disk.open(join(directory, segmentName(firstSequence)))
  if (content.verdict !== 'torn') return { file, firstSequence, segmentBytes, position: endPosition }
  const rest = new Uint8Array(segmentBytes - endPosition)
  const record = cut === undefined ? new Uint8Array() : encodeRecord(cut)
  rest.set(record)
  await file.commit(endPosition, rest)
  return { file, firstSequence, segmentBytes, position: endPosition + record.length }
}
