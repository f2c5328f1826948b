import type { Cancel, Clock, PeerId } from '@brume/ports'
import { parseAddress } from '@brume/runtime/address'
import type { Outbound, Refusal } from '@brume/runtime/kernel'
import type { Holders } from './holders.ts'
import { type At, Line, type Waiting } from './line.ts'

/** Messages that are not settled: beyond it senders hear `full`. */
const WAITING_MAX = 4_096
/** So often it is asked who holds what has not answered for so long. */
const LOOK_EVERY_MS = 500
const PATIENCE_MS = 1_000

/** What a peer says that does not hold the actor, or whose stream is gone: another one may. */
const ELSEWHERE: ReadonlySet<Refusal | 'unreachable'> = new Set(['noactor', 'stale', 'unreachable'])

/** A holder, and the number of the try: durable messages of one try are in order among themselves. */
export interface Via {
  readonly peer: PeerId
  readonly line: number
}

export interface RouteOptions {
  readonly holders: Pick<Holders, 'find' | 'look' | 'onLook'>
  readonly clock: Clock
  /** To the actor at a peer that may hold it, which may be this one. */
  readonly dispatch: (message: Outbound, via: Via) => 'accepted' | 'full'
}

/**
 * The way to actors of mode `standby`: to the holder as it is known, and to the next one where that one holds it no more.
 * What can be told apart when it comes twice is sent again until it is answered or expires; a plain `tell` is not.
 */
export class Route {
  readonly #options: RouteOptions
  /** In the order in which they came. */
  readonly #waiting = new Set<Waiting>()
  readonly #lines = new Map<string, Line>()
  #cancelTick: Cancel | null = null

  constructor(options: RouteOptions) {
    this.#options = options
    options.holders.onLook((authority) => {
      for (const waiting of [...this.#waiting]) if (waiting.authority === authority) this.#go(waiting)
    })
  }

  stop(): void {
    this.#cancelTick?.()
    this.#waiting.clear()
    this.#lines.clear()
  }

  send(message: Outbound): 'accepted' | 'full' {
    if (this.#waiting.size >= WAITING_MAX) return 'full'
    const nowMs = this.#options.clock.now()
    const { authority } = parseAddress(message.to)
    const repeats = message.durable !== null || message.key !== null
    const line = message.durable === null ? null : this.#lineOf(message)
    const endMs = nowMs + message.ttlMs
    const waiting: Waiting = { message, authority, sinceMs: nowMs, endMs, repeats, line, at: null, isOver: false }
    this.#waiting.add(waiting)
    line?.waiting.push(waiting)
    this.#go(waiting)
    if (waiting.at === null) this.#look(authority)
    this.#tickLater()
    return 'accepted'
  }

  /** Sends it to the holder, unless it is there already. */
  #go(waiting: Waiting): void {
    if (waiting.isOver) return
    const { message, sinceMs, line, at } = waiting
    const found = this.#options.holders.find(message.to, sinceMs)
    if (found === null) return this.#over(waiting, () => message.refused?.('noactor'))
    if (found === undefined) return
    const { holder: peer, epoch } = found.placement
    const holder = { peer, epoch }
    if (line !== null) return this.#goInOrder(line, holder)
    if (isSame(at, holder) || (at !== null && !waiting.repeats)) return
    this.#dispatch(waiting, holder, 0)
  }

  #goInOrder(line: Line, holder: At): void {
    if (!isSame(line.at, holder)) line.turnTo(holder)
    const number = line.number
    for (const waiting of [...line.waiting]) {
      if (line.number !== number || line.at === null) return
      if (waiting.at !== line.at) this.#dispatch(waiting, line.at, number)
    }
  }

  #dispatch(waiting: Waiting, at: At, number: number): void {
    const { message, endMs, repeats } = waiting
    waiting.at = at
    const settled = (): void => this.#over(waiting, () => message.committed?.())
    const ttlMs = Math.max(0, endMs - this.#options.clock.now())
    const sent = this.#options.dispatch(
      {
        ...message,
        ttlMs,
        refused: (code) => waiting.at === at && this.#refused(waiting, code),
        replied: (value) => this.#over(waiting, () => message.replied?.(value)),
        // Who asks goes on waiting for the reply, which the next holder has too.
        ...(repeats && { committed: message.ask ? () => undefined : settled })
      },
      { peer: at.peer, line: number }
    )
    if (sent === 'full') this.#takeBack(waiting)
    // What nobody can tell apart is the link's own from here, unless it comes back.
    else if (!repeats) this.#waiting.delete(waiting)
  }

  #refused(waiting: Waiting, code: Refusal | 'unreachable'): void {
    if (waiting.isOver) return
    const { message, repeats, authority } = waiting
    // An incarnation that is named is meant: there will be no other of it.
    const isElsewhere = ELSEWHERE.has(code) && parseAddress(message.to).incarnation === null
    if (!isElsewhere || (code === 'unreachable' && !repeats)) {
      return this.#over(waiting, () => message.refused?.(code))
    }
    this.#takeBack(waiting)
    this.#look(authority)
  }

  /** It is with nobody now, and is sent again after the next look. */
  #takeBack(waiting: Waiting): void {
    waiting.at = null
    if (waiting.line !== null) waiting.line.at = null
    this.#waiting.add(waiting)
    this.#tickLater()
  }

  #over(waiting: Waiting, tell: () => void): void {
    if (waiting.isOver) return
    waiting.isOver = true
    this.#waiting.delete(waiting)
    waiting.line?.remove(waiting)
    const { from, to } = waiting.message
    if (waiting.line?.waiting.length === 0) this.#lines.delete(`${from} ${to}`)
    tell()
  }

  #lineOf({ from, to }: Outbound): Line {
    const line = this.#lines.get(`${from} ${to}`) ?? new Line()
    this.#lines.set(`${from} ${to}`, line)
    return line
  }

  #look(authority: string): void {
    // One that fails is followed by another, as long as something waits.
    this.#options.holders.look(authority).catch(() => undefined)
  }

  #tickLater(): void {
    if (this.#cancelTick !== null || this.#waiting.size === 0) return
    this.#cancelTick = this.#options.clock.after(LOOK_EVERY_MS, () => {
      this.#cancelTick = null
      this.#tick()
      this.#tickLater()
    })
  }

  #tick(): void {
    const nowMs = this.#options.clock.now()
    const doubtful = new Set<string>()
    for (const waiting of [...this.#waiting]) {
      const { message, authority, sinceMs, endMs, at } = waiting
      if (nowMs >= endMs) this.#over(waiting, () => message.refused?.(at === null ? 'unreachable' : 'expired'))
      else if (at === null || nowMs - sinceMs > PATIENCE_MS) doubtful.add(authority)
    }
    for (const authority of doubtful) this.#look(authority)
  }
}

const isSame = (one: At | null, other: At): boolean => one?.peer === other.peer && one.epoch === other.epoch
