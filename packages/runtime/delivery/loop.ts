import type { Clock, PeerId } from '@brume/ports'
import type { Inbox, Outbound, Refusal } from '../kernel/port.ts'
import { QUEUE_MESSAGES_MAX } from './limits.ts'
import type { Host } from './links.ts'
import { keyOf } from './out-pairs.ts'
import type { Taken } from './outgoing.ts'

const PASSING: ReadonlySet<Refusal> = new Set(['full', 'overload', 'gap'])
/** A pause before what was not taken comes again. */
const RETRY_MS = 50

export interface LoopOptions {
  readonly self: PeerId
  readonly clock: Clock
  readonly host: () => Host | undefined
  /** It lives elsewhere again: what waits goes there. */
  readonly moved: (to: string, address: string, messages: readonly Taken[]) => void
}

interface Line {
  readonly waiting: (Taken & { readonly sinceMs: number })[]
}

/**
 * From actors here to one that came here, by the address it had elsewhere: as if another peer brought them, so that none
 * is taken twice. One after the other in each pair.
 */
export class Loop {
  readonly #options: LoopOptions
  readonly #lines = new Map<string, Line>()
  #size = 0

  constructor(options: LoopOptions) {
    this.#options = options
  }

  get isFull(): boolean {
    return this.#size >= QUEUE_MESSAGES_MAX
  }

  holds(source: Outbound): boolean {
    return this.#lines.has(keyOf(source))
  }

  push(message: Taken): void {
    const key = keyOf(message.source)
    const line = this.#lines.get(key) ?? { waiting: [] }
    line.waiting.push({ ...message, sinceMs: this.#options.clock.now() })
    this.#size += 1
    if (this.#lines.has(key)) return
    this.#lines.set(key, line)
    this.#try(key, line)
  }

  clear(): void {
    this.#lines.clear()
    this.#size = 0
  }

  #try(key: string, line: Line): void {
    const [head] = line.waiting
    const { host, clock, self } = this.#options
    if (head === undefined) return void this.#lines.delete(key)
    if (this.#lines.get(key) !== line) return
    const ttlMs = head.ttlMs - (clock.now() - head.sinceMs)
    if (ttlMs <= 0) return this.#next(key, line, () => head.source.refused?.('expired'))
    const { from, incarnation, to, ask, durable, key: repeat } = head.source
    const order = durable === null ? null : { seq: durable.seq, prev: 0 }
    const sender = from.startsWith('brume://') ? from : `brume://${self}/${from}`
    const message = { peer: self, from: `${sender}#${incarnation}`, to, event: head.event, ask, key: repeat, ttlMs }
    host()?.receive({ ...message, durable: order }, this.#inbox(key, line, head))
  }

  #inbox(key: string, line: Line, { source }: Taken): Inbox {
    let isOver = false
    const once = (run: () => void): void => {
      if (isOver) return
      isOver = true
      run()
    }
    return {
      committed: () => once(() => this.#next(key, line, () => source.committed?.())),
      replied: (value) => source.replied?.(value),
      refused: (code, retryMs) =>
        once(() => {
          if (!PASSING.has(code)) return this.#next(key, line, () => source.refused?.(code))
          this.#options.clock.after(Math.max(RETRY_MS, retryMs), () => this.#try(key, line))
        }),
      moved: (address) =>
        once(() => {
          this.#lines.delete(key)
          this.#size -= line.waiting.length
          this.#options.moved(source.to, address, line.waiting)
        })
    }
  }

  #next(key: string, line: Line, tell: () => void): void {
    line.waiting.shift()
    this.#size -= 1
    tell()
    // In a turn of its own: who answers at once would make this as deep as the line is long.
    this.#options.clock.after(0, () => this.#try(key, line))
  }
}
