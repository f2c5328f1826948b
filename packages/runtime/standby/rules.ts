import { READ_WINDOW_MS, TAKE_AFTER_MS } from './limits.ts'

/** The judgements on which the promises of standby rest; a simulation replaces one by a wrong one and must notice. */
export interface ShippingRules {
  /** May outputs leave of a batch that the local disk has or has not, and those in step have or have not? */
  isReleased(isWritten: boolean, acked: readonly boolean[]): boolean
  /** Which peers outputs wait for: those in step, and one that may be by now. */
  required(inSync: readonly string[], joining: string | null): readonly string[]
  /** Has a follower all that anybody was told? */
  mayJoin(durable: number, released: number): boolean
  /** May a follower acknowledge to one that it takes for the holder, and whose place it has not asked for, or to others too? */
  mayAck(isCurrent: boolean): boolean
  /** As `mayAck`, of beacons: to one that can only know what this peer knows. */
  mayAnswer(isAware: boolean): boolean
  /** May a follower acknowledge what its disk may not have? */
  acksUnwritten(): boolean
  /** Are two logs the same up to here? */
  fits(isSameHash: boolean): boolean
  /** May a read be answered so long after the beacon left, and came back, that all in step acknowledged? */
  mayRead(sinceSentMs: number, sinceAckedMs: number): boolean
  /** Is it time to ask for the place of one who was silent for so long? */
  mayAsk(silentMs: number): boolean
  /** May someone hold it with what its disk has? */
  mayTake(hasCopy: boolean): boolean
}

export const SHIPPING_RULES: ShippingRules = {
  isReleased: (isWritten, acked) => isWritten && acked.every((has) => has),
  required: (inSync, joining) => (joining === null || inSync.includes(joining) ? inSync : [...inSync, joining]),
  mayJoin: (durable, released) => durable >= released,
  mayAck: (isCurrent) => isCurrent,
  mayAnswer: (isAware) => isAware,
  acksUnwritten: () => false,
  fits: (isSameHash) => isSameHash,
  mayRead: (sinceSentMs) => sinceSentMs <= READ_WINDOW_MS,
  mayAsk: (silentMs) => silentMs >= TAKE_AFTER_MS,
  mayTake: (hasCopy) => hasCopy
}
