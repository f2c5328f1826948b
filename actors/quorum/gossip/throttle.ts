/** Things said of all members in all views that may be said anything in; what is over is forgotten first. */
const KEYS_MAX = 8_192

/** How long ago each thing was relayed: whoever says it again in many forms is not helped to. */
export class Throttle {
  readonly #relayedMs = new Map<string, number>()

  isFree(key: string, gapMs: number, nowMs: number): boolean {
    const relayedMs = this.#relayedMs.get(key)
    return relayedMs === undefined || nowMs - relayedMs >= gapMs
  }

  relayed(key: string, nowMs: number): void {
    this.#relayedMs.delete(key)
    this.#relayedMs.set(key, nowMs)
    if (this.#relayedMs.size > KEYS_MAX)
      for (const oldest of this.#relayedMs.keys().take(1)) this.#relayedMs.delete(oldest)
  }
}
