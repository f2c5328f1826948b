import { equal, toHex } from '@brume/codec'
import type { PeerId } from '@brume/ports'
import { formatAddress } from '../../address.ts'
import { RuntimeError } from '../../error.ts'
import type { Json } from '../../logic/port.ts'
import type { Cell } from '../cell.ts'
import { MOVED_MS } from '../durable/limits.ts'
import type { Durable, OutboxEntry } from '../durable/port.ts'
import { refusalError } from '../errors.ts'
import type { Mail } from '../mailbox.ts'
import type { Parts } from '../parts.ts'
import { recordOf } from '../records.ts'
import { PROBE } from '../steps.ts'
import { encodeParcel, PARCEL_BYTES_MAX, type Packed } from './parcel.ts'

/** Until its decision a move may take so long; then the actor goes on where it was. */
const MOVE_MS_MAX = 30_000
/** How often it is looked whether all it sent has been confirmed. */
const LOOK_MS = 10
/** What one answer carries of a parcel. */
const CHUNK_BYTES = 262_144
const TOKEN_BYTES = 16

/** One root on its way to another peer, with all that its machine started. */
interface Departure {
  readonly token: Uint8Array
  readonly peer: PeerId
  readonly root: Cell
  /** Where it will live. */
  readonly address: string
  /** Those that are parked, parents first. */
  cells: readonly Cell[]
  parcel: Uint8Array | null
  readonly failed: PromiseWithResolvers<never>
  readonly done: Promise<string>
}

/**
 * Actors that leave for other peers. Nothing is written before the decision: a peer that dies before it still has the
 * actor. The decision is the batch that takes the record away and says where the actor lives now; the other peer, which
 * had the parcel on disk before, lets it live only once it was told of it.
 */
export class Departures {
  readonly #parts: Parts
  readonly #durable: Durable | null
  /** By path of the root. */
  readonly #going = new Map<string, Departure>()

  constructor(parts: Parts, durable: Durable | null) {
    this.#parts = parts
    this.#durable = durable
  }

