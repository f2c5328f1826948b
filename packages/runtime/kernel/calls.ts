import type { Cancel } from '@brume/ports'
import type { RuntimeError } from '../error.ts'
import type { Event, Json } from '../logic/port.ts'
import type { Cell } from './cell.ts'
import { refusalError } from './errors.ts'
import type { Mail, Rank, Receipt } from './mailbox.ts'
import type { Parts } from './parts.ts'
import type { Place } from './places.ts'
import type { AskOptions, Outbound, Refusal, SendOptions, Snapshot } from './port.ts'
import { TTL_MS } from './remotes.ts'
import { PROBE } from './steps.ts'

const ASK_MS = 5_000
const KEY_BYTES = 16
/** Stands for application code. */
const CLIENT = '~client'

type Failure = Parameters<typeof refusalError>[0]

/** As those see it who put its event somewhere. */
interface Pending {
  undo(cancel: Cancel): void
  failed(error: Error): void
}

/** One who waits: settled once, and nothing is left of it then. */
class Wait<T> implements Pending {
  readonly #promise = Promise.withResolvers<T>()
  readonly #undo: Cancel[] = []

  get promise(): Promise<T> {
    return this.#promise.promise
  }

  /** What to take back when it is over. */
  undo(cancel: Cancel): void {
    this.#undo.push(cancel)
  }

  done(value: T): void {
    this.#over()
    this.#promise.resolve(value)
  }

  failed(error: Error): void {
    this.#over()
    this.#promise.reject(error)
  }

  #over(): void {
    for (const cancel of this.#undo.splice(0)) cancel()
  }
}

/** What application code asks of actors, here and elsewhere. */
export class Calls {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  tell(to: string, event: Event, options: SendOptions = {}): 'accepted' | Refusal {
    const place = this.#parts.places.find(to)
    if (!place.isHere) return this.#tellRemote(to, event, options)
    const found = this.#find(place, to, event)
    if (found === 'moved') return this.#tellRemote(this.#movedTo(place, to), event, options)
    if (typeof found === 'string') return found
    if (this.#parts.persistence.isOverloaded) return this.#parts.door.refuse('overload', to, { event, from: null })
    const checked = this.#parts.door.check(found, event, options.from ?? null)
    if (typeof checked === 'string') return checked
    const outcome = this.#parts.door.take(found, this.#mail(checked.event, options, rankOf(place, options)))
    return outcome === 'waits' ? 'full' : outcome
  }

  submit(to: string, event: Event, options: AskOptions = {}): Promise<{ readonly seq: number }> {
    const wait = new Wait<{ readonly seq: number }>()
    this.#limit(wait, to, options)
    const receipt: Receipt = {
      processed: (seq, batch) => this.#parts.outputs.release(batch, () => wait.done({ seq })),
      refused: (code) => wait.failed(this.#refusal(code, to))
    }
    this.#put(to, event, options, wait, null, receipt, () => wait.done({ seq: 0 }))
    return wait.promise
  }

  ask(to: string, event: Event, options: AskOptions = {}): Promise<Json> {
    const { asks } = this.#parts
    const wait = new Wait<Json>()
    const { key = null } = options
    const token = asks.open({ key, replied: (value) => wait.done(value) })
    wait.undo(() => asks.close(token))
    this.#limit(wait, to, { timeoutMs: ASK_MS, ...options })
    const receipt: Receipt = { processed: () => {}, refused: (code) => wait.failed(this.#refusal(code, to)) }
    this.#put(to, event, options, wait, token, receipt, (value) => wait.done(value))
    return wait.promise
  }

  async snapshot(to: string, read: 'local' | 'final' = 'local'): Promise<Snapshot> {
    const { places, options, outputs, steps } = this.#parts
    const place = places.find(to)
    if (!place.isHere) {
      if (options.remote === undefined) throw refusalError('unreachable', to)
      return options.remote.snapshot(to, ASK_MS, read)
    }
    const cell = this.#parts.door.find(place)
    if (cell === 'moved') return this.snapshot(this.#movedTo(place, to), read)
    if (typeof cell === 'string') throw refusalError(cell, to)
    if (read === 'final' && cell.isAlive) await this.#probe(cell, to)
    const now = steps.snapshot(cell)
    const { promise, resolve } = Promise.withResolvers<Snapshot>()
    outputs.release(cell.batch, () => resolve(now))
    return promise
  }

  /** Resolves when all that waited before it has been processed. */
  #probe(cell: Cell, to: string): Promise<void> {
    const wait = new Wait<void>()
    const receipt: Receipt = { processed: () => wait.done(), refused: (code) => wait.failed(refusalError(code, to)) }
    this.#parts.door.take(cell, this.#mail(PROBE, {}, 'control', { receipt }))
    return wait.promise
  }

  /** @param again - with the stored answer, where the key was used before */
  #put(
    to: string,
    event: Event,
    options: AskOptions,
    wait: Pending,
    ask: string | null,
    receipt: Receipt,
    again: (value: Json) => void
  ): void {
    const { places, door, persistence } = this.#parts
    const place = places.find(to)
    if (!place.isHere) return this.#sendRemote(to, event, options, ask, receipt)
    const { key = null } = options
    // It may move while the event waits for its turn.
    const routed: Receipt = {
      processed: receipt.processed,
      refused: (code) => {
        if (code !== 'moved') return receipt.refused(code)
        this.#sendRemote(this.#movedTo(place, to), event, options, ask, receipt)
      }
    }
    const attempt = (): void => {
      const found = this.#find(place, to, event)
      if (typeof found === 'string') return routed.refused(found)
      const stored = key === null ? undefined : persistence.of(found)?.reply(found.path, key)
      if (stored !== undefined) return this.#parts.outputs.release(found.batch, () => again(stored.value))
      if (persistence.isOverloaded) return receipt.refused(door.refuse('overload', to, { event, from: null }))
      const checked = door.check(found, event, options.from ?? null)
      if (typeof checked === 'string') return receipt.refused(checked)
      const fields = { ask, receipt: routed, key }
      const mail = this.#mail(checked.event, { ttlMs: TTL_MS, ...options }, rankOf(place, options), fields)
      const outcome = door.take(found, mail)
      if (outcome === 'waits') return this.#await(found, wait, attempt)
      if (outcome !== 'accepted') receipt.refused(outcome)
    }
    attempt()
  }

  /** For room in a mailbox of the policy `block`. */
  #await(cell: Cell, wait: Pending, again: () => void): void {
    let isOver = false
    wait.undo(() => {
      isOver = true
    })
    cell.mailbox.onRoom(() => {
      if (!isOver) again()
    })
  }

  #limit(wait: Pending, to: string, { timeoutMs, signal }: AskOptions): void {
    const fail = (reason: Failure): void => wait.failed(refusalError(reason, to))
    if (timeoutMs !== undefined) wait.undo(this.#parts.timers.after(timeoutMs, () => fail('timeout')))
    if (signal === undefined) return
    const abort = (): void => fail('aborted')
    if (signal.aborted) return abort()
    signal.addEventListener('abort', abort, { once: true })
    wait.undo(() => signal.removeEventListener('abort', abort))
  }

  /** Of a failure here the peer's own user is told more than the code. */
  #refusal(code: Parameters<Receipt['refused']>[0], to: string): RuntimeError {
    const place = this.#parts.places.find(to)
    const cell = code === 'failed' && place.isHere ? this.#parts.cells.get(place.path) : undefined
    if (cell === undefined || cell.failure === null) return refusalError(code, to)
    const { status, failure } = cell
    if (status !== 'failed') return refusalError(code, to, `it failed while it processed the event (${failure})`)
    return refusalError(code, to, `it failed too often and takes nothing until it is resurrected (${failure})`)
  }

