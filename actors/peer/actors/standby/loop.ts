import type { Clock, PeerId } from '@brume/ports'
import { encodeValue } from '@brume/runtime/delivery'
import type { Inbox, Kernel, Outbound, Refusal } from '@brume/runtime/kernel'

/** Not now: what can be told apart when it comes twice is tried again until it expires. */
const PASSING: ReadonlySet<Refusal> = new Set(['full', 'overload', 'gap'])
const AGAIN_MS = 50

export interface LoopOptions {
  readonly self: PeerId
  readonly clock: Clock
  /** Sends it on to where its actor has moved. */
  readonly forward: (message: Outbound) => void
}

/** Between two kernels of one peer: as between two peers, without a wire. */
export class Loop {
  readonly #options: LoopOptions
  /** Numbers of durable messages that are under way, by sender and target. */
  readonly #underWay = new Map<string, Set<number>>()

  constructor(options: LoopOptions) {
    this.#options = options
  }

  /** @param kernel - asked at each try, for it may have ended since; undefined: nobody is there */
  send(message: Outbound, kernel: () => Pick<Kernel, 'receive'> | undefined): void {
    const { clock } = this.#options
    const event = encodeValue(message.event)
    if (event === undefined) return void clock.after(0, () => message.refused?.('invalid'))
    const endMs = clock.now() + message.ttlMs
    const leave = this.#enter(message)
    const attempt = (): void => {
      const there = kernel()
      const ttlMs = Math.max(0, endMs - clock.now())
      const inbox = this.#inbox({ ...message, ttlMs }, leave, attempt)
      if (there === undefined) return inbox.refused('noactor', 0)
      const { to, ask, key } = message
      const from = this.#senderOf(message)
      there.receive(
        { peer: this.#options.self, from, to, event, ask, durable: this.#orderOf(message), key, ttlMs },
        inbox
      )
    }
    // Who sends expects no answer before this returns.
    clock.after(0, attempt)
  }

  #inbox(message: Outbound, leave: () => void, again: () => void): Inbox {
    const { clock, forward } = this.#options
    return {
      committed: () => {
        leave()
        message.committed?.()
      },
      replied: (value) => message.replied?.(value),
      refused: (code, retryMs) => {
        const repeats = message.durable !== null || message.key !== null
        if (repeats && PASSING.has(code) && message.ttlMs > 0)
          return void clock.after(Math.max(retryMs, AGAIN_MS), again)
        leave()
        message.refused?.(code)
      },
      moved: (to) => {
        leave()
        forward({ ...message, to })
      }
    }
  }

  #senderOf({ from, incarnation }: Outbound): string {
    return `${from.startsWith('brume://') ? from : `brume://${this.#options.self}/${from}`}#${incarnation}`
  }

  #enter({ from, to, durable }: Outbound): () => void {
    if (durable === null) return () => undefined
    const key = `${from} ${to}`
    const numbers = this.#underWay.get(key) ?? new Set()
    this.#underWay.set(key, numbers.add(durable.seq))
    return () => {
      numbers.delete(durable.seq)
      if (numbers.size === 0 && this.#underWay.get(key) === numbers) this.#underWay.delete(key)
    }
  }

  /** What must have come before it: only what is not settled; the rest was processed, or never will be. */
  #orderOf({ from, to, durable }: Outbound): Outbound['durable'] {
    if (durable === null) return null
    const before = [...(this.#underWay.get(`${from} ${to}`) ?? [])].filter((seq) => seq < durable.seq)
    return { seq: durable.seq, prev: before.length === 0 ? 0 : Math.max(...before) }
  }
}
