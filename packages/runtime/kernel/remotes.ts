import type { Cancel } from '@brume/ports'
import type { Event } from '../logic/port.ts'
import type { Cell } from './cell.ts'
import { refusalError } from './errors.ts'
import type { Mail } from './mailbox.ts'
import type { Parts } from './parts.ts'
import type { Down, DownReason, Outbound, Remote } from './port.ts'

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

  /** What waited at an actor that moved, of a sender here that keeps nothing of it. */
  forward({ event, from, key, expiresMs }: Mail, to: string): void {
    const { places, options, letters } = this.#parts
    const sender = from === null ? null : places.find(from)
    const refused = (reason: Parameters<NonNullable<Outbound['refused']>>[0]): void => {
      letters.add(reason, to, from, event)
    }
    if (sender?.isHere !== true) return refused('moved')
    const ttlMs = Math.min(TTL_MS, expiresMs - options.clock.now())
    const who = { from: sender.path, incarnation: sender.incarnation ?? places.boot }
    if (this.dispatch({ ...who, to, event, ask: false, durable: null, key, ttlMs, refused }) === 'full') refused('full')
  }

  /** By its own parts where it is here, by the way to other peers where it is not, or not any more. */
  reach<T>(target: string, ways: Ways<T>): T {
    const { places, door, persistence, options } = this.#parts
    const place = places.find(target)
    const moved = place.isHere && door.find(place) === 'moved' ? persistence.movedTo(place.path) : null
    if (place.isHere && moved === null) return ways.here(place.path)
    if (options.remote === undefined) throw refusalError('unreachable', target)
    return ways.there(options.remote, moved ?? target)
  }

  /** Of one incarnation, or of whoever lives there; then it goes on where it moved to. */
  watch(target: string, down: (down: Down) => void): Cancel {
    const isOne = this.#parts.places.find(target).incarnation !== null
    let isOver = false
    let cancel: Cancel = () => {}
    const told = (now: Down): void => {
      if (isOver) return
      down(now)
      if (isOver || isOne || now.reason !== 'moved' || typeof now.output !== 'string') return
      cancel()
      cancel = this.#watch(now.output, told)
    }
    cancel = this.#watch(target, told)
    return () => {
      isOver = true
      cancel()
    }
  }

  #watch(target: string, down: (down: Down) => void): Cancel {
    const { places, watches, door, options, persistence } = this.#parts
    const place = places.find(target)
    if (!place.isHere) return options.remote?.watch(target, down) ?? this.#missing(target, 'unreachable', down)
    const found = door.find(place)
    if (found === 'stale') return this.#missing(target, 'stale', down)
    if (found === 'moved') return this.#missing(target, 'moved', down, persistence.movedTo(place.path) ?? undefined)
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
  #missing(address: string, reason: DownReason, down: (down: Down) => void, output?: string): Cancel {
    const { timers, outputs, places } = this.#parts
    const { incarnation, isHere, path } = places.find(address)
    const where = isHere ? places.address(path) : address
    const now: Down = { address: where, reason, incarnation: incarnation ?? 0, ...(output !== undefined && { output }) }
    return timers.after(0, () => outputs.guarded(() => down(now)))
  }
}

/** How something is had of an actor here, and of one at an address elsewhere. */
interface Ways<T> {
  readonly here: (path: string) => T
  readonly there: (remote: Remote, address: string) => T
}
