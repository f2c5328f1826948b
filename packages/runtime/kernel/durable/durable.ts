import { utf8 } from '@brume/codec'
import type { Cancel } from '@brume/ports'
import { actorId } from '../../address.ts'
import type { HistoryEntry } from '../port.ts'
import type { Batch } from './batch.ts'
import { readBoot } from './boot.ts'
import { GroupCommit } from './group-commit.ts'
import { Histories, type Stepping } from './history.ts'
import { aliasKey, BOOT_KEY, keyText, outboxKey, recordKey, replyKey, tombstoneKey, watermarkKey } from './keys.ts'
import { ALIVE_EVERY_MS } from './limits.ts'
import { type Numbered, Outbox } from './outbox.ts'
import type {
  Durable,
  DurableOptions,
  Loaded,
  OutboxEntry,
  Persistent,
  StoredActor,
  StoredReply,
  Transfers
} from './port.ts'
import { decodeRecord } from './record.ts'
import { Recorder } from './recorder.ts'
import { pathOf, Residents, storedOf } from './residents.ts'
import { Sweep } from './sweep.ts'
import { TimerIndex } from './timer-index.ts'
import { StoreTransfers } from './transfers.ts'
import {
  dayOf,
  decodeReply,
  decodeTombstone,
  decodeWatermark,
  encodeBoot,
  encodeOutbox,
  encodeReply,
  encodeWatermark
} from './values.ts'

const TEXT = new TextDecoder()
/** Hashes of addresses that spoke lately: above it the table begins anew. */
const SENDERS_MAX = 4_096

export const createDurable = (options: DurableOptions): Durable => new StoreDurable(options)

class StoreDurable implements Durable {
  readonly #options: DurableOptions
  readonly transfers: Transfers
  readonly #commit: GroupCommit
  readonly #residents: Residents
  readonly #recorder: Recorder
  readonly #timers: TimerIndex
  readonly #histories: Histories
  /** Journals that grew by a record lately, with its seq. */
  readonly #toCut = new Map<string, { readonly id: Uint8Array; readonly seq: number }>()
  readonly #senders = new Map<string, Uint8Array>()
  /** Wall time at 0 of the monotonic clock. */
  readonly #wallAtZeroMs: number
  #sweep: Sweep | undefined
  #outbox = new Outbox()
  #boot = 0
  #aliveMs = 0
  #beating: Cancel | undefined
  #isCutting = false

