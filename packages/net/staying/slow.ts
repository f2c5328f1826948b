/** When a peer counts as slow, and when it is let go (libp2p.md 6). Pure; times are monotonic milliseconds. */
export interface Slowness {
  /** Its buffer has been too full since. */
  readonly fullSinceMs: number | undefined
  /** Echoes in a row that reported a long lag. */
  readonly lags: number
  /** Last moment at which something was wrong. */
  readonly badMs: number | undefined
  readonly slow: boolean
}

export const SLOW_BUFFER_BYTES = 262_144
const FULL_MS = 3_000
const HOPELESS_MS = 30_000
const LAG_MS = 500
const LAGS = 3
const RECOVERED_MS = 30_000

export const NOT_SLOW: Slowness = { fullSinceMs: undefined, lags: 0, badMs: undefined, slow: false }

/** Once a second with what waits for the peer. */
export function sawBuffer(state: Slowness, bytes: number, nowMs: number): Slowness {
  const fullSinceMs = bytes > SLOW_BUFFER_BYTES ? (state.fullSinceMs ?? nowMs) : undefined
  const bad = fullSinceMs !== undefined && nowMs - fullSinceMs >= FULL_MS
  return settle({ ...state, fullSinceMs }, bad, nowMs)
}

/** With each echo and the lag it reported. */
export function sawLag(state: Slowness, lagMs: number, nowMs: number): Slowness {
  const lags = lagMs > LAG_MS ? state.lags + 1 : 0
  return settle({ ...state, lags }, lags >= LAGS, nowMs)
}

/** Something else went wrong, such as a control queue that overflowed. */
export function sawTrouble(state: Slowness, nowMs: number): Slowness {
  return settle(state, true, nowMs)
}

/** Lag alone never disconnects; a buffer that stays full for half a minute does. */
export function isHopeless({ fullSinceMs }: Slowness, nowMs: number): boolean {
  return fullSinceMs !== undefined && nowMs - fullSinceMs >= HOPELESS_MS
}

function settle(state: Slowness, bad: boolean, nowMs: number): Slowness {
  if (bad) return { ...state, badMs: nowMs, slow: true }
  if (!state.slow) return state
  return nowMs - (state.badMs ?? nowMs) >= RECOVERED_MS ? { ...state, badMs: undefined, slow: false } : state
}
