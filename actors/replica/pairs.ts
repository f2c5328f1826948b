import { asArray, asUint, decode, encode, utf8 } from '@brume/codec'
import { sha256 } from '@brume/crypto'
import type { Clock, Log, Store } from '@brume/ports'
import {
  current,
  fill,
  type Gap,
  NOTHING_PASSED,
  type Passed,
  type PassedField,
  passedField,
  passOver,
  readPassed
} from '@brume/runtime/replica'

/**
 * How long one that others have overtaken is waited for: every member has had its turn by then, and whoever brings one
 * tries again within 45 s. It is not lost then: it is taken when it comes, though late.
 */
const MISSING_WITHIN_MS = 120_000

/** Nothing of a pair came for so long: this peer, or the way to it, was away, and nobody could bring anything. */
const AWAY_AFTER_MS = 60_000

/** Of one pair, those of which more is known than that they must wait. */
const WAITING_MAX = 4_096

/** Pairs of groups and actors here of which more is known than their watermark. */
const PAIRS_MAX = 4_096

/** What was passed over long ago is forgotten once a day. */
const SWEEP_EVERY_MS = 86_400_000
const SWEEP_AT_ONCE = 1_024

const STORED = { bytesMax: 4_096, itemsMax: 256 } as const

interface Numbered {
  readonly seq: number
  readonly prev: number
}

/** When something came, the first time and the last. */
interface Waiting {
  readonly sinceMs: number
  lastMs: number
}

export interface PairsOptions {
  readonly clock: Clock
  readonly log: Log
  readonly store: Store
}

/** What one group has sent to one actor here, beyond what the kernel knows of it. */
export class Pair {
  readonly #options: PairsOptions
  readonly #key: Uint8Array
  /** What waits for a missing one, by sequence number. */
  readonly #waiting = new Map<number, Waiting>()
  /** Late ones that are being given to the actor. */
  readonly #late = new Map<number, Promise<unknown>>()
  #passed: Passed
  #heardMs = 0
  #lastRefused: Numbered = { seq: 0, prev: 0 }
  #passing: PromiseWithResolvers<void> | null = null

  constructor(key: Uint8Array, options: PairsOptions) {
    this.#key = key
    this.#options = options
    const stored = options.store.getSync(key)
    this.#passed = stored === undefined ? NOTHING_PASSED : decodePassed(stored)
  }

  get isBusy(): boolean {
    return this.#passing !== null || this.#late.size > 0
  }

  /** Something is being passed over: to be asked again when that is done, for somebody else may have come first. */
  get passing(): Promise<void> | null {
    return this.#passing?.promise ?? null
  }

