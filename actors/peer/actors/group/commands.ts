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
  /** Monotonic ms: until then it is signed anew where it has expired and never took effect. */
  readonly untilMs?: number
  /** Called with the signed command before it leaves. */
  readonly keep?: (command: Uint8Array) => Promise<void>
  /** As it was kept in an earlier life: it may have taken effect. */
  readonly signed?: Uint8Array
}

export interface CommandsOptions {
  readonly client: QuorumClient
  readonly groupId: Uint8Array
  readonly identity: Identity
  readonly clock: Clock
  /** A number that was never used, on disk. */
  readonly nextSession: () => Promise<number>
}

interface Entry extends SendOptions {
  readonly body: Uint8Array
  readonly ttlMs: number
  /** Wall time, ms: what waits here waits no longer than under way. */
  expiresMs: number
  signed?: Uint8Array
  readonly final: PromiseWithResolvers<Proven>
  readonly attested: PromiseWithResolvers<Answered>
  /** The order of its present session is not heard any more once another one was begun. */
  order: Order | undefined
  /** Zero before it has a place, and of a command of an earlier life. */
  session: number
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
  send(body: Uint8Array, options: SendOptions = {}): Sent {
    if (this.isFull) throw refusal('full', `${WAITING_MAX} commands to this group wait already`)
    const ttlMs = Math.min(Math.max(options.ttlMs ?? TTL_MS, 1), EXPIRY_MAX_MS)
    const [final, attested] = [Promise.withResolvers<Proven>(), Promise.withResolvers<Answered>()]
    for (const { promise } of [final, attested]) promise.catch(() => undefined)
    this.#waiting.push({
      ...options,
      body,
      ttlMs,
      expiresMs: this.#expiry(ttlMs),
      final,
      attested,
      order: undefined,
      session: 0,
      sequence: 0
    })
    this.#go()
    return { final: final.promise, attested: attested.promise }
  }

  #expiry(ttlMs: number): number {
    return Math.floor(this.#options.clock.wall() + ttlMs)
  }

  #go(): void {
    if (this.#waiting.length === 0 || this.#opening) return
    if (this.#session === undefined) return this.#open()
    while (this.#session !== undefined && this.#underWay.length < UNDER_WAY_MAX) {
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
    const { body, expiresMs, keep, signed } = entry
    this.#underWay.push(entry)
    if (signed === undefined) {
      this.#sequence += 1
      Object.assign(entry, { session, sequence: this.#sequence })
    }
    const command = signed ?? encodeCall({ groupId, session, sequence: this.#sequence, expiresMs, body }, identity)
    const leave = (): void => {
      entry.order = client.submit(command)
      this.#follow(entry, entry.order)
    }
    const failed = (error: unknown): void => this.#broken(entry, error)
    // What is kept leaves later; its place in the session is taken now.
    if (keep === undefined || signed !== undefined) attempt(leave, failed)
    else keep(command).then(leave).catch(failed)
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
    const isOver = neverTakesEffect(error)
    const isAgain = isOver && (entry.untilMs ?? 0) > this.#options.clock.now()
    if (!isAgain) fail(entry, error)
    const behind = this.#underWay.filter(({ session, sequence }) => {
      return session === entry.session && session > 0 && sequence > entry.sequence
    })
    const back = isOver ? (isAgain ? [entry, ...behind] : behind) : []
    if (entry.session === this.#session) this.#session = undefined
    this.#underWay = this.#underWay.filter((other) => other !== entry && !back.includes(other))
    for (const other of back) {
      Object.assign(other, { order: undefined, session: 0, sequence: 0, expiresMs: this.#expiry(other.ttlMs) })
      delete other.signed
    }
    // Whether it took effect may not be known, and so not of those behind it: they end by themselves.
    this.#waiting.unshift(...back)
    this.#go()
  }
}

function attempt(work: () => void, failed: (error: unknown) => void): void {
  try {
    work()
  } catch (error) {
    failed(error)
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
