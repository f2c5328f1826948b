import type { JournalRecord, JournalVerdict } from '@brume/ports'
import {
  chainOf,
  encodeHeader,
  encodeRecord,
  HEADER_BYTES,
  inspect,
  type Mark,
  NO_CHAIN,
  readJournal,
  SEGMENT_BYTES_MIN,
  tailOf
} from '@brume/store/format'
import type { SimRandom } from '@brume/testkit'
import type { World } from './world.ts'

/** The smallest the format allows, rounded to sectors: runs are short, and zeros cost time. */
const SEGMENT_BYTES = Math.ceil(SEGMENT_BYTES_MIN / 512) * 512
const SECTOR_BYTES = 512
/** LevelDB is told how far the journal is this often. */
const MARK_EVERY_RECORDS = 64

interface Segment {
  readonly firstSequence: number
  /** What is on the medium. */
  readonly bytes: Uint8Array
  position: number
}

interface Pending {
  readonly sequence: number
  readonly chain: Uint8Array
  readonly bytes: Uint8Array
  readonly synced: ((error?: Error) => void) | undefined
}

interface Write {
  readonly segment: Segment
  readonly position: number
  readonly bytes: Uint8Array
  readonly batch: readonly Pending[]
}

/** How slow a disk is. */
export interface DiskSettings {
  /** One sync, µs. */
  readonly syncUs: (random: SimRandom) => number
}

/** Told of every call, in order: crashes are put at these points. */
export type JournalPoint = 'before-append' | 'after-append' | 'after-sync'

export interface JournalWatcher {
  point(point: JournalPoint): void
  /** Records up to this sequence are on the medium. */
  durable(sequence: number): void
  failed(): void
}

/**
 * The peer's journal in its real format, without promises: the pure encoder and reader of
 * @brume/store over a medium that loses in a crash what was not synced. Group commit as in
 * production: appends of one turn form one write and one sync, one in flight.
 */
export class SimJournal {
  readonly #world: World
  readonly #random: SimRandom
  readonly #owner: Uint8Array
  readonly #settings: DiskSettings
  readonly #watcher: JournalWatcher
  #segments: Segment[] = []
  #pending: Pending[] = []
  #inFlight: Write | null = null
  #scheduled = false
  #life = 0
  #nextSequence = 1
  #chain = NO_CHAIN
  #writtenChain = NO_CHAIN
  #mark: Mark | undefined
  #failing: 'EIO' | null = null
  #full = false
  #broken = false
  /** An earlier journal was given up: nobody knows what this key has said. */
  #isReborn = false
  #syncs: number[] = []

  constructor(world: World, random: SimRandom, owner: Uint8Array, settings: DiskSettings, watcher: JournalWatcher) {
    this.#world = world
    this.#random = random
    this.#owner = owner
    this.#settings = settings
    this.#watcher = watcher
  }

  /** Bytes of all segments up to their last record: what a damage can hit. */
  get writtenBytes(): number {
    return this.#segments.reduce((sum, { position }) => sum + position, 0)
  }

  syncP95Ms(): number {
    const sorted = this.#syncs.toSorted((a, b) => a - b)
    return (sorted[Math.floor(sorted.length * 0.95)] ?? 0) / 1_000
  }

