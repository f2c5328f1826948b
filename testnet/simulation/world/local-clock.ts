/** Wall time at virtual time 0: 2026-01-01, so that nothing depends on the day a run is made. */
const WALL_MS = 1_767_225_600_000

/** One node's clocks: both drift, and the wall clock is off and may jump; the monotonic one never goes back. */
export class LocalClock {
  readonly #rate: number
  readonly #originMs: number
  #wallOffsetMs: number

  /**
   * @param originMs - what the monotonic clock shows at virtual time 0
   * @param wallOffsetMs - how far the wall clock is ahead
   */
  constructor(originMs: number, wallOffsetMs: number, driftPpm: number) {
    this.#rate = 1 + driftPpm / 1_000_000
    this.#originMs = originMs
    this.#wallOffsetMs = wallOffsetMs
  }

  nowMs(worldUs: number): number {
    return this.#originMs + (worldUs / 1_000) * this.#rate
  }

  wallMs(worldUs: number): number {
    return Math.floor(WALL_MS + (worldUs / 1_000) * this.#rate + this.#wallOffsetMs)
  }

  /** The virtual time at which the monotonic clock shows this much. */
  worldUs(nowMs: number): number {
    return Math.ceil(((nowMs - this.#originMs) / this.#rate) * 1_000)
  }

  jump(ms: number): void {
    this.#wallOffsetMs += ms
  }

  /** Time is set right, as a time server would. */
  settle(): void {
    this.#wallOffsetMs = 0
  }
}
