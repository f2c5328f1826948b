import type { SimRandom } from '@brume/testkit'
import type { World } from './world.ts'

/** A blocked connection is given up by both ends after this long, as packages/net does. */
const GIVEN_UP_US = 12_000_000
/** A lost segment is sent again after this long, or two delays where that is more. */
const RETRANSMIT_US = 200_000
/** Between losing a connection and the next try. */
const REDIAL_US = 500_000

/** What happens to frames, in one run. Delays in microseconds. */
export interface NetworkSettings {
  /** One-way delay from one process to another without jitter. */
  delayUs: (from: number, to: number) => number
  /** Added, uniform in 0..jitterUs. */
  jitterUs: number
  /** Share of frames that are lost: stalled where streams are reliable. */
  loss: number
  /** Share of frames that arrive twice; `lossy` only. */
  duplication: number
  /** Share of lost frames of a stream that end it. */
  reset: number
  /** Frames are lost, doubled and reordered, as over gossip; otherwise ordered and reliable until a reset. */
  lossy: boolean
}

/** One direction between two processes. */
interface Way<F> {
  blocked: boolean
  sinceUs: number
  lastArrivalUs: number
  held: F[]
}

interface Pair {
  up: boolean
  /** Rises with each reset: frames of an older connection come to nothing. */
  generation: number
  dialing: boolean
}

export interface NetworkEnds<F> {
  isAlive(process: number): boolean
  deliver(from: number, to: number, frame: F): void
  link(process: number, other: number, up: boolean): void
}

/** Connections between processes, and everything that happens to frames on them. */
export class Network<F> {
  readonly settings: NetworkSettings
  readonly #world: World
  readonly #random: SimRandom
  readonly #size: number
  readonly #ends: NetworkEnds<F>
  readonly #ways: Way<F>[]
  readonly #pairs: Pair[]
  readonly #masked = new Set<Pair>()
  /** Extra delay of all that a process sends, µs. */
  readonly slowUs: number[]