  constructor(options: DurableOptions) {
    const { store, clock, log } = options
    this.#options = options
    this.#wallAtZeroMs = clock.wall() - clock.now()
    this.#residents = new Residents(options.authority)
    this.#commit = new GroupCommit({
      store,
      turn: clock.turn ?? ((run) => run()),
      onClosing: (batch) => this.#closing(batch),
      onConfirmed: (batch) => this.#confirm(batch),
      onFatal: (error) => this.#failed(error)
    })
    const read = (key: Uint8Array) => this.#commit.read(key)
    const nowMs = () => this.nowMs()
    this.#histories = new Histories(store, (key) => this.#commit.open.discard(key))
    this.#timers = new TimerIndex({ store, clock, log, nowMs, read, onDue: (id) => this.#due(id) })
    this.#recorder = new Recorder({
      residents: this.#residents,
      log,
      nowMs,
      read,
      onLeft: (id, dueMs) => this.#timers.left(id, dueMs),
      onRemaining: () => this.#beat(),
      onBase: (id, seq) => this.#toCut.set(keyText(id), { id, seq })
    })
    const [commit, residents, recorder] = [this.#commit, this.#residents, this.#recorder]
    this.transfers = new StoreTransfers({ store, commit, residents, recorder, nowMs })
  }

  get open(): number {
    return this.#commit.open.number
  }

  get confirmed(): number {
    return this.#commit.confirmed
  }

  get backlogBytes(): number {
    return this.#commit.backlogBytes
  }

  get outboxSize(): number {
    return this.#outbox.size
  }

  async start(): Promise<{ readonly boot: number; readonly awake: readonly string[] }> {
    const { store, clock, log } = this.#options
    const { boot, outbox, awake, hasRemaining } = await readBoot(store, this.nowMs(), log)
    this.#boot = boot
    this.#outbox = outbox
    this.#aliveMs = this.nowMs()
    const [commit, histories, nowMs] = [this.#commit, this.#histories, () => this.nowMs()]
    const isKnown = (path: string) => this.#isKnown(path)
    this.#sweep = new Sweep({ store, clock, log, commit, histories, outbox, isKnown, nowMs })
    this.#sweep.start()
    this.#timers.start()
    if (hasRemaining) this.#beat()
    return { boot, awake }
  }

  nowMs(): number {
    return this.#wallAtZeroMs + this.#options.clock.now()
  }

  nextBoot(): number {
    this.#boot += 1
    this.#putAlive(this.#commit.open)
    return this.#boot
  }

  retry(): void {
    this.#timers.retry()
  }

  async stop(): Promise<void> {
    this.#halt()
    if (this.#boot > 0) this.#putAlive(this.#commit.open)
    // A write that failed was told by onFatal.
    await this.#commit.settled().catch(() => undefined)
  }

  flush(): void {
    this.#commit.flush()
  }

  save(actor: Persistent, entry?: HistoryEntry): void {
    this.#recorder.save(this.#commit.open, actor, entry)
  }

  bury(actor: Persistent): void {
    this.#recorder.bury(this.#commit.open, actor)
  }

  release(path: string): void {
    const resident = this.#residents.get(path)
    if (resident === undefined) return
    if (this.#commit.open.saved.has(path)) resident.isLeaving = true
    else this.#recorder.leave(resident)
  }

  putOutbox(path: string, seq: number, entry: OutboxEntry): void {
    const id = this.#residents.idOf(path)
    this.#outbox.put(id, seq, entry)
    this.#commit.open.put(outboxKey(id, seq), () => encodeOutbox(entry))
  }

  dropOutbox(path: string, seq: number): void {
    const id = this.#residents.idOf(path)
    if (!this.#outbox.drop(id, seq)) return
    const key = outboxKey(id, seq)
    if (!this.#commit.open.unput(key)) this.#commit.open.delete(key)
  }

  putWatermark(as: string, sender: string, incarnation: number, seq: number): void {
    const key = watermarkKey(this.#residents.idOf(as), this.#senderId(sender))
    const mark = { incarnation, seq, day: dayOf(this.nowMs()) }
    this.#commit.open.put(key, () => encodeWatermark(mark))
  }

  putReply(path: string, key: Uint8Array, reply: StoredReply): void {
    this.#commit.open.put(replyKey(this.#residents.idOf(path), key), () => encodeReply(reply))
  }

  putAlias(root: string, systemId: string, address: string | null): void {
    const key = aliasKey(this.#residents.idOf(root), systemId)
    if (address === null) this.#commit.open.delete(key)
    else this.#commit.open.put(key, () => utf8(address))
  }

  load(path: string): Loaded | undefined {
    const { saved, buried } = this.#commit.open
    const unwritten = saved.get(path)
    if (unwritten !== undefined) return { kind: 'actor', actor: this.#stays(path, unwritten.record()) }
    if (buried.has(path)) return undefined
    const { damage } = this.#options.store
    if (damage !== undefined) return { kind: 'damaged', error: damage }
    try {
      const id = this.#residents.idOf(path)
      const bytes = this.#commit.read(recordKey(id))
      if (bytes === undefined) return undefined
      const actor = decodeRecord(bytes)
      this.#residents.of(path, id).stored = storedOf(actor)
      return { kind: 'actor', actor }
    } catch (error) {
      return { kind: 'damaged', error: error instanceof Error ? error : new Error(String(error)) }
    }
  }

  tombstone(path: string): StoredActor | undefined {
    const bytes = this.#commit.read(tombstoneKey(this.#residents.idOf(path)))
    if (bytes === undefined) return undefined
    const { expiresMs, record } = decodeTombstone(bytes)
    return expiresMs < this.nowMs() && this.outbox(path).length === 0 ? undefined : decodeRecord(record)
  }

  outbox(path: string): readonly Numbered[] {
    return this.#outbox.of(this.#residents.idOf(path))
  }

  watermark(as: string, sender: string): { readonly incarnation: number; readonly seq: number } | undefined {
    const bytes = this.#commit.read(watermarkKey(this.#residents.idOf(as), this.#senderId(sender)))
    return bytes === undefined ? undefined : decodeWatermark(bytes)
  }

  reply(path: string, key: Uint8Array): StoredReply | undefined {
    const bytes = this.#commit.read(replyKey(this.#residents.idOf(path), key))
    const reply = bytes === undefined ? undefined : decodeReply(bytes)
    return reply === undefined || reply.expiresMs < this.nowMs() ? undefined : reply
  }

  alias(root: string, systemId: string): string | undefined {
    const bytes = this.#commit.read(aliasKey(this.#residents.idOf(root), systemId))
    return bytes === undefined ? undefined : TEXT.decode(bytes)
  }

  async *history(path: string, from: number): AsyncGenerator<HistoryEntry> {
    await this.#commit.settled()
    yield* this.#histories.entries(this.#residents.idOf(path), from)
  }

  async recordAt(path: string, seq: number): Promise<Stepping | null> {
    await this.#commit.settled()
    return this.#histories.at(this.#residents.idOf(path), seq)
  }

  #isKnown(path: string): boolean {
    const record = recordKey(this.#residents.idOf(path))
    return this.#commit.read(record) !== undefined || this.transfers.moved(path) !== undefined
  }

  /** It was to leave memory with the open batch, and is wanted again before that. */
  #stays(path: string, actor: StoredActor): StoredActor {
    this.#residents.of(path).isLeaving = false
    return actor
  }

  #senderId(sender: string): Uint8Array {
    const known = this.#senders.get(sender)
    if (known !== undefined) return known
    if (this.#senders.size >= SENDERS_MAX) this.#senders.clear()
    const id = actorId(sender)
    this.#senders.set(sender, id)
    return id
  }

  #closing(batch: Batch): void {
    this.#recorder.close(batch)
    if (this.nowMs() - this.#aliveMs >= ALIVE_EVERY_MS) this.#putAlive(batch)
  }

  /** Where someone's timers go by it, the disk is told that the peer runs also while nothing happens. */
  #beat(): void {
    this.#beating ??= this.#options.clock.after(ALIVE_EVERY_MS, () => {
      this.#beating = undefined
      this.#putAlive(this.#commit.open)
      this.flush()
      this.#beat()
    })
  }

  /** What `resume: 'remaining'` counts from, after a kill. */
  #putAlive(batch: Batch): void {
    this.#aliveMs = this.nowMs()
    const [boot, aliveMs] = [this.#boot, Math.ceil(this.#aliveMs)]
    batch.put(BOOT_KEY, () => encodeBoot(boot, aliveMs))
  }

  #due(id: Uint8Array): void {
    const path = this.#pathOf(id)
    if (path !== undefined && this.#residents.get(path) === undefined) this.#options.onDue(path)
  }

  #pathOf(id: Uint8Array): string | undefined {
    try {
      const bytes = this.#commit.read(recordKey(id))
      return bytes === undefined ? undefined : pathOf(decodeRecord(bytes).address)
    } catch (error) {
      this.#options.log.error({ error }, 'an actor with a timer cannot be read')
    }
  }

  #confirm(batch: number): void {
    this.#options.onConfirmed(batch)
    if (this.#toCut.size === 0 || this.#isCutting) return
    this.#isCutting = true
    this.#cutHistories()
      .catch((error) => this.#options.log.warn({ error }, 'a history cannot be cut'))
      .finally(() => {
        this.#isCutting = false
      })
  }

  /** What goes leaves with the next batch: it is worth no sync of its own. */
  async #cutHistories(): Promise<void> {
    for (const [name, { id, seq }] of this.#toCut) {
      this.#toCut.delete(name)
      await this.#histories.cutCount(id, seq)
    }
  }

  #failed(error: Error): void {
    this.#halt()
    this.#options.onFatal(error)
  }

  #halt(): void {
    this.#timers.stop()
    this.#sweep?.stop()
    this.#beating?.()
  }
}
