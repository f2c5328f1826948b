import type { Clock } from '@brume/ports'
import { RuntimeError } from '../error.ts'
import type { Event } from '../logic/port.ts'
import { Activation } from './activation.ts'
import type { Cell } from './cell.ts'
import { REPLY_MS_MAX, STATE_BYTES_MAX } from './durable/limits.ts'
import type { Durable } from './durable/port.ts'
import { Idle } from './durable/residency.ts'
import type { Mail } from './mailbox.ts'
import type { Meters } from './meters.ts'
import { DURABLE_TTL_MS } from './outgoing.ts'
import type { Parts } from './parts.ts'
import type { Refusal } from './port.ts'
import { weightOf } from './weight.ts'

/** Idle for so long, an actor leaves memory. */
const PASSIVATE_MS = 60_000
/** What waits for the disk: beyond it nothing is taken from outside. */
const BACKLOG_BYTES_MAX = 32 * 1_048_576

/** What cells have to do with the disk; where there is none, or for actors in memory, nothing. */
export class Persistence {
  readonly #durable: Durable | null
  readonly #activation: Activation
  readonly #idle: Idle
  readonly #clock: Clock
  readonly #takes: () => boolean
  readonly #meters: Meters | null

  constructor(parts: Parts, durable: Durable | null) {
    this.#durable = durable
    this.#clock = parts.options.clock
    this.#takes = parts.options.takes ?? always
    this.#meters = parts.meters
    this.#activation = new Activation(parts, durable)
    this.#idle = new Idle({
      clock: parts.options.clock,
      evict: (path) => this.#activation.evict(path),
      after: (delayMs, run) => parts.timers.after(delayMs, run)
    })
  }

  /** It had a turn. */
  used(cell: Cell): void {
    const { durability, options, path } = cell
    if (durability === 'memory' && options.passivate !== true) return
    if (cell.isAlive) this.#idle.used(path, options.passivateMs ?? PASSIVATE_MS)
  }

  gone(cell: Cell): void {
    this.#idle.gone(cell.path)
  }

  /** True where nothing more should come in: the disk is far behind, or whoever copies what is on it. */
  get isOverloaded(): boolean {
    if (!this.#takes()) return true
    return this.#durable !== null && this.#durable.backlogBytes > BACKLOG_BYTES_MAX
  }

  /** The durable part where this cell is kept on disk. */
  of(cell: Cell): Durable | null {
    return cell.durability === 'memory' ? null : this.#durable
  }

  /** Wall time as this actor's timers count it. */
  nowMs(cell: Cell): number {
    return this.of(cell)?.nowMs() ?? this.#clock.wall()
  }

  /** @throws RuntimeError where the disk would not take the state: it is the actor's failure */
  check(cell: Cell, state: unknown): void {
    if (this.of(cell) === null) return
    const bytes = weightOf(cell.logic.view(state).context)
    if (bytes <= STATE_BYTES_MAX) return
    const message = `the context of ${cell.path} has about ${bytes} bytes; ${STATE_BYTES_MAX} are kept: give large things away by content id`
    throw new RuntimeError('BRUME_RUNTIME_LIMIT', message)
  }

  /** The cell has changed: it is part of the open batch from now on. */
  changed(cell: Cell): void {
    const durable = this.of(cell)
    if (durable === null) return
    durable.save(cell)
    cell.batch = durable.open
  }

  /** As `changed`, by a step: what caused it is consumed in the same batch. */
  stepped(cell: Cell, mail: Mail | null): void {
    const durable = this.of(cell)
    if (durable === null) return mail?.consumed?.()
    if (mail !== null && cell.durability === 'journal') {
      const { event, from: sender } = mail
      durable.save(cell, { seq: cell.seq, atMs: Math.floor(durable.nowMs()), sender, event })
    } else durable.save(cell)
    mail?.consumed?.()
    if (mail !== null && mail.ask === null) this.answered(cell, mail.key, null)
    cell.batch = durable.open
    this.#meters?.saved(durable.open)
  }

  bury(cell: Cell): void {
    const durable = this.of(cell)
    if (durable === null) return
    durable.bury(cell)
    cell.batch = durable.open
  }

  /** To be called in the batch of the step that answered. */
  answered(cell: Cell, key: Uint8Array | null, value: Parameters<Durable['putReply']>[2]['value']): void {
    const durable = this.of(cell)
    if (durable === null || key === null) return
    durable.putReply(cell.path, key, { expiresMs: Math.ceil(durable.nowMs() + REPLY_MS_MAX), code: 'ok', value })
  }

  /** An actor that is not in memory; why it cannot be. */
  activate(path: string): Cell | Refusal {
    const found = this.#activation.activate(path)
    return found === 'noactor' && this.movedTo(path) !== null ? 'moved' : found
  }

  /** Whose custom actions those of this path are, also where it is done and gone; undefined: it cannot be loaded. */
  owner(path: string): Cell | undefined {
    return this.#activation.owner(path)
  }

  /** Number of the first outbox entry of a new actor: an earlier one of its path may have left some. */
  outNext(path: string): number {
    return (this.#durable?.outbox(path).at(-1)?.seq ?? 0) + 1
  }

  /** Where one lives that is not here any more; null: it did not move. */
  movedTo(path: string): string | null {
    return this.#durable?.transfers.moved(path)?.address ?? null
  }

  /** Kinds came, or the kernel starts: those who could not be loaded may be now. */
  wake(paths: readonly string[] = []): void {
    this.#activation.wake(paths)
    this.#durable?.retry()
  }

  /** From one durable actor here to another: it is on disk until it is processed, if that is not in the same batch. */
  handover(from: Cell, target: Cell, kind: 'mail' | 'control', event: Event): (() => void) | null {
    const durable = this.of(from)
    if (durable === null || this.of(target) === null) return null
    const seq = from.outNext++
    const expiresMs = Math.ceil(durable.nowMs() + DURABLE_TTL_MS)
    durable.putOutbox(from.path, seq, { kind, target: target.address, prev: 0, body: event, expiresMs })
    return () => durable.dropOutbox(from.path, seq)
  }

  stop(): void {
    this.#idle.stop()
  }

  flush(): void {
    this.#durable?.flush()
  }
}

const always = (): boolean => true
