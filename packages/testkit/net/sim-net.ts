import type { Cancel, PeerId } from '@brume/ports'
import type { SimClock } from '../sim-clock.ts'
import type { SimRandom } from '../sim-random.ts'
import { Connection } from './connection.ts'
import { DEFAULT_PIPE, Pipe, type PipeSettings } from './pipe.ts'
import { SimNode } from './sim-node.ts'

export interface SimNetOptions {
  readonly clock: SimClock
  /** The stream `net` of the run's seed. */
  readonly random: SimRandom
  /** Every direction's settings at first. */
  readonly pipe?: Partial<PipeSettings>
  /** true: all peers find one another, as on one LAN. false: only wanted ones connect. Default true. */
  readonly discovery?: boolean
}

/** A dial that found no way is tried again after this long. */
const REDIAL_MS = 1_000
/** A way without traffic both ways for this long is given up, as the probes of a real net do. */
const DEAD_MS = 12_000

interface Pair {
  readonly peers: readonly [PeerId, PeerId]
  connection: Connection | undefined
  dialing: Cancel | undefined
  dying: Cancel | undefined
}

/**
 * A network in virtual time, behind the Net port: delays, loss, rate, clogs, partitions, links that
 * go down and come again. Same clock, same seed, same calls: same run.
 */
export class SimNet {
  readonly clock: SimClock
  readonly #random: SimRandom
  readonly #defaults: PipeSettings
  readonly #discovery: boolean
  readonly #nodes = new Map<PeerId, SimNode>()
  readonly #pairs = new Map<string, Pair>()
  readonly #pipes = new Map<string, Pipe>()
  readonly #clogged = new Set<string>()
  /** What arrived at a peer whose event loop stands still, in order. */
  readonly #unread = new Map<PeerId, (() => void)[]>()
  #sides: ReadonlyMap<PeerId, number> | undefined

  constructor(options: SimNetOptions) {
    this.clock = options.clock
    this.#random = options.random
    this.#defaults = { ...DEFAULT_PIPE, ...options.pipe }
    this.#discovery = options.discovery ?? true
  }