  /** Something came. Whatever waited while nothing could come begins to wait anew. */
  heard(): void {
    const nowMs = this.#options.clock.now()
    if (nowMs - this.#heardMs > AWAY_AFTER_MS) this.#waiting.clear()
    this.#heardMs = nowMs
    this.#passed = current(this.#passed, this.#options.clock.wall())
  }

  /** Whether it was taken is known no more. */
  isGivenUp(seq: number): boolean {
    return seq <= this.#passed.givenUpTo
  }

  isLate(one: Numbered): boolean {
    return fill(this.#passed, one) !== null
  }

  /** Several members bring it at once. */
  once<T>(seq: number, give: () => Promise<T>): Promise<T> {
    const running = this.#late.get(seq) as Promise<T> | undefined
    if (running !== undefined) return running
    const promise = give().finally(() => this.#late.delete(seq))
    this.#late.set(seq, promise)
    return promise
  }

  /** A late one was taken, or refused for good. */
  async filled(one: Numbered): Promise<void> {
    this.#passed = fill(this.#passed, one) ?? this.#passed
    await this.#save()
  }

  /** One that others have overtaken. */
  waits(seq: number): void {
    const nowMs = this.#options.clock.now()
    const known = this.#waiting.get(seq)
    if (known !== undefined) known.lastMs = nowMs
    else if (this.#waiting.size < WAITING_MAX) this.#waiting.set(seq, { sinceMs: nowMs, lastMs: nowMs })
  }

  /**
   * Does it wait no more? The one before was refused for good, or those that were to bring that have all had their time.
   * What waits for it comes in order even so: as long as an earlier one is still being brought, it is not its successor's
   * turn.
   */
  isDue({ seq, prev }: Numbered): boolean {
    if (prev <= this.#lastRefused.seq) return true
    const nowMs = this.#options.clock.now()
    const known = this.#waiting.get(seq)
    if (known === undefined || nowMs - known.sinceMs <= MISSING_WITHIN_MS) return false
    return ![...this.#waiting].some(([other, { lastMs }]) => other < seq && nowMs - lastMs <= MISSING_WITHIN_MS)
  }

  took(seq: number): void {
    for (const one of this.#waiting.keys()) if (one <= seq) this.#waiting.delete(one)
  }

  /** For good: the next one does not wait for it. */
  refused({ seq, prev }: Numbered): void {
    if (seq > this.#lastRefused.seq) this.#lastRefused = { seq, prev }
  }

  /**
   * What lies between will be taken when it comes. Nothing else of this pair is taken meanwhile.
   *
   * @param give - once that is on disk
   */
  async passOver<T>({ after, upTo, untilMs }: Gap, give: () => Promise<T>): Promise<T> {
    const lock = Promise.withResolvers<void>()
    this.#passing = lock
    try {
      const known = Math.max(after, this.#passed.givenUpTo, this.#passed.gaps.at(-1)?.upTo ?? 0)
      const passed = passOver(this.#passed, { after: known, upTo, untilMs })
      const left = fill(passed, this.#lastRefused) ?? passed
      if (left !== this.#passed) {
        this.#passed = left
        await this.#save()
      }
      // At once in the kernel: from here on it knows what it took last.
      return give()
    } finally {
      this.#passing = null
      lock.resolve()
    }
  }

  /** In the order of the peer's writes: what the kernel commits after this is not on disk before it. */
  async #save(): Promise<void> {
    const { store, log } = this.#options
    const isNothing = this.#passed.gaps.length === 0 && this.#passed.givenUpTo === 0
    if (isNothing) return store.batch([{ type: 'del', key: this.#key }])
    log.debug({ passed: passedField(this.#passed) }, 'what a group has sent did not come in time: it is taken late')
    return store.batch([{ type: 'put', key: this.#key, value: encode(passedField(this.#passed)) }])
  }
}

/** All pairs that something came of lately. */
export class Pairs {
  readonly #options: PairsOptions
  readonly #pairs = new Map<string, Pair>()
  #sweptMs = Number.NEGATIVE_INFINITY

  constructor(options: PairsOptions) {
    this.#options = options
  }

  /** @throws StoreError, CodecError */
  of(from: string, to: string): Pair {
    this.#sweep()
    const name = `${from} ${to}`
    const pair = this.#pairs.get(name) ?? new Pair(sha256(utf8(name)), this.#options)
    this.#pairs.delete(name)
    this.#pairs.set(name, pair)
    if (this.#pairs.size > PAIRS_MAX) this.#forgetOne()
    pair.heard()
    return pair
  }

  #forgetOne(): void {
    for (const [name, pair] of this.#pairs) if (!pair.isBusy) return void this.#pairs.delete(name)
  }

  #sweep(): void {
    const { clock, log } = this.#options
    const nowMs = clock.now()
    if (nowMs - this.#sweptMs < SWEEP_EVERY_MS) return
    this.#sweptMs = nowMs
    this.#forgetOld().catch((error: unknown) => log.warn({ error }, 'what was passed over long ago is kept for now'))
  }

  async #forgetOld(): Promise<void> {
    const { clock, store } = this.#options
    let old: { readonly type: 'del'; readonly key: Uint8Array }[] = []
    for await (const [key, value] of store.entries()) {
      if (current(decodePassed(value), clock.wall()).gaps.length === 0) old.push({ type: 'del', key })
      if (old.length < SWEEP_AT_ONCE) continue
      await store.batch(old)
      old = []
    }
    await store.batch(old)
  }
}

/** @throws CodecError */
function decodePassed(bytes: Uint8Array): Passed {
  const [givenUpTo, gaps] = asArray(decode(bytes, STORED), 'passed', 2)
  const rows = asArray(gaps, 'gaps', { min: 0, max: 64 }).map((gap) => {
    const [after, upTo, untilMs] = asArray(gap, 'gap', 3)
    return [asUint(after, 'after'), asUint(upTo, 'upTo'), asUint(untilMs, 'until')] as const
  })
  return readPassed([asUint(givenUpTo, 'given up'), rows] satisfies PassedField)
}
