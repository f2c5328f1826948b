import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { Clock, Disk, Store } from '@brume/ports'
import { systemClock } from '@brume/ports/system'
import { JournalError } from '../errors.ts'
import { FileJournal, type OpenedJournal } from './file-journal.ts'
import { inspect } from './inspect.ts'
import { SEGMENT_BYTES, SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN, sequenceOfName, VERSION } from './layout.ts'
import { readMark, writeMark } from './mark.ts'
import { nodeDisk } from './node-disk.ts'
import { sweepQuarantine } from './quarantine.ts'
import { readJournal, type SegmentFile } from './reader.ts'
import { isFull } from './segments.ts'
import { begin, type Place } from './start.ts'
import { failedError, fullError, type SyncReport } from './writer.ts'

export interface JournalOptions {
  /** The journal's own folder; made where absent. */
  readonly directory: string
  /** The peer's public key, 32 bytes: a journal of another key is damage. */
  readonly owner: Uint8Array
  /** Holds the mark against rollback; its lock is also the journal's. */
  readonly store: Store
  /** The identity file says that this peer had a journal. */
  readonly expected: boolean
  readonly disk?: Disk
  readonly clock?: Clock
  /** Bytes of a segment, 65,688 or more; default 4 MiB. Smaller ones are for tests. */
  readonly segmentBytes?: number
  /** Called at the end of a turn with all that turn's appends made. Default setImmediate. */
  readonly endOfTurn?: (run: () => void) => void
  /** After each write and sync. */
  readonly onSynced?: (report: SyncReport) => void
  /** Once, when a write or sync failed for good: the process should end with code 74. */
  readonly onFailed?: (error: JournalError) => void
  /** A mark could not be written to the store; the journal itself goes on. */
  readonly onMarkError?: (error: unknown) => void
}

/**
 * Opens the append-only journal of testing.md 8.2. Rejects with `JournalError`: a later format, a
 * full disk, a disk that fails. Loss and damage are no rejection but the verdict: old files then
 * lie in `quarantine/` for a week, a new journal has begun, and the verdict stays `lost` at each
 * later open until `release` passes the beginning of the new one.
 */
export async function openJournal(options: JournalOptions): Promise<OpenedJournal> {
  try {
    return await open(options)
  } catch (error) {
    if (isFull(error)) throw fullError(error)
    if (error instanceof Error && 'code' in error && String(error.code).startsWith('BRUME_')) throw error
    throw failedError(error)
  }
}

async function open(options: JournalOptions): Promise<OpenedJournal> {
  const place = placeOf(options)
  await place.disk.makeDirectory(place.directory)
  await sweepQuarantine(place.disk, place.directory, place.clock.wall())
  const files = await readFiles(place)
  const content = readJournal(files, place.owner)
  if (content.version !== undefined) throw versionError(content.version)
  const mark = await readMark(options.store)
  const finding = inspect(content, mark, options.expected)
  const start = await begin(place, { content, mark, finding, names: files.map((file) => file.firstSequence) })
  await writeMark(options.store, start.mark, true)
  return new FileJournal({ ...options, ...place, start, finding, replayed: content.segments })
}

function placeOf(options: JournalOptions): Place {
  const { directory, disk = nodeDisk(), clock = systemClock(), segmentBytes = SEGMENT_BYTES } = options
  if (segmentBytes < SEGMENT_BYTES_MIN || segmentBytes > SEGMENT_BYTES_MAX) {
    throw new RangeError(`segmentBytes is ${SEGMENT_BYTES_MIN} to ${SEGMENT_BYTES_MAX}, not ${segmentBytes}`)
  }
  const owner = createHash('sha256').update(options.owner).digest()
  return { directory, disk, clock, segmentBytes, owner }
}

async function readFiles({ disk, directory }: Place): Promise<SegmentFile[]> {
  const files: SegmentFile[] = []
  for (const name of await disk.list(directory)) {
    const firstSequence = sequenceOfName(name)
    if (firstSequence === undefined) continue
    files.push({ firstSequence, bytes: await disk.read(join(directory, name)) })
  }
  return files
}

const versionError = (version: number): JournalError =>
  new JournalError(
    'BRUME_JOURNAL_VERSION',
    `The journal has format ${version}, this brume knows ${VERSION}: start the version that wrote it`
  )
