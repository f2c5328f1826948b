import type { Order, QuorumClient } from '@brume/actors/quorum'
import { QuorumError, type QuorumErrorCode } from '@brume/actors/quorum'
import type { Identity } from '@brume/crypto'
import type { Clock } from '@brume/ports'
import { EXPIRY_MAX_MS, encodeCall } from '@brume/protocols/quorum'
import { refusal } from './refusals.ts'

/** Under way at once: half of what a group's pool takes of one client, so that another of the same key finds room. */
const UNDER_WAY_MAX = 32
/** Waiting for their turn: at 40 KiB a block they are a minute's work. */
const WAITING_MAX = 1_024
/** How long a command may wait for its block unless told. */
const TTL_MS = 30_000

type Proven = Awaited<Order['final']>
type Answered = Awaited<Order['attested']>

/** A command of this peer's on its way, through as many sessions as it takes. */
export interface Sent {
  readonly final: Promise<Proven>
  readonly attested: Promise<Answered>
}

export interface SendOptions {
  readonly ttlMs?: number
  readonly signal?: AbortSignal
}

export interface CommandsOptions {
  readonly client: QuorumClient
  readonly groupId: Uint8Array
  readonly identity: Identity
  readonly clock: Clock
  /** A number that was never used, on disk. */
  readonly nextSession: () => Promise<number>
}

interface Entry {
  readonly body: Uint8Array
  /** Wall time, ms. */
  readonly expiresMs: number
  readonly signal: AbortSignal | undefined
  readonly final: PromiseWithResolvers<Proven>
  readonly attested: PromiseWithResolvers<Answered>
  /** The order of its present session is not heard any more once another one was begun. */
  order: Order | undefined
  sequence: number
}

/**
 * Commands of one peer to one group, in order, each taking effect at most once: one session, and another one where
 * a command of it never takes effect, since those behind it never would.
 */
export class Commands {
  readonly #options: CommandsOptions
  readonly #waiting: Entry[] = []
  #underWay: Entry[] = []
  #session: number | undefined
  #sequence = 0
  #opening = false

  constructor(options: CommandsOptions) {
    this.#options = options
  }

  get isFull(): boolean {
    return this.#waiting.length >= WAITING_MAX
  }

  /** @throws RuntimeError FULL */
  send(body: Uint8Array, { ttlMs = TTL_MS, signal }: SendOptions = {}): Sent {
    if (this.isFull) throw refusal('full', `${WAITING_MAX} commands to this group wait already`)
    const expiresMs = Math.floor(this.#options.clock.wall() + Math.min(Math.max(ttlMs, 1), EXPIRY_MAX_MS))
    const [final, attested] = [Promise.withResolvers<Proven>(), Promise.withResolvers<Answered>()]
    for (const { promise } of [final, attested]) promise.catch(() => undefined)
    this.#waiting.push({ body, expiresMs, signal, final, attested, order: undefined, sequence: 0 })
    this.#go()
    return { final: final.promise, attested: attested.promise }
  }

  #go(): void {
    if (this.#waiting.length === 0 || this.#opening) return
    if (this.#session === undefined) return this.#open()
    while (this.#underWay.length < UNDER_WAY_MAX) {
      const entry = this.#waiting.shift()
      if (entry === undefined) return
      if (entry.signal?.aborted === true) fail(entry, entry.signal.reason)
      else this.#submit(entry, this.#session)
    }
  }

  #open(): void {
    this.#opening = true
    this.#options
      .nextSession()
      .then((number) => {
        this.#session = number
        this.#sequence = 0
      })
      .catch((error: unknown) => {
        for (const entry of this.#waiting.splice(0)) fail(entry, error)
      })
      .finally(() => {
        this.#opening = false
        this.#go()
      })
  }

  #submit(entry: Entry, session: number): void {
    const { groupId, identity, client } = this.#options
    const { body, expiresMs } = entry
    entry.sequence = this.#sequence + 1
    try {
      const command = encodeCall({ groupId, session, sequence: entry.sequence, expiresMs, body }, identity)
      entry.order = client.submit(command)
    } catch (error) {
      fail(entry, error)
      return
    }
    this.#sequence = entry.sequence
    this.#underWay.push(entry)
    this.#follow(entry, entry.order)
  }

  #follow(entry: Entry, order: Order): void {
    const isPresent = (): boolean => entry.order === order
    const given = (): void => fail(entry, entry.signal?.reason)
    entry.signal?.addEventListener('abort', given, { once: true })
    const end = (): void => {
      if (!isPresent()) return
      entry.signal?.removeEventListener('abort', given)
      this.#underWay = this.#underWay.filter((other) => other !== entry)
      this.#go()
    }
    order.final.then(
      (proven) => isPresent() && entry.final.resolve(proven),
      (error: unknown) => isPresent() && this.#broken(entry, error)
    )
    order.attested
      .then(
        (answered) => isPresent() && entry.attested.resolve(answered),
        (error: unknown) => {
          if (isPresent()) entry.attested.reject(error)
        }
      )
      .finally(end)
  }

  /** This command is not final and perhaps never will be: the session ends with it, and those behind it go into the next. */
  #broken(entry: Entry, error: unknown): void {
    fail(entry, error)
    if (entry.sequence === 0 || !this.#underWay.includes(entry)) return
    const behind = this.#underWay.filter(({ sequence }) => sequence > entry.sequence)
    this.#session = undefined
    // Whether it took effect is not known, and so not of those behind it: they end by themselves.
    if (!neverTakesEffect(error)) return
    this.#underWay = this.#underWay.filter((other) => !behind.includes(other))
    for (const other of behind) other.order = undefined
    this.#waiting.unshift(...behind)
  }
}

function fail(entry: Entry, error: unknown): void {
  entry.final.reject(error)
  entry.attested.reject(error)
}

const NEVER: ReadonlySet<QuorumErrorCode> = new Set<QuorumErrorCode>([
  'BRUME_QUORUM_EXPIRED',
  'BRUME_QUORUM_NOT_ADMITTED',
  'BRUME_QUORUM_TOO_LARGE',
  'BRUME_QUORUM_BAD_SIGNATURE',
  'BRUME_QUORUM_MALFORMED'
])

/** Said by more members than may lie: no block will ever hold it. */
const neverTakesEffect = (error: unknown): boolean => error instanceof QuorumError && NEVER.has(error.code)
