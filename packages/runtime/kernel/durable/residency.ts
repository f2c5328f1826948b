import type { Cancel } from '@brume/ports'
import type { Residency, ResidencyOptions } from './port.ts'

/** About a kilobyte each, and what their contexts weigh. */
export const RESIDENTS_MAX = 20_000

interface Used {
  readonly path: string
  readonly order: number
  readonly usedMs: number
}

/** Actors with one passivateMs, the longest unused first: who is used goes to the end. */
type Lane = Map<string, Used>

/** Idle actors leave memory after their time, and above a number the longest unused before it. */
export class Idle implements Residency {
  readonly #options: ResidencyOptions
  readonly #most: number
  readonly #lanes = new Map<number, Lane>()
  readonly #laneOf = new Map<string, number>()
  #order = 0
  #armed: { readonly atMs: number; readonly cancel: Cancel } | undefined

  constructor(options: ResidencyOptions, most = RESIDENTS_MAX) {
    this.#options = options
    this.#most = most
  }

  used(path: string, passivateMs: number): void {
    this.gone(path)
    const lane = this.#lanes.get(passivateMs) ?? new Map<string, Used>()
    const usedMs = this.#options.clock.now()
    this.#lanes.set(passivateMs, lane.set(path, { path, order: this.#order++, usedMs }))
    this.#laneOf.set(path, passivateMs)
    if (this.#laneOf.size > this.#most) this.#evictLongest()
    if (passivateMs !== Number.POSITIVE_INFINITY) this.#arm(usedMs + passivateMs)
  }

  gone(path: string): void {
    const passivateMs = this.#laneOf.get(path)
    if (passivateMs === undefined) return
    this.#laneOf.delete(path)
    const lane = this.#lanes.get(passivateMs)
    lane?.delete(path)
    if (lane?.size === 0) this.#lanes.delete(passivateMs)
  }

  stop(): void {
    this.#armed?.cancel()
    this.#armed = undefined
    this.#lanes.clear()
    this.#laneOf.clear()
  }

  /** Those that must stay are asked again when all others have been. */
  #evictLongest(): void {
    let longest: Used | undefined
    for (const lane of this.#lanes.values()) {
      const first = lane.values().next().value
      if (first !== undefined && (longest === undefined || first.order < longest.order)) longest = first
    }
    if (longest !== undefined) this.#evict(longest.path)
  }

  /** @returns whether it left */
  #evict(path: string): boolean {
    const passivateMs = this.#laneOf.get(path) ?? 0
    if (this.#options.evict(path)) {
      this.gone(path)
      return true
    }
    // It stays: as if it had been used.
    const lane = this.#lanes.get(passivateMs)
    lane?.delete(path)
    lane?.set(path, { path, order: this.#order++, usedMs: this.#options.clock.now() })
    return false
  }

  #arm(atMs: number): void {
    if (this.#armed !== undefined && this.#armed.atMs <= atMs) return
    this.#armed?.cancel()
    const delayMs = Math.max(0, atMs - this.#options.clock.now())
    this.#armed = { atMs, cancel: this.#options.after(delayMs, () => this.#expired()) }
  }

  #expired(): void {
    this.#armed = undefined
    const nowMs = this.#options.clock.now()
    let nextMs = Number.POSITIVE_INFINITY
    for (const [passivateMs, lane] of this.#lanes) nextMs = Math.min(nextMs, this.#evictIdle(lane, passivateMs, nowMs))
    // One that must stay is not asked in every turn.
    if (nextMs !== Number.POSITIVE_INFINITY) this.#arm(Math.max(nextMs, nowMs + RETRY_MS))
  }

  /** @returns when the next one of the lane is idle for long enough */
  #evictIdle(lane: Lane, passivateMs: number, nowMs: number): number {
    for (const { path, usedMs } of [...lane.values()]) {
      if (usedMs + passivateMs > nowMs) break
      this.#evict(path)
    }
    const first = lane.values().next().value
    return first === undefined ? Number.POSITIVE_INFINITY : first.usedMs + passivateMs
  }
}

const RETRY_MS = 10