  #find(place: Place, to: string, event: Event): Cell | Refusal {
    const found = this.#parts.door.find(place)
    if (typeof found !== 'string' || found === 'moved') return found
    return this.#parts.door.refuse(found, to, { event, from: null })
  }

  #movedTo({ path }: Place, to: string): string {
    return this.#parts.persistence.movedTo(path) ?? to
  }

  #mail(
    event: Event,
    { ttlMs, from = this.#client() }: SendOptions,
    rank: Rank,
    more: Partial<Pick<Mail, 'ask' | 'receipt' | 'key'>> = NOTHING
  ): Mail {
    const expiresMs = ttlMs === undefined ? Number.POSITIVE_INFINITY : this.#parts.options.clock.now() + ttlMs
    const { ask = null, receipt = null, key = null } = more
    return { event, from, rank, batch: 0, ask, bytes: 0, expiresMs, receipt, key, consumed: null, timer: null }
  }

  #client(): string {
    return this.#parts.places.client
  }

  #tellRemote(to: string, event: Event, options: SendOptions): 'accepted' | Refusal {
    const refused = (reason: Refusal | 'unreachable'): void => {
      this.#parts.letters.add(reason, to, this.#client(), event)
    }
    const outcome = this.#parts.remotes.dispatch({ ...this.#outbound(to, event, options), refused })
    if (outcome === 'full') refused('full')
    return outcome
  }

  #sendRemote(to: string, event: Event, options: AskOptions, token: string | null, receipt: Receipt): void {
    const { remotes, asks, options: kernel } = this.#parts
    const message: Outbound = {
      ...this.#outbound(to, event, options),
      ask: token !== null,
      key: options.key ?? kernel.random.bytes(KEY_BYTES),
      committed: () => receipt.processed(0, 0),
      refused: (code) => receipt.refused(code),
      ...(token === null ? {} : { replied: (value: Json) => asks.take(token)?.replied(value) })
    }
    if (remotes.dispatch(message) === 'full') receipt.refused('full')
  }

  #outbound(to: string, event: Event, { ttlMs = TTL_MS }: SendOptions): Outbound {
    const { places } = this.#parts
    return { from: CLIENT, incarnation: places.boot, to, event, ask: false, durable: null, key: null, ttlMs }
  }
}

const NOTHING = {}

function rankOf(place: Place, { control }: SendOptions): Rank {
  return control === true && place.path.startsWith('sys/') ? 'control' : 'user'
}
