import { CodecError, equal, toHex } from '@brume/codec'
import type { Cancel, PeerId } from '@brume/ports'
import { parseAddress, withoutIncarnation } from '../../address.ts'
import { RuntimeError } from '../../error.ts'
import type { Json } from '../../logic/port.ts'
import type { Durable, Former } from '../durable/port.ts'
import { pathOf } from '../durable/residents.ts'
import { refusalError } from '../errors.ts'
import type { Parts } from '../parts.ts'
import { moveError, tokenOf } from './departures.ts'
import { decodeParcel, PARCEL_BYTES_MAX } from './parcel.ts'

/** After so long without a word the other peer is asked; doubled up to the second. */
const ASK_MS_FIRST = 2_000
const ASK_MS_MAX = 60_000

/** What another peer wants to give. */
export interface Offer {
  readonly token: Uint8Array
  /** Its address there. */
  readonly from: string
  readonly bytes: number
  readonly name: string
  readonly version: number
  readonly logic: Uint8Array
}

/** One that is here, on disk, and may not live yet. */
interface Expected {
  readonly token: Uint8Array
  readonly from: string
  readonly path: string
  readonly addresses: readonly string[]
  cancel: Cancel
}

/**
 * Actors that come from other peers: first inactive, on disk; then, when the peer they come from has decided, they live
 * here, or are forgotten. Which of the two, only that peer knows: it tells, or is asked.
 */
export class Arrivals {
  readonly #parts: Parts
  readonly #durable: Durable | null
  readonly #expected = new Map<string, Expected>()
  /** Paths and addresses of those: who asks for them is told to wait. */
  readonly #names = new Map<string, string>()
  readonly #offers = new Map<string, Promise<void>>()

  constructor(parts: Parts, durable: Durable | null) {
    this.#parts = parts
    this.#durable = durable
  }

  async begin(): Promise<void> {
    for await (const [token, { from, path, addresses }] of this.#durable?.transfers.arrivals() ?? []) {
      this.#expect({ token, from, path, addresses, cancel: () => {} }, 0)
    }
  }

  stop(): void {
    for (const { cancel } of this.#expected.values()) cancel()
  }

  /** A path here, or an address elsewhere, of which it is not known yet whether it lives here. */
  isExpected(name: string): boolean {
    return this.#names.size > 0 && this.#names.has(name)
  }

  /** An address that an actor here had elsewhere, or is about to have had. */
  adopts(address: string): boolean {
    return this.isExpected(withoutIncarnation(address)) || this.former(address) !== undefined
  }

  /** Whom an address of another peer means here. */
  former(address: string): Former | undefined {
    return this.#durable?.transfers.former(withoutIncarnation(address))
  }

  /** Resolves when it is on disk. @throws RuntimeError */
  async offered(peer: PeerId, offer: Offer): Promise<void> {
    const name = toHex(offer.token)
    if (this.#expected.has(name)) return
    const taking = this.#offers.get(name) ?? this.#take(peer, offer)
    this.#offers.set(name, taking)
    await taking.finally(() => this.#offers.delete(name))
  }

  /** The peer it comes from has decided. Resolves when that is on disk. @throws RuntimeError */
  async settle(peer: PeerId, token: Uint8Array, isMoved: boolean): Promise<void> {
    const durable = this.#durable
    const expected = this.#expected.get(toHex(token))
    // Done before, and told again.
    if (expected === undefined || durable === null) return
    if (parseAddress(expected.from).peer !== peer) throw refusalError('forbidden', expected.path)
    let batch = 0
    this.#parts.scheduler.held(() => {
      batch = durable.open
      if (isMoved) this.#enliven(durable, expected)
      durable.transfers.putArrival(token, null)
      this.#forget(expected)
    })
    await new Promise<void>((resolve) => this.#parts.outputs.release(batch, resolve))
  }

  async #take(peer: PeerId, { token, from, bytes, name, version, logic }: Offer): Promise<void> {
    const durable = this.#durable
    const { path, peer: home, incarnation } = parseAddress(from)
    if (home !== peer || incarnation !== null) throw refusalError('invalid', from)
    if (durable === null) throw moveError('this peer keeps no actors on disk')
    if (bytes > PARCEL_BYTES_MAX) throw moveError(`at most ${PARCEL_BYTES_MAX} bytes travel`)
    const kind = this.#parts.spawner.kind(name, version)
    if (kind === undefined || kind.version !== version || !equal(kind.logic.id, logic)) {
      throw new RuntimeError(
        'BRUME_RUNTIME_KIND',
        `version ${version} of ${name}, as it runs there, is not registered here`
      )
    }
    this.#replace(durable, from)
    this.#assertFree(path)
    const parcel = await this.#fetch({ token, from, bytes })
    const addresses = addressesOf(parcel, from)
    this.#assertFree(path)
    durable.transfers.putArrival(token, { from, path, addresses, parcel })
    this.#expect({ token, from, path, addresses, cancel: () => {} }, ASK_MS_FIRST)
    const batch = durable.open
    durable.flush()
    await new Promise<void>((resolve) => this.#parts.outputs.release(batch, resolve))
  }

  async #fetch({ token, from, bytes }: Pick<Offer, 'token' | 'from' | 'bytes'>): Promise<Uint8Array> {
    const parcel = new Uint8Array(bytes)
    for (let at = 0; at < bytes; ) {
      const piece = await this.#parts.commands.send(from, { do: 'parcel', token, at })
      if (!(piece instanceof Uint8Array) || piece.length === 0 || at + piece.length > bytes) {
        throw refusalError('invalid', from)
      }
      parcel.set(piece, at)
      at += piece.length
    }
    return parcel
  }

  /** Who offers it again, has it: what came of it before is not to live. */
  #replace(durable: Durable, from: string): void {
    for (const expected of [...this.#expected.values()]) {
      if (expected.from !== from) continue
      this.#parts.scheduler.held(() => durable.transfers.putArrival(expected.token, null))
      this.#forget(expected)
    }
  }

  /** @throws RuntimeError */
  #assertFree(path: string): void {
    const { door, places } = this.#parts
    const found = door.find({ isHere: true, authority: places.self, path, incarnation: null })
    const isFree = typeof found === 'string' ? found === 'noactor' || found === 'moved' : found.status === 'stopped'
    if (isFree && !this.isExpected(path)) return
    throw new RuntimeError('BRUME_RUNTIME_PATH_TAKEN', `${path} is in use; stop it first or choose another path`)
  }

