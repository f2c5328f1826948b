import type { Cancel } from '@brume/ports'
import type { SimClock } from '../sim-clock.ts'
import type { SimRandom } from '../sim-random.ts'

/** One direction of the way between two peers. All of it may be changed at any time. */
export interface PipeSettings {
  /** One-way delay, milliseconds. */
  readonly delayMs: number
  /** Added to the delay of each write, uniform in 0..jitterMs. */
  readonly jitterMs: number
  /** Share of gossip messages that vanish, and of stream writes that stall, as a lost TCP segment does. */
  readonly loss: number
  /** Share of gossip messages that arrive twice. */
  readonly duplication: number
  /** undefined: without limit. */
  readonly bytesPerSecond: number | undefined
}

/** Of a home network over Wi-Fi. */
export const DEFAULT_PIPE: PipeSettings = {
  delayMs: 2,
  jitterMs: 1,
  loss: 0,
  duplication: 0,
  bytesPerSecond: undefined
}

/** What a socket and its kernel take before they ask the writer to wait. */
const BUFFER_BYTES_MAX = 256 * 1024
/** A lost segment is sent again after this long, or after two delays where that is more (RFC 6298 has 1 s first, Linux 200 ms). */
const RETRANSMIT_US_MIN = 200_000

interface Write {
  readonly bytes: number
  readonly deliver: () => void
  cancel: Cancel | undefined
}

/** Draws what happens to traffic in one direction, and holds it back while blocked. */
export class Pipe {
  readonly #clock: SimClock
  readonly #random: SimRandom
  readonly #receive: (deliver: () => void) => void
  readonly #writes: Write[] = []
  readonly #drains: (() => void)[] = []
  #settings: PipeSettings
  #blocked = false
  /** When the last byte accepted so far has left the sender. */
  #freeUs = 0
  #lastArrivalUs = 0
  #bufferedBytes = 0

  /** @param receive - has the receiver read what arrived, as soon as it does */
  constructor(
    clock: SimClock,
    random: SimRandom,
    settings: PipeSettings,
    receive: (deliver: () => void) => void = (deliver) => deliver()
  ) {
    this.#clock = clock
    this.#random = random
    this.#receive = receive
    this.#settings = settings
  }

  get settings(): PipeSettings {
    return this.#settings
  }

  get isBlocked(): boolean {
    return this.#blocked
  }

  set(settings: Partial<PipeSettings>): void {
    this.#settings = { ...this.#settings, ...settings }
  }

  /** Blocked: nothing arrives, nothing of a stream is lost; what was under way is sent again afterwards. */
  block(blocked: boolean): void {
    if (blocked === this.#blocked) return
    this.#blocked = blocked
    for (const write of this.#writes) {
      write.cancel?.()
      write.cancel = undefined
    }
    this.#lastArrivalUs = 0
    this.#freeUs = this.#clock.nowUs
    if (blocked) return
    for (const write of this.#writes) this.#schedule(write)
    this.#wake()
  }

  /** May a stream write more, or should it wait for `drained`? */
  get takesMore(): boolean {
    return this.#bufferedBytes < BUFFER_BYTES_MAX
  }

  /** Calls once when there is room again. */
  drained(run: () => void): void {
    this.#drains.push(run)
  }

  /** Ordered and reliable until `reset`. */
  write(bytes: number, deliver: () => void): void {
    const write: Write = { bytes, deliver, cancel: undefined }
    this.#writes.push(write)
    this.#bufferedBytes += bytes
    if (!this.#blocked) this.#schedule(write)
  }

  /** One message of its own: may vanish, come twice, or overtake another. */
  cast(bytes: number, deliver: () => void): void {
    if (this.#blocked || this.#random.chance(this.#settings.loss)) return
    const copies = this.#random.chance(this.#settings.duplication) ? 2 : 1
    for (let copy = 0; copy < copies; copy += 1) {
      this.#clock.at(this.#leaveUs(bytes) + this.#delayUs(), () => {
        if (!this.#blocked) this.#receive(deliver)
      })
    }
  }

  /** The connection is gone and all that was under way with it. */
  reset(): void {
    for (const write of this.#writes.splice(0)) write.cancel?.()
    this.#bufferedBytes = 0
    this.#lastArrivalUs = 0
    this.#drains.length = 0
  }

  #schedule(write: Write): void {
    const stallUs = this.#random.chance(this.#settings.loss) ? this.#stallUs() : 0
    const arrivalUs = Math.max(this.#lastArrivalUs, this.#leaveUs(write.bytes) + this.#delayUs() + stallUs)
    this.#lastArrivalUs = arrivalUs
    write.cancel = this.#clock.at(arrivalUs, () => this.#arrive(write))
  }

  #arrive(write: Write): void {
    // Arrivals are in the order of writing, so this is always the first.
    this.#writes.shift()
    this.#bufferedBytes -= write.bytes
    this.#receive(write.deliver)
    this.#wake()
  }

  #wake(): void {
    if (!this.takesMore) return
    for (const run of this.#drains.splice(0)) run()
  }

  #leaveUs(bytes: number): number {
    const startUs = Math.max(this.#clock.nowUs, this.#freeUs)
    const rate = this.#settings.bytesPerSecond
    this.#freeUs = rate === undefined ? startUs : startUs + Math.ceil((bytes * 1_000_000) / rate)
    return this.#freeUs
  }

  #delayUs(): number {
    const { delayMs, jitterMs } = this.#settings
    const jitterUs = Math.round(jitterMs * 1_000)
    return Math.round(delayMs * 1_000) + (jitterUs === 0 ? 0 : this.#random.below(jitterUs + 1))
  }

  #stallUs(): number {
    return Math.max(RETRANSMIT_US_MIN, 2 * Math.round(this.#settings.delayMs * 1_000))
  }
}
