import { READ_WINDOW_MS, TAKE_AFTER_MS } from './limits.ts'

/** The judgements on which the promises of standby rest; a simulation replaces one by a wrong one and must notice. */
export interface ShippingRules {
  /** May outputs leave of a batch that the local disk has or has not, and those in step have or have not? */
  isReleased(isWritten: boolean, acked: readonly boolean[]): boolean
  /** May a follower acknowledge to one that it takes for the holder, and whose place it has not asked for, or to others too? */
  mayAck(isCurrent: boolean): boolean
  /** May a follower acknowledge what its disk may not have? */
  acksUnwritten(): boolean
  /** May a read be answered so long after the beacon left, and came back, that all in step acknowledged? */
  mayRead(sinceSentMs: number, sinceAckedMs: number): boolean
  /** Does nobody read any more from one who was silent, and was left without answers, for so long? */
  mayAsk(silentMs: number): boolean
  /** May someone hold it with what its disk has? */
  mayTake(hasCopy: boolean): boolean
}

export const SHIPPING_RULES: ShippingRules = {
  isReleased: (isWritten, acked) => isWritten && acked.every((has) => has),
  mayAck: (isCurrent) => isCurrent,
  acksUnwritten: () => false,
  mayRead: (sinceSentMs) => sinceSentMs <= READ_WINDOW_MS,
  mayAsk: (silentMs) => silentMs >= TAKE_AFTER_MS,
  mayTake: (hasCopy) => hasCopy
}
