import type { PeerId } from '@brume/ports'
import type { Beacons } from './beacons.ts'
import { BASE_RING_BYTES_MAX, DROP_AFTER_MS, RESEND_MS, RING_BYTES_MAX } from './limits.ts'
import { chain, cut, isSameHash } from './log.ts'
import type { Change, Placement, Position, Ship } from './port.ts'
import { Ring } from './ring.ts'
import type { ShippingRules } from './rules.ts'

/** What a lead has its surroundings do. */
export interface LeadSink {
  readonly rules: ShippingRules
  readonly beacons: Beacons
  send(to: PeerId, ship: Omit<Ship, 'type' | 'id'>): void
  write(change: Change): void
  /** All there is, once what was written is on disk. */
  read(): void
  release(batches: number): void
}

/** How far one of the others is. */
interface Progress {
  /** The entry it is at; null: somewhere this log does not know. */
  at: number | null
  /** Up to here its disk has it. */
  durable: number
  /** Pieces of the base that it has; null: it gets none. */
  pieces: number | null
  isWaiting: boolean
  sentMs: number
  /** When it last came on, or had nothing to come on to. */
  movedMs: number
}

interface Base {
  readonly seq: number
  readonly hash: Uint8Array
  readonly pieces: readonly { readonly bytes: Uint8Array; readonly prev: Uint8Array; readonly hash: Uint8Array }[]
}

interface Batch {
  /** Number of its last entry. */
  readonly end: number
  isWritten: boolean
}

/** The holder's side of one actor: ships batches, and says which may be acted on. */
export class Lead {
  readonly epoch: number
  placement: Placement
  /** Ordered to be in step: it may be already. */
  joining: PeerId | null = null
  readonly #self: PeerId
  readonly #sink: LeadSink
  readonly #ring: Ring
  readonly #followers = new Map<PeerId, Progress>()
  /** Not released, oldest first. */
  readonly #batches: Batch[] = []
  #released = { batches: 0, seq: 0 }
  #base: Base | null = null
  #isReading = false

  constructor(self: PeerId, placement: Placement, position: Position, sink: LeadSink, nowMs: number) {
    this.epoch = placement.epoch
    this.placement = placement
    this.#self = self
    this.#sink = sink
    this.#ring = new Ring(position)
    this.#released.seq = position.seq
    for (const peer of this.others) this.#followers.set(peer, newProgress(nowMs))
  }

