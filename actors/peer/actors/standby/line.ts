import type { PeerId } from '@brume/ports'
import type { Outbound } from '@brume/runtime/kernel'

/** Whom something was sent to: a holder, as it was known. */
export interface At {
  readonly peer: PeerId
  readonly epoch: number
}

/** A message from when it is given to the route until it is settled. */
export interface Waiting {
  readonly message: Outbound
  readonly authority: string
  readonly sinceMs: number
  readonly endMs: number
  /** May it be sent twice? It is told apart by its key, or its number. */
  readonly repeats: boolean
  /** Null: of a message that needs no order. */
  readonly line: Line | null
  /** Null: with nobody. */
  at: At | null
  isOver: boolean
}

/**
 * Durable messages of one sender to one target, in order. All that are not settled are with the same holder, or with
 * none: one that came back takes those behind it along, for the first that a holder takes says that none before it is missing.
 */
export class Line {
  readonly waiting: Waiting[] = []
  /** Of this try: what is sent again is nothing that was sent before. */
  number = 0
  at: At | null = null

  /** From now on they are with this holder. */
  turnTo(at: At): void {
    this.at = at
    this.number += 1
  }

  remove(waiting: Waiting): void {
    const index = this.waiting.indexOf(waiting)
    if (index !== -1) this.waiting.splice(index, 1)
  }
}
