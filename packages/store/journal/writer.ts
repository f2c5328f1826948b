import type { Clock } from '@brume/ports'
import { JournalError } from '../errors.ts'
import { chainOf, encodeRecord, PAYLOAD_BYTES_MAX } from './layout.ts'
import { Samples } from './samples.ts'
import type { OpenSegment, Segments } from './segments.ts'

/** One write; more would hold a pool thread and the records behind it for too long. */
const WRITE_BYTES_MAX = 1024 * 1024
/** What may wait in memory for a slow disk: at 200 bytes a record some 60,000 records. */
const PENDING_BYTES_MAX = 16 * 1024 * 1024
/** Enough for a stable 95th percentile, few enough to follow a disk that changes. */
const SYNC_SAMPLES = 256

export type Synced = (error?: Error) => void

interface Pending {
  readonly sequence: number
  readonly chain: Uint8Array
  readonly bytes: Uint8Array
  readonly appendedMs: number
  readonly synced: Synced | undefined
}

/** One write and sync that succeeded, for metrics. */
export interface SyncReport {
  readonly records: number
  readonly bytes: number
  /** Write and sync together. */
  readonly syncMs: number
  /** From the oldest record's append until all were on disk. */
  readonly appendMs: number
}

export interface WriterOptions {
  readonly clock: Clock
  readonly segments: Segments
  /** Where writing goes on; undefined: the first record begins a segment. */
  readonly current: OpenSegment | undefined
  readonly nextSequence: number
  readonly chain: Uint8Array
  /** Runs a function at the end of this turn of the event loop. */
  readonly endOfTurn: (run: () => void) => void
  readonly onSynced: (sequence: number, chain: Uint8Array, report: SyncReport) => void
  readonly onSegment: (firstSequence: number) => void
  readonly onFailed: (error: JournalError) => void
}

/**
 * Group commit: what is appended during a turn, or while a sync is in flight, goes out as one write
 * and one sync. Nothing is confirmed before its sync has returned, and nothing is tried twice.
 */
export class Writer {
  readonly #options: WriterOptions
  readonly #syncs = new Samples(SYNC_SAMPLES)
  readonly #pending: Pending[] = []
  readonly #idleWaiters: (() => void)[] = []
  #pendingBytes = 0
  #nextSequence: number
  #chain: Uint8Array
  #writtenChain: Uint8Array
  #current: OpenSegment | undefined
  #scheduled = false
  #inFlight = false
  #error: JournalError | undefined

  constructor(options: WriterOptions) {
    this.#options = options
    this.#nextSequence = options.nextSequence
    this.#chain = options.chain
    this.#writtenChain = options.chain
    this.#current = options.current
    this.#prepareAhead()
  }

  /** Neither failed, nor closed, nor waiting for space. */
  get canWrite(): boolean {
    return this.#refusal() === undefined && this.#pending.length === 0
  }

  syncP95Ms(): number {
    return this.#syncs.quantile(0.95)
  }

