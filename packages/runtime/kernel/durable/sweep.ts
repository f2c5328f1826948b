import type { Clock, Log, Store } from '@brume/ports'
import type { GroupCommit } from './group-commit.ts'
import type { Histories } from './history.ts'
import { allOf, keyText, PREFIX, readIdKey, recordKey } from './keys.ts'
import { HISTORY_MS_MAX, SWEEP_AT_ONCE, SWEEP_EVERY_MS, WATERMARK_DAYS_MAX } from './limits.ts'
import type { Outbox } from './outbox.ts'
import { decodeRecord } from './record.ts'
import { isKept } from './transfers.ts'
import { dayOf, decodeFormer, decodeMove, decodeReply, decodeTombstone, decodeWatermark } from './values.ts'

export interface SweepOptions {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  readonly commit: GroupCommit
  readonly histories: Histories
  readonly outbox: Outbox
  /** Does something of this path live here, or is known where it went? */
  readonly isKnown: (path: string) => boolean
  readonly nowMs: () => number
}

type Prefix = Parameters<typeof allOf>[0]

/** Forgets what nobody can ask for any more. Undecodable bytes stay where they are. */
export class Sweep {
  readonly #options: SweepOptions
  #cancel: (() => void) | undefined
  #isStopped = false

  constructor(options: SweepOptions) {
    this.#options = options
  }

  /** Once a day from now on; the first time soon, because a peer may be restarted daily. */
  start(): void {
    this.#arm(SWEEP_EVERY_MS / 24)
  }

  stop(): void {
    this.#isStopped = true
    this.#cancel?.()
  }

  async sweep(): Promise<void> {
    const nowMs = this.#options.nowMs()
    const today = dayOf(nowMs)
    await this.#each(PREFIX.watermark, (_, value) => decodeWatermark(value).day + WATERMARK_DAYS_MAX < today)
    await this.#each(PREFIX.reply, (_, value) => decodeReply(value).expiresMs < nowMs)
    await this.#each(PREFIX.tombstone, (key, value) => this.#isForgotten(key, decodeTombstone(value).expiresMs < nowMs))
    await this.#each(PREFIX.moved, (_, value) => !isKept(decodeMove(value), nowMs))
    await this.#each(PREFIX.formers, (key) => !this.#isOnDisk(readIdKey(key).id))
    await this.#each(PREFIX.former, (_, value) => !this.#options.isKnown(decodeFormer(value).path))
    await this.#cutHistories(nowMs - HISTORY_MS_MAX)
  }

  #arm(delayMs: number): void {
    this.#cancel = this.#options.clock.after(delayMs, () => {
      this.#arm(SWEEP_EVERY_MS)
      this.sweep().catch((error) => this.#options.log.warn({ error }, 'old records of actors cannot be swept'))
    })
  }

  #isOnDisk(id: Uint8Array): boolean {
    return this.#options.commit.read(recordKey(id)) !== undefined
  }

  /** What it sent is still to be delivered: its address and incarnation are needed for that. */
  #isForgotten(key: Uint8Array, isExpired: boolean): boolean {
    return isExpired && this.#options.outbox.of(readIdKey(key).id).length === 0
  }

  /** Deletes what `isOld` says of all values of this kind, some at a time. */
  async #each(prefix: Prefix, isOld: (key: Uint8Array, value: Uint8Array) => boolean): Promise<void> {
    let { from, to } = allOf(prefix)
    for (let found = SWEEP_AT_ONCE; found === SWEEP_AT_ONCE && !this.#isStopped; ) {
      found = 0
      for await (const [key, value] of this.#options.store.entries({ from, to, limit: SWEEP_AT_ONCE })) {
        found += 1
        from = Uint8Array.of(...key, 0)
        if (isSafely(() => isOld(key, value))) this.#remove(key, isOld)
      }
      this.#options.commit.flush()
    }
  }

  /** It may have been written again since it was read. */
  #remove(key: Uint8Array, isOld: (key: Uint8Array, value: Uint8Array) => boolean): void {
    const value = this.#options.commit.read(key)
    if (value !== undefined && isSafely(() => isOld(key, value))) this.#options.commit.open.delete(key)
  }

  async #cutHistories(beforeMs: number): Promise<void> {
    const { store, histories, commit } = this.#options
    const ids = new Map<string, Uint8Array>()
    for await (const [key] of store.entries(allOf(PREFIX.base))) {
      const { id } = readIdKey(key)
      ids.set(keyText(id), id.slice())
    }
    for (const id of ids.values()) {
      if (this.#isStopped) return
      const record = commit.read(recordKey(id))
      const isKept = record !== undefined && isSafely(() => decodeRecord(record).options.keepAll)
      if (record === undefined && commit.read(tombstoneOf(id)) === undefined) await histories.remove(id)
      else if (!isKept) await histories.cutAge(id, beforeMs)
      commit.flush()
    }
  }
}

const tombstoneOf = (id: Uint8Array): Uint8Array => Uint8Array.of(PREFIX.tombstone, ...id)

function isSafely(run: () => boolean): boolean {
  try {
    return run()
  } catch {
    return false
  }
}
