import type { Cancel } from '@brume/ports'
import type { Event } from '../logic/port.ts'
import type { Cell } from './cell.ts'
import type { Parts } from './parts.ts'
import type { Down, DownReason, Outbound } from './port.ts'

/** Time to live of what is told and asked. */
export const TTL_MS = 30_000

/** What goes to other peers and groups, and the watches that may be here or there. */
export class Remotes {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** From an actor, once its batch is on disk. */
  send(cell: Cell, to: string, event: Event): void {
    const { path, incarnation, self } = cell
    this.#parts.outputs.release(cell.batch, () => {
      const lost = (reason: Parameters<NonNullable<Outbound['refused']>>[0]): void => {
        this.#parts.letters.add(reason, to, self, event)
      }
      const message = { from: path, incarnation, to, event, ask: false, durable: null, key: null, ttlMs: TTL_MS }
      if (this.dispatch({ ...message, refused: lost }) === 'full') lost('full')
    })
  }

  dispatch(message: Outbound): 'accepted' | 'full' {
    const { remote } = this.#parts.options
    if (remote !== undefined) return remote.send(message)
    message.refused?.('unreachable')
    return 'accepted'
  }

  watch(target: string, down: (down: Down) => void): Cancel {
    const { places, watches, door, options } = this.#parts
    const place = places.find(target)
    if (!place.isHere) return options.remote?.watch(target, down) ?? this.#missing(target, 'unreachable', down)
    const found = door.find(place)
    if (found === 'stale') return this.#missing(target, 'stale', down)
    const isThere = typeof found !== 'string' && found.isAlive
    const cancel = watches.watch(place.path, place.incarnation, down)
    if (isThere) return cancel
    const never = this.#missing(target, 'noactor', down)
    return () => {
      cancel()
      never()
    }
  }

  /** In a later turn: whoever watches has nothing to cancel before this returns. */
  #missing(address: string, reason: DownReason, down: (down: Down) => void): Cancel {
    const { timers, outputs, places } = this.#parts
    const { incarnation, isHere, path } = places.find(address)
    const where = isHere ? places.address(path) : address
    return timers.after(0, () => outputs.guarded(() => down({ address: where, reason, incarnation: incarnation ?? 0 })))
  }
}
