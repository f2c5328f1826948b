/** The judgements on which the promises of delivery rest; a simulation replaces one by a wrong one and must notice. */
export interface LinkRules {
  /** Was a message of this number taken before? `received`: the highest that was. */
  isDuplicate(seq: number, received: number): boolean
  /** Is something missing before it? `delta` 0: all before it are settled. */
  isGap(seq: number, delta: number, received: number): boolean
  /** A life of the sender that another one has followed. */
  isStale(incarnation: number, highest: number): boolean
  /** May the sender forget a message at an ack of this state (0 queued, 1 durable)? */
  releases(state: 0 | 1, needsCommit: boolean): boolean
  /** Time a message may still wait, of the `ttlMs` it was given at `sinceMs`. */
  remainingMs(ttlMs: number, sinceMs: number, nowMs: number): number
  /** May it be sent to a peer that has lost its memory, which perhaps had taken it? */
  mayRepeat(message: { readonly durable: boolean; readonly keyed: boolean; readonly wasSent: boolean }): boolean
}

export const LINK_RULES: LinkRules = {
  isDuplicate: (seq, received) => seq <= received,
  isGap: (seq, delta, received) => delta !== 0 && seq - delta > received,
  isStale: (incarnation, highest) => incarnation < highest,
  releases: (state, needsCommit) => state === 1 || !needsCommit,
  remainingMs: (ttlMs, sinceMs, nowMs) => ttlMs - (nowMs - sinceMs),
  mayRepeat: ({ durable, keyed, wasSent }) => durable || keyed || !wasSent
}