  #expect(expected: Expected, askMs: number): void {
    const name = toHex(expected.token)
    this.#expected.set(name, expected)
    for (const each of namesOf(expected)) this.#names.set(each, name)
    this.#askAfter(expected, askMs)
  }

  #forget(expected: Expected): void {
    expected.cancel()
    this.#expected.delete(toHex(expected.token))
    for (const each of namesOf(expected)) this.#names.delete(each)
  }

  #askAfter(expected: Expected, delayMs: number): void {
    const again = (): void => {
      if (!this.#expected.has(toHex(expected.token))) return
      this.#askAfter(expected, Math.min(Math.max(ASK_MS_FIRST, 2 * delayMs), ASK_MS_MAX))
    }
    expected.cancel = this.#parts.timers.after(delayMs, () => void this.#ask(expected).then(again, again))
  }

  async #ask({ token, from }: Expected): Promise<void> {
    const decision = await this.#parts.commands.send(from, { do: 'decision', token })
    if (decision !== 'moved' && decision !== 'aborted') return
    await this.settle(parseAddress(from).peer ?? '', token, decision === 'moved')
    if (decision === 'moved') await this.#parts.commands.send(from, { do: 'settled', token })
  }

  /** All in the open batch: it lives here with all that was on disk of it there, or it is as it was. */
  #enliven(durable: Durable, { token, from, path: rootPath }: Expected): void {
    const { places, cells, persistence, outgoing, nextIncarnation } = this.#parts
    const arrival = durable.transfers.arrival(token)
    if (arrival === undefined) throw refusalError('damaged', rootPath)
    const own = (target: string): string =>
      target === from || target.startsWith(`${from}/`) ? places.address(pathOf(target)) : target
    const paths: string[] = []
    for (const { actor, outbox, belongings, formers } of decodeParcel(arrival.parcel, from)) {
      const path = pathOf(actor.address)
      paths.push(path)
      const before = cells.get(path)
      if (before !== undefined) cells.remove(before)
      const incarnation = nextIncarnation()
      durable.transfers.put({ ...actor, address: places.address(path), incarnation }, belongings)
      for (const entry of outbox) {
        durable.putOutbox(path, entry.seq, entry.kind === 'run' ? entry : { ...entry, target: own(entry.target) })
      }
      const known = [...formers, [actor.address, actor.incarnation] as const]
      durable.transfers.putFormers(
        path,
        known.filter(([address]) => parseAddress(address).peer !== places.self),
        incarnation
      )
    }
    persistence.wake(paths)
    outgoing.recover(paths)
  }
}

function addressesOf(parcel: Uint8Array, from: string): readonly string[] {
  try {
    return decodeParcel(parcel, from).flatMap(({ actor, formers }) => [
      actor.address,
      ...formers.map(([address]) => address)
    ])
  } catch (error) {
    if (error instanceof CodecError) throw refusalError('invalid', from)
    throw error
  }
}

/** The path is the same there and here, also of its children. */
function namesOf({ from, addresses }: Expected): readonly string[] {
  const below = addresses.filter((address) => address === from || address.startsWith(`${from}/`)).map(pathOf)
  return [...addresses, ...below]
}

/** @throws RuntimeError */
export function offerOf(body: { readonly [field: string]: Json }): Offer {
  const { from, bytes, name, version, logic } = body
  const isSound = typeof from === 'string' && typeof name === 'string' && logic instanceof Uint8Array
  if (!isSound || !isCount(bytes) || !isCount(version)) throw refusalError('invalid', 'an offer')
  return { token: tokenOf(body.token), from, bytes, name, version, logic }
}

export const isCount = (value: Json | undefined): value is number => Number.isSafeInteger(value) && Number(value) >= 0