  get others(): readonly PeerId[] {
    return this.placement.copies.filter((peer) => peer !== this.#self)
  }

  get position(): Position {
    return { epoch: this.epoch, seq: this.#ring.seq, hash: this.#ring.hash }
  }

  get isIdle(): boolean {
    return this.#batches.length === 0
  }

  /** Whom outputs and reads wait for. */
  get required(): readonly PeerId[] {
    const { inSync } = this.placement
    return this.joining === null || inSync.includes(this.joining) ? inSync : [...inSync, this.joining]
  }

  begin(nowMs: number): void {
    for (const peer of this.others) this.#next(peer, nowMs)
  }

  batch(bytes: Uint8Array, nowMs: number): void {
    for (const [peer, progress] of this.#followers) if (progress.at === this.#ring.seq) this.#moved(peer, nowMs)
    for (const piece of cut(bytes)) this.#ring.push(piece)
    this.#batches.push({ end: this.#ring.seq, isWritten: false })
    this.#sink.write({ kind: 'batch', batch: bytes, position: this.position })
    for (const peer of this.others) this.#next(peer, nowMs)
  }

  /** The oldest batch that was not, is on disk. */
  written(): void {
    const batch = this.#batches.find(({ isWritten }) => !isWritten)
    if (batch !== undefined) batch.isWritten = true
    this.release()
  }

  /** Whoever is in step may have changed. */
  release(): void {
    for (let batch = this.#batches[0]; batch !== undefined; batch = this.#batches[0]) {
      const { end, isWritten } = batch
      const acked = this.required.map((peer) => (this.#followers.get(peer)?.durable ?? 0) >= end)
      if (!this.#sink.rules.isReleased(isWritten, acked)) break
      this.#batches.shift()
      this.#released = { batches: this.#released.batches + 1, seq: end }
      this.#sink.release(this.#released.batches)
    }
    this.#trim()
  }

  acked(peer: PeerId, seq: number, hash: Uint8Array, nowMs: number): void {
    const progress = this.#followers.get(peer)
    if (progress === undefined) return
    progress.isWaiting = false
    if (this.#ring.has(seq, hash)) this.#isAt(peer, progress, seq, nowMs)
    else this.#isElsewhere(peer, progress, hash, nowMs)
    this.#next(peer, nowMs)
    this.release()
  }

  /** What was under way to it is lost. */
  linked(peer: PeerId, nowMs: number): void {
    const progress = this.#followers.get(peer)
    if (progress === undefined) return
    progress.isWaiting = false
    this.#next(peer, nowMs)
  }

  base({ seq, hash }: Position, bytes: Uint8Array, nowMs: number): void {
    this.#isReading = false
    if (!this.#ring.has(seq, hash)) return
    let prev = hash
    const pieces = cut(bytes).map((piece) => {
      const before = prev
      prev = chain(prev, piece)
      return { bytes: piece, prev: before, hash: prev }
    })
    this.#base = { seq, hash, pieces }
    for (const peer of this.others) this.#next(peer, nowMs)
  }

  tick(nowMs: number): void {
    for (const [peer, progress] of this.#followers) {
      if (progress.isWaiting && nowMs - progress.sentMs >= RESEND_MS) progress.isWaiting = false
      this.#next(peer, nowMs)
    }
  }

  /** This peer slept: nobody else is to blame. */
  woke(nowMs: number): void {
    for (const peer of this.#followers.keys()) this.#moved(peer, nowMs)
  }

  isSilent(peer: PeerId, sinceMs: number, nowMs: number): boolean {
    const progress = this.#followers.get(peer)
    const isBehind = progress === undefined || progress.durable < (this.#batches[0]?.end ?? 0)
    const isStuck = isBehind && nowMs - (progress?.movedMs ?? sinceMs) > DROP_AFTER_MS
    return isStuck || this.#sink.beacons.unackedMs(peer, sinceMs, nowMs) > DROP_AFTER_MS
  }

  /** May more be taken from outside? */
  hasEnough(sinceMs: number, nowMs: number): boolean {
    const { inSync, minInSync } = this.placement
    return inSync.filter((peer) => !this.isSilent(peer, sinceMs, nowMs)).length >= minInSync
  }

  /** Nobody else can have been made holder since beacons left that all acknowledged. */
  mayRead(nowMs: number): boolean {
    const { rules, beacons } = this.#sink
    return this.required.every((peer) => {
      const { sentMs, ackedMs } = beacons.window(peer, nowMs)
      return rules.mayRead(sentMs, ackedMs)
    })
  }

  /** Who is to be in step from now on, or not any more. */
  wants(sinceMs: number, nowMs: number): { readonly type: 'join' | 'drop'; readonly peer: PeerId } | null {
    const { inSync, minInSync } = this.placement
    // One that may be in step already is asked for again until that is known.
    this.joining ??= this.others.find((peer) => this.#hasAll(peer) && !this.isSilent(peer, sinceMs, nowMs)) ?? null
    if (this.joining !== null) return { type: 'join', peer: this.joining }
    const silent = inSync.find((peer) => this.isSilent(peer, sinceMs, nowMs))
    return silent !== undefined && inSync.length > minInSync ? { type: 'drop', peer: silent } : null
  }

  /** Is it not in step, and has caught up with all that anybody was told? */
  #hasAll(peer: PeerId): boolean {
    const progress = this.#followers.get(peer)
    if (progress === undefined || this.placement.inSync.includes(peer)) return false
    return progress.at !== null && progress.durable >= this.#released.seq
  }

  #isAt(peer: PeerId, progress: Progress, seq: number, nowMs: number): void {
    if (progress.at !== seq) this.#moved(peer, nowMs)
    progress.at = seq
    progress.durable = this.#ring.wholeAt(seq)
    progress.pieces = null
  }

  #isElsewhere(peer: PeerId, progress: Progress, hash: Uint8Array, nowMs: number): void {
    progress.at = null
    progress.durable = 0
    const found = this.#base?.pieces.findIndex((piece) => isSameHash(piece.hash, hash)) ?? -1
    if (found + 1 !== progress.pieces) this.#moved(peer, nowMs)
    progress.pieces = found + 1
    this.#needBase()
  }

  /** It is further behind than what is kept. */
  #restart(progress: Progress): void {
    progress.at = null
    progress.pieces = 0
    this.#needBase()
  }

  #needBase(): void {
    if (this.#base !== null || this.#isReading) return
    this.#isReading = true
    this.#sink.read()
  }

  #moved(peer: PeerId, nowMs: number): void {
    const progress = this.#followers.get(peer)
    if (progress !== undefined) progress.movedMs = nowMs
  }

  #next(peer: PeerId, nowMs: number): void {
    const progress = this.#followers.get(peer)
    if (progress === undefined || progress.isWaiting) return
    if (progress.at !== null && this.#ring.hashAt(progress.at) === undefined) this.#restart(progress)
    const ship = progress.at !== null ? this.#entries(progress.at) : this.#beginning(progress)
    if (ship === null) return
    progress.isWaiting = true
    progress.sentMs = nowMs
    this.#sink.send(peer, { epoch: this.epoch, ...ship })
  }

  #entries(at: number): Omit<Ship, 'type' | 'id' | 'epoch'> | null {
    const prevHash = this.#ring.hashAt(at)
    if (at === this.#ring.seq || prevHash === undefined) return null
    return { fromSeq: at + 1, prevHash, entries: this.#ring.from(at + 1), record: null }
  }

  /** To one of whom it is not known where it is: a question, or the next piece of all there is. */
  #beginning({ pieces }: Progress): Omit<Ship, 'type' | 'id' | 'epoch'> | null {
    if (pieces === null) return { fromSeq: this.#ring.seq + 1, prevHash: this.#ring.hash, entries: [], record: null }
    const piece = this.#base?.pieces[pieces]
    if (this.#base === null || piece === undefined) return null
    return { fromSeq: this.#base.seq + 1, prevHash: piece.prev, entries: [], record: piece.bytes }
  }

  /** A base is kept, with what came after it, as long as someone gets it. */
  #trim(): void {
    const isWanted = [...this.#followers.values()].some(({ pieces }) => pieces !== null)
    if (this.#base !== null && (!isWanted || this.#ring.bytes > BASE_RING_BYTES_MAX)) this.#base = null
    const keep = Math.min(
      this.#batches[0] === undefined ? this.#ring.seq : this.#released.seq,
      this.#base?.seq ?? Infinity
    )
    this.#ring.trim(RING_BYTES_MAX, keep + 1)
  }
}

const newProgress = (nowMs: number): Progress => ({
  at: null,
  durable: 0,
  pieces: null,
  isWaiting: false,
  sentMs: nowMs,
  movedMs: nowMs
})