  constructor(world: World, random: SimRandom, size: number, settings: NetworkSettings, ends: NetworkEnds<F>) {
    this.#world = world
    this.#random = random
    this.#size = size
    this.settings = settings
    this.#ends = ends
    this.slowUs = Array.from({ length: size }, () => 0)
    this.#ways = Array.from({ length: size * size }, () => ({
      blocked: false,
      sinceUs: 0,
      lastArrivalUs: 0,
      held: []
    }))
    this.#pairs = Array.from({ length: size * size }, () => ({ up: false, generation: 0, dialing: false }))
  }

  isUp(a: number, b: number): boolean {
    return this.#pair(a, b).up
  }

  /** All that are alive and not cut off get to know each other. */
  connectAll(): void {
    for (let a = 0; a < this.#size; a++) for (let b = a + 1; b < this.#size; b++) this.#dial(a, b, 0)
  }

  /** Two processes that never meet, whatever heals. */
  mask(a: number, b: number, masked: boolean): void {
    if (a === b) return
    const pair = this.#pair(a, b)
    if (masked) {
      this.#masked.add(pair)
      this.reset(a, b)
    } else this.#masked.delete(pair)
  }

  connectOne(process: number): void {
    for (let other = 0; other < this.#size; other++) if (other !== process) this.#dial(process, other, 0)
  }

  send(from: number, to: number, frame: F): void {
    const pair = this.#pair(from, to)
    if (!pair.up) return
    if (this.settings.lossy) return this.#sendLossy(from, to, frame, pair)
    const way = this.#way(from, to)
    if (way.blocked) {
      way.held.push(frame)
      return
    }
    let delayUs = this.#delay(from, to)
    if (this.settings.loss > 0 && this.#random.chance(this.settings.loss)) {
      if (this.#random.chance(this.settings.reset)) return this.reset(from, to)
      delayUs += Math.max(RETRANSMIT_US, 2 * delayUs)
    }
    const atUs = Math.max(way.lastArrivalUs, this.#world.nowUs + delayUs)
    way.lastArrivalUs = atUs
    this.#arrive(from, to, frame, pair, atUs)
  }

  /** Blocks or opens one direction. What is under way of a stream is held, not lost. */
  block(from: number, to: number, blocked: boolean): void {
    if (from === to) return
    const way = this.#way(from, to)
    if (way.blocked === blocked) return
    way.blocked = blocked
    const sinceUs = this.#world.nowUs
    way.sinceUs = sinceUs
    if (!blocked) {
      for (const frame of way.held.splice(0)) this.send(from, to, frame)
      return this.#dial(from, to, REDIAL_US)
    }
    this.#world.after(GIVEN_UP_US, () => {
      if (way.blocked && way.sinceUs === sinceUs && this.#pair(from, to).up) this.reset(from, to)
    })
  }

  heal(): void {
    for (let a = 0; a < this.#size; a++) for (let b = 0; b < this.#size; b++) this.block(a, b, false)
    this.connectAll()
  }

  /** The connection breaks: both ends notice, what was under way is lost, and they dial again. */
  reset(a: number, b: number): void {
    const pair = this.#pair(a, b)
    if (!pair.up) return
    pair.up = false
    pair.generation += 1
    this.#way(a, b).held = []
    this.#way(b, a).held = []
    for (const [end, other] of [[a, b] as const, [b, a] as const])
      if (this.#ends.isAlive(end)) this.#ends.link(end, other, false)
    this.#dial(a, b, REDIAL_US)
  }

  /** A process is gone: so are its connections. */
  drop(process: number): void {
    for (let other = 0; other < this.#size; other++) if (other !== process) this.reset(process, other)
  }

  #sendLossy(from: number, to: number, frame: F, pair: Pair): void {
    if (this.#way(from, to).blocked) return
    const { loss, duplication } = this.settings
    if (loss > 0 && this.#random.chance(loss)) return
    const copies = duplication > 0 && this.#random.chance(duplication) ? 2 : 1
    for (let i = 0; i < copies; i++) this.#arrive(from, to, frame, pair, this.#world.nowUs + this.#delay(from, to))
  }

  #arrive(from: number, to: number, frame: F, pair: Pair, atUs: number): void {
    const { generation } = pair
    this.#world.at(atUs, () => {
      if (pair.generation !== generation || !this.#ends.isAlive(to)) return
      const way = this.#way(from, to)
      if (way.blocked) {
        if (!this.settings.lossy) way.held.push(frame)
        return
      }
      this.#ends.deliver(from, to, frame)
    })
  }

  #delay(from: number, to: number): number {
    const { jitterUs } = this.settings
    const jitter = jitterUs > 0 ? this.#random.below(jitterUs + 1) : 0
    return this.settings.delayUs(from, to) + jitter + (this.slowUs[from] ?? 0)
  }

  #dial(a: number, b: number, afterUs: number): void {
    const pair = this.#pair(a, b)
    if (pair.up || pair.dialing || this.#masked.has(pair)) return
    pair.dialing = true
    const roundTripUs = this.settings.delayUs(a, b) + this.settings.delayUs(b, a)
    this.#world.after(afterUs + roundTripUs, () => {
      pair.dialing = false
      const blocked = this.#way(a, b).blocked || this.#way(b, a).blocked || this.#masked.has(pair)
      if (pair.up || blocked || !this.#ends.isAlive(a) || !this.#ends.isAlive(b)) return
      pair.up = true
      this.#ends.link(a, b, true)
      this.#ends.link(b, a, true)
    })
  }

  #pair(a: number, b: number): Pair {
    return this.#pairs[a < b ? a * this.#size + b : b * this.#size + a] as Pair
  }

  #way(from: number, to: number): Way<F> {
    return this.#ways[from * this.#size + to] as Way<F>
  }
}