  /** As at the start of a process; `expected`: the identity file says that a journal was born here. */
  open(expected: boolean): { readonly verdict: JournalVerdict; readonly records: readonly JournalRecord[] } {
    this.#broken = false
    const files = this.#segments.map(({ firstSequence, bytes }) => ({ firstSequence, bytes }))
    const content = readJournal(files, this.#owner)
    const finding = inspect(content, this.#mark, expected)
    if (finding.replaced || content.segments.length === 0) {
      this.#isReborn ||= finding.replaced
      const next = Math.max(tailOf(content.segments).nextSequence, (this.#mark?.sequence ?? 0) + 1)
      this.#segments = []
      this.#goOn(next, NO_CHAIN)
      this.#begin(next)
      this.#mark = { sequence: next - 1, chain: NO_CHAIN, released: next, batch: 1 }
      return { verdict: finding.verdict, records: [] }
    }
    this.#segments = content.segments.map(({ firstSequence, endPosition }, i) => {
      const bytes = files[i]?.bytes ?? new Uint8Array(SEGMENT_BYTES)
      bytes.fill(0, endPosition)
      return { firstSequence, bytes, position: endPosition }
    })
    const { nextSequence, chain } = tailOf(content.segments)
    this.#goOn(nextSequence, chain)
    this.#setMark(nextSequence - 1, chain)
    const records = content.segments.flatMap((segment) =>
      segment.records.map(({ sequence, kind, payload }) => ({ sequence, kind, payload: payload.slice() }))
    )
    return { verdict: this.#isReborn ? 'lost' : finding.verdict, records }
  }

  /** The record's sequence; 0 where the disk is full or broken. */
  append(kind: number, payload: Uint8Array, synced?: (error?: Error) => void): number {
    const life = this.#life
    this.#watcher.point('before-append')
    if (this.#life !== life) return 0
    if (this.#broken || this.#full) {
      this.#world.after(0, () => this.#life === life && synced?.(new Error(this.#full ? 'ENOSPC' : 'EIO')))
      return 0
    }
    const sequence = this.#nextSequence++
    this.#chain = chainOf(this.#chain, { sequence, kind, flags: 0, payload })
    const bytes = encodeRecord({ sequence, kind, flags: 0, chain: this.#chain, payload })
    this.#pending.push({ sequence, chain: this.#chain, bytes, synced })
    this.#schedule()
    this.#watcher.point('after-append')
    return sequence
  }

  /** Records below are not needed any more: whole segments go. */
  release(sequence: number): void {
    while (this.#segments.length > 1 && (this.#segments[1]?.firstSequence ?? sequence + 1) <= sequence)
      this.#segments.shift()
    if (this.#mark !== undefined) this.#mark = { ...this.#mark, released: Math.max(this.#mark.released, sequence) }
  }

  /** Power is lost: of the write in flight a random prefix of sectors is there, perhaps with a torn one. */
  crash(): void {
    this.#life += 1
    const write = this.#inFlight
    this.#inFlight = null
    this.#pending = []
    this.#scheduled = false
    if (write === null) return
    const sectors = Math.ceil(write.bytes.length / SECTOR_BYTES) + 1
    const whole = this.#random.below(sectors + 1) * SECTOR_BYTES
    const torn = this.#random.chance(0.5) ? this.#random.below(SECTOR_BYTES) : 0
    write.segment.bytes.set(write.bytes.subarray(0, Math.min(write.bytes.length, whole + torn)), write.position)
  }

  /** Everything is gone, as when a card is replaced. */
  wipe(): void {
    this.#segments = []
  }

  /** One bit turns over, in the older half of what is written and not in the last record: there it looks like a torn write. */
  flip(): void {
    const [segment] = this.#segments
    if (segment === undefined) return
    const end = Math.min(segment.position >> 1, this.#startOfLast(segment))
    if (end < HEADER_BYTES) return
    const at = this.#random.below(end)
    segment.bytes[at] = (segment.bytes[at] ?? 0) ^ (1 << this.#random.below(8))
  }

  #startOfLast({ firstSequence, bytes }: Segment): number {
    const [content] = readJournal([{ firstSequence, bytes }], this.#owner).segments
    const last = content?.records.at(-1)
    return content === undefined || last === undefined ? 0 : content.endPosition - encodeRecord(last).length
  }

  /** The next sync fails, and the process must not go on writing. */
  failNext(): void {
    this.#failing = 'EIO'
  }

  /** The disk is sound again. */
  mend(): void {
    this.#failing = null
    this.#full = false
  }

  setFull(full: boolean): void {
    this.#full = full
  }

  #goOn(nextSequence: number, chain: Uint8Array): void {
    this.#nextSequence = nextSequence
    this.#chain = chain
    this.#writtenChain = chain
  }

  #begin(firstSequence: number): Segment {
    const bytes = new Uint8Array(SEGMENT_BYTES)
    const header = { segmentBytes: SEGMENT_BYTES, firstSequence, owner: this.#owner, chainBefore: this.#writtenChain }
    bytes.set(encodeHeader(header))
    const segment = { firstSequence, bytes, position: HEADER_BYTES }
    this.#segments.push(segment)
    return segment
  }

  #schedule(): void {
    if (this.#scheduled || this.#inFlight !== null || this.#pending.length === 0) return
    this.#scheduled = true
    const life = this.#life
    this.#world.after(0, () => {
      if (this.#life !== life) return
      this.#scheduled = false
      this.#write()
    })
  }

  #write(): void {
    let segment = this.#segments.at(-1)
    const first = this.#pending[0]
    if (first === undefined) return
    if (segment === undefined || segment.position + first.bytes.length > SEGMENT_BYTES)
      segment = this.#begin(first.sequence)
    let room = SEGMENT_BYTES - segment.position
    let count = 0
    for (const { bytes } of this.#pending) {
      if (bytes.length > room) break
      room -= bytes.length
      count += 1
    }
    const batch = this.#pending.splice(0, count)
    const bytes = batch.length === 1 ? first.bytes : Buffer.concat(batch.map((pending) => pending.bytes))
    const write: Write = { segment, position: segment.position, bytes, batch }
    this.#inFlight = write
    const delayUs = this.#settings.syncUs(this.#random)
    this.#syncs = [...this.#syncs.slice(-31), delayUs]
    const life = this.#life
    this.#world.after(delayUs, () => this.#life === life && this.#complete(write))
  }

  #complete(write: Write): void {
    this.#inFlight = null
    if (this.#failing !== null) return this.#fail(write)
    const { segment, position, bytes, batch } = write
    segment.bytes.set(bytes, position)
    segment.position = position + bytes.length
    const last = batch.at(-1)
    if (last === undefined) return
    this.#writtenChain = last.chain
    if (last.sequence - (this.#mark?.sequence ?? 0) >= MARK_EVERY_RECORDS) this.#setMark(last.sequence, last.chain)
    const life = this.#life
    this.#watcher.durable(last.sequence)
    for (const { synced } of batch) {
      synced?.()
      if (synced !== undefined && this.#life === life) this.#watcher.point('after-sync')
      if (this.#life !== life) return
    }
    this.#schedule()
  }

  #fail({ batch }: Write): void {
    this.#failing = null
    this.#broken = true
    this.#watcher.failed()
    const waiting = [...batch, ...this.#pending.splice(0)]
    for (const { synced } of waiting) synced?.(new Error('EIO'))
  }

  #setMark(sequence: number, chain: Uint8Array): void {
    this.#mark = { sequence, chain, released: this.#mark?.released ?? 1, batch: (this.#mark?.batch ?? 0) + 1 }
  }
}
