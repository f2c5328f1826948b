import { join } from 'node:path'
import type { Cancel, Clock, Disk, DiskFile } from '@brume/ports'
import { encodeHeader, HEADER_BYTES, type SegmentHeader, segmentName } from './layout.ts'

/** Space is asked for again this often once the disk was full. */
const FULL_RETRY_MS = 1_000
const PREPARED_NAME = 'prepared.tmp'

export interface OpenSegment {
  readonly file: DiskFile
  readonly firstSequence: number
  readonly segmentBytes: number
  position: number
}

export interface SegmentsOptions {
  readonly disk: Disk
  readonly directory: string
  readonly owner: Uint8Array
  readonly segmentBytes: number
  readonly clock: Clock
  /** An error other than a full disk: final. */
  readonly failed: (error: unknown) => void
  /** The next segment is ready. */
  readonly ready: () => void
}

export const preallocateNext = (disk: Disk, directory: string, segmentBytes: number): Promise<DiskFile> =>
  disk.preallocate(join(directory, PREPARED_NAME), segmentBytes)

/** Header and first records into the prepared file, synced, and only then its name: what has a name has a header. */
export async function nameSegment(
  disk: Disk,
  directory: string,
  file: DiskFile,
  header: SegmentHeader,
  records: Uint8Array
): Promise<OpenSegment> {
  const { firstSequence, segmentBytes } = header
  await file.commit(0, Buffer.concat([encodeHeader(header), records]))
  await disk.rename(join(directory, PREPARED_NAME), join(directory, segmentName(firstSequence)))
  await disk.syncDirectory(directory)
  return { file, firstSequence, segmentBytes, position: HEADER_BYTES + records.length }
}

/** Makes segment files ahead of need and puts them under their names. */
export class Segments {
  readonly #options: SegmentsOptions
  #prepared: DiskFile | undefined
  #preparing: Promise<void> | undefined
  #retry: Cancel | undefined
  #full: Error | undefined
  #closed = false

  constructor(options: SegmentsOptions) {
    this.#options = options
  }

  /** Bytes of records that a segment takes. */
  get capacity(): number {
    return this.#options.segmentBytes - HEADER_BYTES
  }

  get isReady(): boolean {
    return this.#prepared !== undefined
  }

  /** The disk's own error while there is no space for a next segment. */
  get full(): Error | undefined {
    return this.#full
  }

  /** Starts making the next segment unless it is there or under way. */
  prepare(): void {
    if (this.#prepared !== undefined || this.#preparing !== undefined || this.#retry !== undefined) return
    this.#preparing = this.#preallocate().finally(() => {
      this.#preparing = undefined
    })
  }

  /** Makes the prepared file the current segment. */
  async begin(header: Omit<SegmentHeader, 'owner' | 'segmentBytes'>, records: Uint8Array): Promise<OpenSegment> {
    const { disk, directory, owner, segmentBytes } = this.#options
    const file = this.#prepared
    if (file === undefined) throw new Error('no segment is prepared')
    this.#prepared = undefined
    return nameSegment(disk, directory, file, { ...header, owner, segmentBytes }, records)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#retry?.()
    await this.#preparing
    await this.#prepared?.close()
    this.#prepared = undefined
  }

  async #preallocate(): Promise<void> {
    const { disk, directory, segmentBytes, failed, ready } = this.#options
    try {
      this.#prepared = await preallocateNext(disk, directory, segmentBytes)
      this.#full = undefined
    } catch (error) {
      if (!isFull(error)) return failed(error)
      this.#full = error
      this.#retryLater()
      return
    }
    ready()
  }

  #retryLater(): void {
    if (this.#closed) return
    this.#retry = this.#options.clock.after(FULL_RETRY_MS, () => {
      this.#retry = undefined
      this.prepare()
    })
  }
}

export const isFull = (error: unknown): error is Error =>
  error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')
