import { join } from 'node:path'
import type { Journal, JournalRecord, JournalVerdict, Store } from '@brume/ports'
import { JournalError } from '../errors.ts'
import type { Finding } from './inspect.ts'
import { KIND_RESERVED, segmentName } from './layout.ts'
import { Marker } from './marker.ts'
import type { SegmentContent } from './reader.ts'
import { Segments } from './segments.ts'
import type { Place, Start } from './start.ts'
import { fullError, type Synced, type SyncReport, Writer } from './writer.ts'

export interface FileJournalOptions extends Place {
  readonly store: Store
  readonly start: Start
  readonly finding: Finding
  readonly replayed: readonly SegmentContent[]
  readonly endOfTurn?: (run: () => void) => void
  readonly onSynced?: (report: SyncReport) => void
  readonly onFailed?: (error: JournalError) => void
  readonly onMarkError?: (error: unknown) => void
}

/** A journal in files, and what opening found beyond the verdict. */
export interface OpenedJournal extends Journal {
  /** The last process ended by `close`. */
  readonly cleanStop: boolean
  /** The store is older than the journal's last checkpoint: it was restored or has lost writes. */
  readonly storeBehind: boolean
}

interface ReplaySegment {
  readonly firstSequence: number
  readonly records: readonly JournalRecord[]
}

/** The journal over its files: writer, segment files, marks and what was found at open. */
export class FileJournal implements OpenedJournal {
  readonly verdict: JournalVerdict
  readonly since: number
  readonly cutAt: number
  readonly cleanStop: boolean
  readonly storeBehind: boolean
  readonly #options: FileJournalOptions
  readonly #segments: Segments
  readonly #writer: Writer
  readonly #marker: Marker
  #replayed: readonly ReplaySegment[]
  #live: number[]
  #releasing: Promise<void> = Promise.resolve()
  #closing: Promise<void> | undefined

  constructor(options: FileJournalOptions) {
    const { start, finding, clock, store } = options
    this.verdict = finding.verdict
    this.since = start.rebornSequence ?? 1
    this.cutAt = start.cutSequence
    this.cleanStop = finding.cleanStop
    this.storeBehind = finding.storeBehind
    this.#options = options
    this.#replayed = options.replayed.map(readable)
    this.#live = [...start.segments]
    this.#segments = new Segments({
      ...options,
      failed: (cause) => this.#writer.failBy(cause),
      ready: () => this.#writer.resume()
    })
    this.#marker = new Marker({
      store,
      clock,
      mark: start.mark,
      append: (kind, flags, payload) => this.#writer.append(kind, flags, payload),
      onError: (error) => options.onMarkError?.(error)
    })
    this.#writer = this.#makeWriter(options)
  }

  #makeWriter({ clock, start, onSynced, onFailed, endOfTurn }: FileJournalOptions): Writer {
    return new Writer({
      clock,
      segments: this.#segments,
      current: start.current,
      nextSequence: start.nextSequence,
      chain: start.chain,
      endOfTurn: endOfTurn ?? ((run) => void setImmediate(run)),
      onSynced: (sequence, chain, report) => {
        this.#marker.synced(sequence, chain, report.records)
        onSynced?.(report)
      },
      onSegment: (firstSequence) => this.#live.push(firstSequence),
      onFailed: (error) => onFailed?.(error)
    })
  }

  *replay(): Iterable<JournalRecord> {
    for (const segment of this.#replayed) {
      for (const record of segment.records) yield { ...record, payload: record.payload.slice() }
    }
  }

  append(kind: number, payload: Uint8Array, synced?: Synced): number {
    if (!Number.isInteger(kind) || kind < 0 || kind >= KIND_RESERVED) throw kindError(kind)
    return this.#writer.append(kind, 0, payload, synced)
  }

  release(sequence: number): void {
    const droppable = this.#live.filter((_, index) => (this.#live[index + 1] ?? Number.POSITIVE_INFINITY) <= sequence)
    const { rebornSequence = 0, cutSequence } = this.#options.start
    const forgets = [rebornSequence, cutSequence].some((told) => told > 0 && told < sequence)
    if (this.#closing !== undefined || (droppable.length === 0 && !forgets)) return
    this.#live = this.#live.slice(droppable.length)
    this.#replayed = this.#replayed.filter((segment) => !droppable.includes(segment.firstSequence))
    this.#releasing = this.#releasing.then(() => this.#drop(sequence, droppable))
  }

  syncP95Ms(): number {
    return this.#writer.syncP95Ms()
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** LevelDB first: a file that is gone while the mark still counts on it would be a loss. */
  async #drop(sequence: number, droppable: readonly number[]): Promise<void> {
    const { disk, directory } = this.#options
    if (!(await this.#marker.release(sequence))) return
    try {
      for (const firstSequence of droppable) await disk.unlink(join(directory, segmentName(firstSequence)))
    } catch (error) {
      this.#options.onMarkError?.(error)
    }
  }

  async #close(): Promise<void> {
    await this.#releasing
    await this.#writer.idle()
    if (this.#writer.canWrite) await this.#marker.close()
    else await this.#marker.abandon()
    await this.#writer.idle()
    const cause = this.#segments.full
    this.#writer.fail(cause === undefined ? closedError() : fullError(cause))
    await this.#segments.close()
    await this.#writer.closeFile()
  }
}

/** Copies of what callers see: the rest, mostly zeros, does not stay in memory. */
const readable = (segment: SegmentContent): ReplaySegment => ({
  firstSequence: segment.firstSequence,
  records: segment.records
    .filter(({ kind }) => kind < KIND_RESERVED)
    .map(({ sequence, kind, payload }) => ({ sequence, kind, payload: payload.slice() }))
})

const closedError = (): JournalError =>
  new JournalError('BRUME_JOURNAL_CLOSED', 'The journal is closed: stop what appends before closing it')

const kindError = (kind: number): JournalError =>
  new JournalError('BRUME_JOURNAL_RECORD', `A record kind is an integer from 0 to ${KIND_RESERVED - 1}, not ${kind}`)