  /** The record's sequence; 0 where it is refused, with the reason given to `synced`. */
  append(kind: number, flags: number, payload: Uint8Array, synced?: Synced): number {
    checkPayload(payload)
    const refusal = this.#refusal()
    if (refusal !== undefined) {
      if (synced !== undefined) this.#options.endOfTurn(() => synced(refusal))
      return 0
    }
    const sequence = this.#nextSequence
    const chain = chainOf(this.#chain, { sequence, kind, flags, payload })
    const bytes = encodeRecord({ sequence, kind, flags, chain, payload })
    this.#pending.push({ sequence, chain, bytes, synced, appendedMs: this.#options.clock.now() })
    this.#pendingBytes += bytes.length
    this.#nextSequence += 1
    this.#chain = chain
    this.#schedule()
    return sequence
  }

  /** Resolves when nothing waits or is in flight, or when nothing more will be written. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#idleWaiters.push(resolve)
      this.#wakeIdle()
    })
  }

  /** The next segment came to be: what waited for it may go on. */
  resume(): void {
    this.#schedule()
    this.#wakeIdle()
  }

  failBy(cause: unknown): void {
    this.fail(failedError(cause))
  }

  /** Ends everything: what waits and what comes is answered with `error`. */
  fail(error: JournalError): void {
    if (this.#error !== undefined) return
    this.#error = error
    const lost = this.#pending.splice(0)
    this.#pendingBytes = 0
    if (error.code === 'BRUME_JOURNAL_FAILED') this.#options.onFailed(error)
    for (const { synced } of lost) callBack(synced, error)
    this.#wakeIdle()
  }

  async closeFile(): Promise<void> {
    await this.#current?.file.close().catch(() => undefined)
    this.#current = undefined
  }

  #refusal(): JournalError | undefined {
    if (this.#error !== undefined) return this.#error
    const cause = this.#options.segments.full
    if (cause !== undefined) return fullError(cause)
    if (this.#pendingBytes < PENDING_BYTES_MAX) return undefined
    const message = 'The disk is too slow for what is journaled: wait for earlier records before appending more'
    return new JournalError('BRUME_JOURNAL_BACKLOG', message)
  }

  #schedule(): void {
    if (this.#scheduled || this.#inFlight || this.#pending.length === 0) return
    this.#scheduled = true
    this.#options.endOfTurn(() => {
      this.#scheduled = false
      void this.#flush()
    })
  }

  async #flush(): Promise<void> {
    if (this.#inFlight) return
    this.#inFlight = true
    try {
      while (this.#error === undefined && this.#pending.length > 0) {
        const batch = this.#takeBatch()
        if (batch.length === 0) break
        await this.#commit(batch)
      }
    } finally {
      this.#inFlight = false
      this.#wakeIdle()
    }
  }

  /** The records of the next write; none while a new segment is needed and not there yet. */
  #takeBatch(): Pending[] {
    let space = this.#spaceLeft()
    const firstBytes = this.#pending[0]?.bytes.length ?? 0
    if (firstBytes > space) {
      if (!this.#options.segments.isReady) {
        this.#options.segments.prepare()
        return []
      }
      space = this.#options.segments.capacity
    }
    let bytes = 0
    const end = this.#pending.findIndex((pending) => {
      bytes += pending.bytes.length
      return bytes > Math.min(space, WRITE_BYTES_MAX)
    })
    return this.#pending.splice(0, end === -1 ? this.#pending.length : end)
  }

  #spaceLeft(): number {
    const current = this.#current
    return current === undefined ? 0 : current.segmentBytes - current.position
  }

  async #commit(batch: readonly Pending[]): Promise<void> {
    const { clock, onSynced } = this.#options
    const [first, last] = [batch[0], batch.at(-1)]
    if (first === undefined || last === undefined) return
    const bytes = batch.length === 1 ? first.bytes : Buffer.concat(batch.map((pending) => pending.bytes))
    const startedMs = clock.now()
    try {
      await this.#write(bytes, first.sequence)
    } catch (cause) {
      this.#pending.unshift(...batch)
      return this.fail(failedError(cause))
    }
    const endedMs = clock.now()
    this.#pendingBytes -= bytes.length
    this.#writtenChain = last.chain
    this.#syncs.add(endedMs - startedMs)
    const report = { records: batch.length, bytes: bytes.length, syncMs: endedMs - startedMs }
    onSynced(last.sequence, last.chain, { ...report, appendMs: endedMs - first.appendedMs })
    for (const { synced } of batch) callBack(synced)
    this.#prepareAhead()
  }

  async #write(bytes: Uint8Array, firstSequence: number): Promise<void> {
    const current = this.#current
    if (current === undefined || bytes.length > this.#spaceLeft()) return this.#roll(bytes, firstSequence)
    await current.file.commit(current.position, bytes)
    current.position += bytes.length
  }

  async #roll(bytes: Uint8Array, firstSequence: number): Promise<void> {
    const { segments, onSegment } = this.#options
    const previous = this.#current
    this.#current = await segments.begin({ firstSequence, chainBefore: this.#writtenChain }, bytes)
    onSegment(firstSequence)
    await previous?.file.close()
  }

  #prepareAhead(): void {
    const current = this.#current
    if (current === undefined || current.position > current.segmentBytes / 2) this.#options.segments.prepare()
  }

  #wakeIdle(): void {
    const isStuck = this.#options.segments.full !== undefined && !this.#inFlight
    if (!isStuck && this.#error === undefined && (this.#inFlight || this.#pending.length > 0)) return
    for (const wake of this.#idleWaiters.splice(0)) wake()
  }
}

/** A throw in one caller's answer is its own: it surfaces as uncaught and keeps no other from being called. */
function callBack(synced: Synced | undefined, error?: Error): void {
  try {
    synced?.(error)
  } catch (thrown) {
    queueMicrotask(() => {
      throw thrown
    })
  }
}

function checkPayload(payload: Uint8Array): void {
  if (payload.length >= 1 && payload.length <= PAYLOAD_BYTES_MAX) return
  const message = `A journal record takes 1 to ${PAYLOAD_BYTES_MAX} bytes, not ${payload.length}: split it into parts`
  throw new JournalError('BRUME_JOURNAL_RECORD', message)
}

export const fullError = (cause: unknown): JournalError =>
  new JournalError('BRUME_JOURNAL_FULL', 'The disk has no space for the journal: free some, it goes on by itself', {
    cause
  })

export const failedError = (cause: unknown): JournalError =>
  new JournalError(
    'BRUME_JOURNAL_FAILED',
    'The disk failed to write the journal: check its health, then start the peer again; it must not vote until then',
    { cause }
  )