  /** Starts a peer, or starts one again that was stopped. */
  start(peer: PeerId): SimNode {
    if (this.#nodes.has(peer)) throw new Error(`${peer} runs already: stop it first`)
    const node = new SimNode(this, peer, this.#nodes.size + 1)
    this.#nodes.set(peer, node)
    for (const other of this.#nodes.keys()) if (other !== peer) this.reconsider(peer, other)
    return node
  }

  /** Ends a peer as `kill -9` does: the others see their links go down. */
  stop(peer: PeerId): void {
    const node = this.#nodes.get(peer)
    if (node === undefined) return
    this.#nodes.delete(peer)
    this.#unread.delete(peer)
    node.end()
    for (const pair of this.#pairsOf(peer)) {
      pair.dialing?.()
      pair.dialing = undefined
      this.#down(pair)
    }
  }

  node(peer: PeerId): SimNode | undefined {
    return this.#nodes.get(peer)
  }

  /** Changes what happens from one peer to another, in that direction. */
  set(from: PeerId, to: PeerId, settings: Partial<PipeSettings>): void {
    this.pipe(from, to).set(settings)
  }

  /** Stops a direction without breaking the connection, until `clog(..., false)`. */
  clog(from: PeerId, to: PeerId, clogged = true): void {
    if (clogged) this.#clogged.add(`${from} ${to}`)
    else this.#clogged.delete(`${from} ${to}`)
    this.#applyBlocks()
  }

  /** A peer's event loop stands still: what arrives is read when it goes on. Its timers are `NodeClock`'s to hold. */
  stall(peer: PeerId, ms: number): void {
    if (this.#unread.has(peer) || !this.#nodes.has(peer)) return
    const waiting: (() => void)[] = []
    this.#unread.set(peer, waiting)
    this.clock.after(ms, () => {
      if (this.#unread.get(peer) !== waiting) return
      this.#unread.delete(peer)
      for (const read of waiting) read()
    })
  }

  /** Peers reach only those of their own group; those in none reach nobody. */
  partition(groups: readonly (readonly PeerId[])[]): void {
    this.#sides = new Map(groups.flatMap((group, side) => group.map((peer) => [peer, side] as const)))
    this.#applyBlocks()
  }

  /** Ends every clog and partition. */
  heal(): void {
    this.#sides = undefined
    this.#clogged.clear()
    this.#applyBlocks()
  }

  /** Breaks the connection of two peers at once; they dial again. */
  sever(a: PeerId, b: PeerId): void {
    const pair = this.#pairs.get(pairKey(a, b))
    if (pair !== undefined) this.#down(pair)
  }

  /** The direction's pipe, made at first use. */
  pipe(from: PeerId, to: PeerId): Pipe {
    const key = `${from} ${to}`
    let pipe = this.#pipes.get(key)
    if (pipe === undefined) {
      pipe = new Pipe(this.clock, this.#random, this.#defaults, (deliver) => this.#receive(to, deliver))
      pipe.block(!this.#passes(from, to))
      this.#pipes.set(key, pipe)
    }
    return pipe
  }

  /** Something about two peers changed: they may have to connect, or to part. */
  reconsider(a: PeerId, b: PeerId): void {
    const pair = this.#pair(a, b)
    if (!this.#allowed(a, b)) return this.#down(pair)
    if (pair.connection === undefined && this.#desired(a, b)) this.#dial(pair, this.#dialMs(a, b))
  }

  #receive(peer: PeerId, deliver: () => void): void {
    const waiting = this.#unread.get(peer)
    if (waiting === undefined) deliver()
    else waiting.push(deliver)
  }

  #dial(pair: Pair, delayMs: number): void {
    if (pair.dialing !== undefined) return
    const [a, b] = pair.peers
    pair.dialing = this.clock.after(delayMs, () => {
      pair.dialing = undefined
      if (pair.connection !== undefined || !this.#allowed(a, b) || !this.#desired(a, b)) return
      if (this.#passes(a, b) && this.#passes(b, a)) this.#up(pair)
      else this.#dial(pair, REDIAL_MS)
    })
  }

  #up(pair: Pair): void {
    const nodes = pair.peers.map((peer) => this.#nodes.get(peer))
    const [a, b] = nodes
    if (a === undefined || b === undefined) return
    pair.connection = new Connection(this.clock, a, b, this.pipe(a.self, b.self), this.pipe(b.self, a.self))
    a.linkUp(pair.connection)
    b.linkUp(pair.connection)
  }

  #down(pair: Pair): void {
    const { connection } = pair
    pair.dying?.()
    pair.dying = undefined
    if (connection === undefined) return
    pair.connection = undefined
    connection.end()
    const [a, b] = pair.peers
    // A refused connection is noticed at once; a peer that may come back is dialled a second later.
    if (this.#allowed(a, b) && this.#desired(a, b)) this.#dial(pair, REDIAL_MS)
  }

  #allowed(a: PeerId, b: PeerId): boolean {
    const [first, second] = [this.#nodes.get(a), this.#nodes.get(b)]
    return first !== undefined && second !== undefined && !first.isBanned(b) && !second.isBanned(a)
  }

  #desired(a: PeerId, b: PeerId): boolean {
    return this.#discovery || this.#nodes.get(a)?.wants(b) === true || this.#nodes.get(b)?.wants(a) === true
  }

  #passes(from: PeerId, to: PeerId): boolean {
    if (this.#clogged.has(`${from} ${to}`)) return false
    const sides = this.#sides
    return sides === undefined || (sides.has(from) && sides.get(from) === sides.get(to))
  }

  #applyBlocks(): void {
    for (const [key, pipe] of this.#pipes) {
      const [from = '', to = ''] = key.split(' ')
      pipe.block(!this.#passes(from, to))
    }
    for (const pair of this.#pairs.values()) this.#watch(pair)
  }

  #watch(pair: Pair): void {
    const [a, b] = pair.peers
    const isDead = pair.connection !== undefined && !(this.#passes(a, b) && this.#passes(b, a))
    if (isDead) {
      pair.dying ??= this.clock.after(DEAD_MS, () => this.#down(pair))
      return
    }
    pair.dying?.()
    pair.dying = undefined
  }

  #dialMs(a: PeerId, b: PeerId): number {
    return this.pipe(a, b).settings.delayMs + this.pipe(b, a).settings.delayMs
  }

  #pair(a: PeerId, b: PeerId): Pair {
    const key = pairKey(a, b)
    let pair = this.#pairs.get(key)
    if (pair === undefined) {
      pair = { peers: a < b ? [a, b] : [b, a], connection: undefined, dialing: undefined, dying: undefined }
      this.#pairs.set(key, pair)
    }
    return pair
  }

  #pairsOf(peer: PeerId): Pair[] {
    return [...this.#pairs.values()].filter(({ peers }) => peers.includes(peer))
  }
}

const pairKey = (a: PeerId, b: PeerId): string => (a < b ? `${a} ${b}` : `${b} ${a}`)
