/** Round trips of one connection, and whether it is still alive. Pure; times are monotonic milliseconds. */
export interface Liveness {
  readonly askedMs: number | undefined
  readonly nonce: bigint
  /** This node's stalls up to the ask, so that later ones can be told apart. */
  readonly stalledBeforeMs: number
  /** First ask that was not answered; undefined after an echo. */
  readonly silentSinceMs: number | undefined
  readonly rttMs: number | undefined
  /** Least round trip of each of the last minutes, newest last. */
  readonly minima: readonly { readonly minute: number; readonly rttMs: number }[]
}

/** Without an echo for this long the connection is dead. */
export const DEAD_MS = 12_000
const RTT_WEIGHT = 1 / 8
const MINUTE_MS = 60_000
const MINUTES = 5

export const NO_LIVENESS: Liveness = {
  askedMs: undefined,
  nonce: 0n,
  stalledBeforeMs: 0,
  silentSinceMs: undefined,
  rttMs: undefined,
  minima: []
}

export function asked(state: Liveness, nonce: bigint, nowMs: number, stalledMs: number): Liveness {
  const first = state.silentSinceMs === undefined
  return {
    ...state,
    askedMs: nowMs,
    nonce,
    silentSinceMs: first ? nowMs : state.silentSinceMs,
    stalledBeforeMs: first ? stalledMs : state.stalledBeforeMs
  }
}

/** An echo of an older ask proves life as well, but measures nothing. */
export function echoed(state: Liveness, nonce: bigint, nowMs: number): Liveness {
  if (state.askedMs === undefined || nonce !== state.nonce) return { ...state, silentSinceMs: undefined }
  const sample = nowMs - state.askedMs
  const rttMs = state.rttMs === undefined ? sample : state.rttMs + RTT_WEIGHT * (sample - state.rttMs)
  return {
    ...state,
    askedMs: undefined,
    silentSinceMs: undefined,
    rttMs,
    minima: withSample(state.minima, sample, nowMs)
  }
}

/** `stalledMs`: how long this node's own loop has stood still in all. Its stalls are not the peer's silence. */
export function isDead(state: Liveness, nowMs: number, stalledMs: number): boolean {
  if (state.silentSinceMs === undefined) return false
  return nowMs - state.silentSinceMs > DEAD_MS + (stalledMs - state.stalledBeforeMs)
}

export function rttMinMs({ minima }: Liveness): number | undefined {
  return minima.length === 0 ? undefined : Math.min(...minima.map(({ rttMs }) => rttMs))
}

function withSample(minima: Liveness['minima'], rttMs: number, nowMs: number): Liveness['minima'] {
  const minute = Math.floor(nowMs / MINUTE_MS)
  const kept = minima.filter((entry) => entry.minute > minute - MINUTES)
  const last = kept.at(-1)
  if (last === undefined || last.minute !== minute) return [...kept, { minute, rttMs }]
  return [...kept.slice(0, -1), { minute, rttMs: Math.min(last.rttMs, rttMs) }]
}