  /** After a start: who may wait for the decision of the life before is told. */
  async begin(): Promise<void> {
    for await (const { address, token } of this.#durable?.transfers.untold() ?? []) this.#tell(address, token)
  }

  stop(): void {
    for (const { failed } of this.#going.values()) failed.reject(moveError('the peer was stopped'))
  }

  /** Does its tree leave? Then nothing new is taken of other peers. */
  isLeaving(cell: Cell): boolean {
    return this.#going.size > 0 && this.#going.has(rootOf(cell).path)
  }

  /** Resolves when no move of this root is under way. */
  async settled(path: string): Promise<void> {
    await this.#going.get(path)?.done.catch(() => undefined)
  }

  /** Resolves with its new address. @throws RuntimeError, and it lives on here */
  move(root: Cell, peer: PeerId): Promise<string> {
    const going = this.#going.get(root.path)
    if (going?.peer === peer) return going.done
    if (going !== undefined) throw moveError(`${root.path} is on its way to ${going.peer}`)
    this.#assertMovable(root)
    const { promise, resolve } = Promise.withResolvers<string>()
    const departure: Departure = {
      ...{ peer, root, cells: [], parcel: null, done: promise },
      token: this.#parts.options.random.bytes(TOKEN_BYTES),
      address: formatAddress(peer, root.path),
      failed: Promise.withResolvers<never>()
    }
    departure.failed.promise.catch(() => undefined)
    this.#going.set(root.path, departure)
    resolve(this.#run(departure).finally(() => this.#going.delete(root.path)))
    return promise
  }

  /** What a peer is told that has the parcel and does not know whether the actor may live there. */
  decision(path: string, token: Uint8Array): 'moved' | 'aborted' | 'undecided' {
    const going = this.#going.get(path)
    if (going !== undefined && equal(going.token, token)) return 'undecided'
    const moved = this.#durable?.transfers.moved(path)
    return moved !== undefined && equal(moved.token, token) ? 'moved' : 'aborted'
  }

  /** It is known there: here it may be forgotten in its time. */
  told(path: string, token: Uint8Array): void {
    const move = this.#durable?.transfers.moved(path)
    if (move === undefined || !equal(move.token, token)) return
    this.#parts.scheduler.held(() => this.#durable?.transfers.putMoved(path, { ...move, isTold: true }))
  }

  /** Bytes of a parcel, from `at` on; for the peer it is for. @throws RuntimeError */
  chunk(peer: PeerId, path: string, token: Uint8Array, at: number): Uint8Array {
    const going = this.#going.get(path)
    if (going?.parcel == null || going.peer !== peer || !equal(going.token, token)) throw refusalError('noactor', path)
    return going.parcel.subarray(at, at + CHUNK_BYTES)
  }

  async #run(departure: Departure): Promise<string> {
    const { scheduler, timers } = this.#parts
    const { failed, root } = departure
    const cancel = timers.after(MOVE_MS_MAX, () =>
      failed.reject(moveError(`${root.path} stays: ${this.#whatIsMissing(departure)} within ${MOVE_MS_MAX} ms`))
    )
    try {
      await Promise.race([this.#give(departure), failed.promise])
    } catch (error) {
      scheduler.held(() => this.#resume(departure))
      throw error
    } finally {
      cancel()
    }
    return this.#decide(departure)
  }

  /** Up to where the other peer has it on disk. */
  async #give(departure: Departure): Promise<void> {
    const { scheduler, options } = this.#parts
    await this.#drained(departure.root)
    scheduler.held(() => this.#park(departure))
    await this.#confirmed(departure)
    const parcel = await this.#pack(departure)
    departure.parcel = parcel
    const { kind } = departure.root
    const { name, version, logic } = kind
    const offer = { token: departure.token, from: departure.root.address, bytes: parcel.length }
    if (options.remote === undefined) throw refusalError('unreachable', departure.address)
    await this.#parts.commands.send(departure.address, { do: 'offer', ...offer, name, version, logic: logic.id })
  }

  /** All that waited in the mailboxes is processed: what other peers send from now on they keep. */
  async #drained(root: Cell): Promise<void> {
    this.#parts.effects.gather(root)
    await Promise.all(familyOf(root).map((cell) => (cell.isAlive ? this.#probed(cell) : undefined)))
  }

  #probed(cell: Cell): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const refused = (): void => reject(moveError(`${cell.path} ended`))
    const receipt = { processed: () => resolve(), refused }
    this.#parts.scheduler.held(() => this.#parts.door.take(cell, { ...NOTHING, receipt }))
    return promise
  }

  #park(departure: Departure): void {
    this.#assertMovable(departure.root)
    this.#parts.effects.gather(departure.root)
    const cells = familyOf(departure.root)
    const other = cells.find(({ status }) => status !== 'active' && status !== 'done')
    if (other !== undefined) throw moveError(`${other.path} is ${other.status}`)
    departure.cells = cells
    for (const cell of cells) {
      if (cell.status === 'done') this.#parts.runs.leave(cell)
      if (cell.status !== 'active') continue
      this.#parts.effects.leave(cell)
      cell.status = 'moving'
    }
  }

  /** As it came from the disk. */
  #resume({ cells }: Departure): void {
    const { effects, runs, scheduler, persistence } = this.#parts
    for (const cell of cells) {
      const isMoving = cell.status === 'moving'
      if (isMoving) {
        cell.status = 'active'
        effects.goOn(cell, recordOf(cell))
      }
      for (const entry of this.#durable?.outbox(cell.path) ?? []) if (entry.kind === 'run') runs.recover(cell, entry)
      if (!isMoving) continue
      persistence.used(cell)
      scheduler.add(cell)
    }
  }

  /**
   * Receivers know what they had of it by its address here. So it leaves when nothing is on its way that another address
   * would have to repeat.
   */
  async #confirmed(departure: Departure): Promise<void> {
    while (this.#open(departure).length > 0) {
      await new Promise<void>((resolve) => void this.#parts.timers.after(LOOK_MS, resolve))
    }
  }

  #open({ cells, root }: Departure): readonly OutboxEntry[] {
    return cells.flatMap(({ path }) =>
      (this.#durable?.outbox(path) ?? []).filter(({ kind, target }) => kind === 'mail' && !isWithin(target, root))
    )
  }

  #whatIsMissing(departure: Departure): string {
    if (departure.parcel !== null) return `${departure.peer} did not confirm`
    const [first] = this.#open(departure)
    return first === undefined ? 'its mailbox was not empty' : `what it sent to ${first.target} was not confirmed`
  }

  async #pack({ cells }: Departure): Promise<Uint8Array> {
    const durable = this.#durable as Durable
    const packed: Packed[] = []
    for (const cell of cells) {
      const formers = durable.transfers.formers(cell.path)
      const as = [cell.address, ...formers.map(([address]) => address)]
      const belongings = await durable.transfers.belongings(cell.path, as)
      packed.push({ actor: recordOf(cell), outbox: durable.outbox(cell.path), belongings, formers })
    }
    const parcel = encodeParcel(packed)
    if (parcel.length <= PARCEL_BYTES_MAX) return parcel
    throw moveError(`it has ${parcel.length} bytes with its children; at most ${PARCEL_BYTES_MAX} travel`)
  }

  /** From when the batch is on disk it lives there, whatever becomes of this peer. */
  async #decide(departure: Departure): Promise<string> {
    const durable = this.#durable as Durable
    const { scheduler, outputs } = this.#parts
    const { cells, root, address, token } = departure
    let batch = 0
    scheduler.held(() => {
      batch = durable.open
      const expiresMs = durable.nowMs() + MOVED_MS
      for (const cell of cells) {
        for (const { seq } of durable.outbox(cell.path)) durable.dropOutbox(cell.path, seq)
        durable.transfers.remove(cell.path)
        const at = addressOf(departure, cell)
        durable.transfers.putMoved(cell.path, { address: at, token, expiresMs, isTold: cell !== root })
      }
    })
    await new Promise<void>((resolve) => outputs.release(batch, resolve))
    this.#going.delete(root.path)
    scheduler.held(() => {
      for (const cell of [...cells].reverse()) this.#leave(cell, addressOf(departure, cell))
    })
    this.#tell(address, token)
    return address
  }

  /** Who waits for it here goes on there. */
  #leave(cell: Cell, address: string): void {
    const { cells, watches, aliases, persistence, outgoing, remotes } = this.#parts
    const mails = cell.mailbox.clear()
    cell.status = 'stopped'
    aliases.leave(cell)
    persistence.gone(cell)
    cells.remove(cell)
    outgoing.forget(cell.path)
    watches.moved(cell, address, this.#parts.options.remote)
    const senders = new Set<string>()
    for (const mail of mails) {
      if (mail.rank === 'own') continue
      if (mail.receipt !== null) mail.receipt.refused('moved')
      else if (mail.consumed !== null && mail.from !== null) senders.add(this.#parts.places.find(mail.from).path)
      else remotes.forward(mail, address)
    }
    for (const sender of senders) outgoing.redirect(sender, cell.address, address)
  }

  /** Should it not be heard, it is asked for. */
  #tell(address: string, token: Uint8Array): void {
    const { commands, places, options } = this.#parts
    const { path } = places.find(address)
    const failed = (error: unknown): void =>
      options.log.debug({ address, move: toHex(token), error }, 'a peer was not told that an actor is its own now')
    commands.send(address, { do: 'settle', token }).then(() => this.told(path, token), failed)
  }

  /** @throws RuntimeError */
  #assertMovable(root: Cell): void {
    const { path, origin, durability, status, below } = root
    if (origin !== null) throw moveError(`${path} goes with its parent: move ${rootOf(root).path}`)
    if (this.#durable === null || durability === 'memory') throw moveError(`${path} lives in memory only`)
    if (status !== 'active') throw moveError(`${path} is ${status}`)
    const other = [...below].find((cell) => cell.origin === null && cell.isAlive)
    if (other !== undefined) throw moveError(`${other.path} was spawned below it: move or stop that first`)
  }
}

const NOTHING: Mail = {
  ...{ event: PROBE, from: null, rank: 'control', batch: 0, ask: null, bytes: 0, receipt: null },
  ...{ expiresMs: Number.POSITIVE_INFINITY, key: null, consumed: null, timer: null }
}

export function moveError(message: string): RuntimeError {
  return new RuntimeError('BRUME_RUNTIME_MOVE', message)
}

function rootOf(cell: Cell): Cell {
  let root = cell
  while (root.origin !== null) root = root.origin.parent
  return root
}

/** It and what its machines started, parents first. */
function familyOf(cell: Cell): Cell[] {
  return [cell, ...[...cell.below].filter(({ origin }) => origin?.parent === cell).flatMap(familyOf)]
}

const isWithin = (target: string, { address }: Cell): boolean =>
  target === address || target.startsWith(`${address}/`) || target.startsWith(`${address}#`)

const addressOf = ({ root, address }: Departure, { path }: Cell): string => address + path.slice(root.path.length)

/** @throws RuntimeError */
export function tokenOf(value: Json | undefined): Uint8Array {
  if (value instanceof Uint8Array && value.length === TOKEN_BYTES) return value
  throw refusalError('invalid', 'the token of a move')
}
