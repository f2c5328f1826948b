import type { Event } from '@brume/consensus'
import type { LocalClock } from '../world/local-clock.ts'
import type { World } from '../world/world.ts'

export interface LoopPorts {
  readonly world: World
  readonly clock: LocalClock
  /** A known bug: timers that expired during a stall act before what arrived in it. */
  readonly timerBeforeInput: boolean
  /** One event into the reducer and all that comes of it; false where the process died of it. */
  readonly turn: (event: Event) => boolean
  /** When the reducer wants to be woken, by the own monotonic clock; null for never. */
  readonly wakeMs: (nowMs: number) => number | null
}

/** The event loop of one process: one event after the other, timers only after all input, and times in which it stands still. */
export class Loop {
  /** Bumped by each crash: what was under way before it comes to nothing. */
  life = 0
  stalledUntilUs = 0
  readonly #ports: LoopPorts
  /** What happened while it stood still, in order; of it so many were frames. */
  #waiting: (() => void)[] = []
  #unread = 0
  #isTicking = false
  #queue: Event[] = []
  #isRunning = false
  #wakeUs: number | null = null

  constructor(ports: LoopPorts) {
    this.#ports = ports
  }

  time(): { readonly nowMs: number; readonly wallMs: number } {
    const { clock, world } = this.#ports
    return { nowMs: clock.nowMs(world.nowUs), wallMs: clock.wallMs(world.nowUs) }
  }

  /** Frames that had arrived unread when a timer led to what happens now. */
  get unreadAtTick(): number {
    return this.#isTicking ? this.#unread : 0
  }

  /** Runs unless the process has died by then. */
  later(us: number, run: () => void): void {
    const { life } = this
    this.#ports.world.after(us, () => this.life === life && run())
  }

  /** After what is under way, in the same turn. */
  push(event: Event): void {
    this.#queue.push(event)
  }

  feed(event: Event): void {
    if (this.#isStalled) {
      this.#waiting.push(() => this.feed(event))
      return
    }
    this.#queue.push(event)
    this.flush()
  }

  /** What was pushed while nothing was under way. */
  flush(): void {
    if (!this.#isRunning) this.#run()
  }

  /** A frame arrives; a stalled process reads it when it goes on. */
  arrive(read: () => void): void {
    if (!this.#isStalled) return read()
    this.#unread += 1
    this.#waiting.push(() => {
      this.#unread -= 1
      read()
    })
  }

  /** The event loop stands still. */
  stall(us: number): void {
    const { world } = this.#ports
    this.stalledUntilUs = Math.max(this.stalledUntilUs, world.nowUs + us)
    this.later(us, () => {
      if (world.nowUs >= this.stalledUntilUs) this.goOn()
    })
  }

  /** What arrived meanwhile is read, and only then do timers act: `Clock.after` promises as much. */
  goOn(): void {
    this.stalledUntilUs = 0
    if (this.#ports.timerBeforeInput && this.#isDue()) this.#tick()
    for (const run of this.#waiting.splice(0)) run()
    if (this.#isDue()) this.#tick()
  }

  /** The process is gone. */
  die(): void {
    this.life += 1
    this.#waiting = []
    this.#unread = 0
    this.stalledUntilUs = 0
    this.rest()
  }

  /** No timer, and nothing that waits. */
  rest(): void {
    this.#queue = []
    this.#wakeUs = null
  }

  get #isStalled(): boolean {
    return this.#ports.world.nowUs < this.stalledUntilUs
  }

  #run(): void {
    this.#isRunning = true
    try {
      for (let event = this.#queue.shift(); event !== undefined; event = this.#queue.shift()) {
        if (!this.#ports.turn(event)) return
      }
    } finally {
      this.#isRunning = false
    }
    this.#arm()
  }

  #arm(): void {
    const { world, clock, wakeMs } = this.#ports
    const atMs = wakeMs(this.time().nowMs)
    const wakeUs = atMs === null ? null : Math.max(clock.worldUs(atMs), world.nowUs + 1)
    if (wakeUs === this.#wakeUs) return
    this.#wakeUs = wakeUs
    if (wakeUs === null) return
    const { life } = this
    world.at(wakeUs, () => {
      if (this.life !== life || this.#wakeUs !== wakeUs) return
      if (!this.#isStalled) this.#tick()
    })
  }

  #isDue(): boolean {
    return this.#wakeUs !== null && this.#wakeUs <= this.#ports.world.nowUs
  }

  #tick(): void {
    this.#wakeUs = null
    this.#isTicking = true
    this.feed({ type: 'tick', ...this.time() })
    this.#isTicking = false
  }
}
