import { type CborValue, encode } from '@brume/codec'
import { identityFromSeed } from '@brume/crypto'
import type { Store } from '@brume/ports'
import { NodeClock, SimClock, SimRandom, StoreMedium } from '@brume/testkit'
import { quiet, slowStore } from '../../kernel/durable/fixture.ts'
import { createKernel, type Inbox, type Kernel, type Outbound, type Refusal, type Remote } from '../../kernel/index.ts'

/** Where a process may be killed so that what it had begun is cut in two. */
export const POINTS = ['before batch', 'after batch', 'before ack', 'after ack', 'any time'] as const
export type Point = (typeof POINTS)[number]

/** The time a message or an acknowledgement is under way, ms. */
const WAY_MS = 2
/** How long a killed process is down, ms. */
const DOWN_MS = 40
const AGAIN: ReadonlySet<Refusal> = new Set(['full', 'gap', 'overload', 'noactor', 'unmigrated'])

/** One process after the other on one disk. */
export class Node {
  readonly self: string
  readonly medium = new StoreMedium()
  kernel: Kernel | undefined
  clock: NodeClock
  /** Counts processes; 0: none has run. */
  life = 0
  isUp = false
  kills = 0
  readonly world: World
  readonly #setUp: (kernel: Kernel, node: Node) => void

  constructor(world: World, index: number, setUp: (kernel: Kernel, node: Node) => void) {
    this.self = identityFromSeed(new Uint8Array(32).fill(index + 1)).peerId
    this.world = world
    this.clock = new NodeClock(world.clock)
    this.#setUp = setUp
  }

  address(path: string): string {
    return `brume://${this.self}/${path}`
  }

  async start(): Promise<void> {
    this.life += 1
    const { life } = this
    this.clock = new NodeClock(this.world.clock)
    const { random } = this.world
    const slowness = {
      beforeMs: () => {
        this.world.reached('before batch', this)
        return 1 + random.below(3)
      },
      afterMs: () => {
        this.world.reached('after batch', this)
        return random.below(3)
      }
    }
    const store: Store = slowStore(this.medium.open(), this.clock, slowness)
    const kernel = createKernel({
      ...{ clock: this.clock, random: random.stream(`${this.self}/${life}`), log: quiet, self: this.self },
      ...{ store: store.sub('actors/'), remote: this.world.remote(this), onFatal: fatal }
    })
    this.isUp = true
    await kernel.start()
    if (!this.isAlive(life)) return
    this.#setUp(kernel, this)
    this.kernel = kernel
    this.world.cameUp(this)
  }

  isAlive(life: number): boolean {
    return this.isUp && this.life === life
  }

  /** As kill -9 does it: what was given to the disk arrives or not, nothing else happens any more. */
  kill(): void {
    if (!this.isUp) return
    this.isUp = false
    this.kills += 1
    this.kernel = undefined
    this.clock.stop()
    this.medium.kill()
    this.world.clock.after(DOWN_MS, () => void this.start())
  }
}

function fatal(error: Error): never {
  throw error
}

interface Sent {
  readonly message: Outbound
  readonly from: Node
  readonly life: number
  isOver: boolean
}

export interface Faults {
  readonly acksQueued?: boolean
}

/** Processes, an ordered way between each two, and the moments at which one is killed. */
export class World {
  readonly clock = new SimClock()
  readonly random: SimRandom
  readonly nodes: Node[] = []
  /** Messages without an answer, by target, in order. */
  readonly #sent = new Map<Node, Sent[]>()
  /** What kills whom next: at the n-th time that the point is reached there. */
  #plan: { readonly node: number; readonly point: Point; times: number } | undefined
  readonly hits = new Map<Point, number>()
  /** A known bug of the way: what was taken into a mailbox is acknowledged as if it were on disk. */
  readonly #acksQueued: boolean

  constructor(seed: Uint8Array, { acksQueued = false }: Faults = {}) {
    this.random = new SimRandom(seed, 'restart')
    this.#acksQueued = acksQueued
  }

  node(setUp: (kernel: Kernel, node: Node) => void): Node {
    const node = new Node(this, this.nodes.length, setUp)
    this.nodes.push(node)
    return node
  }

  plan(node: number, point: Point, times: number): void {
    this.#plan = { node, point, times }
    if (point === 'any time')
      this.clock.after(times * 3 + this.random.float(), () => this.reached(point, this.nodes[node] as Node))
  }

  get isPlanned(): boolean {
    return this.#plan !== undefined
  }

  reached(point: Point, at: Node): void {
    const plan = this.#plan
    if (plan === undefined || plan.point !== point || this.nodes[plan.node] !== at || !at.isUp) return
    plan.times -= 1
    if (plan.times > 0 && point !== 'any time') return
    this.#plan = undefined
    this.hits.set(point, (this.hits.get(point) ?? 0) + 1)
    at.kill()
  }

  remote(from: Node): Remote {
    const { life } = from
    const none = () => () => undefined
    return {
      send: (message) => {
        if (!from.isAlive(life)) return 'accepted'
        const target = this.nodes.find(({ self }) => message.to.startsWith(`brume://${self}/`))
        if (target === undefined) throw new RangeError(`nobody at ${message.to}`)
        const sent: Sent = { message, from, life, isOver: false }
        this.#sent.set(target, [...(this.#sent.get(target) ?? []), sent])
        this.clock.after(WAY_MS, () => this.#deliver(target, sent))
        return 'accepted'
      },
      watch: none,
      subscribe: none,
      follow: none,
      command: () => Promise.reject(new Error('not here')),
      snapshot: () => Promise.reject(new Error('not here')),
      history: () => {
        throw new Error('not here')
      }
    }
  }

  /** Links are there again: what is kept on a disk and has no answer is sent again, in order. */
  cameUp(node: Node): void {
    const again = ({ message, isOver, from, life }: Sent) => message.durable !== null && !isOver && from.isAlive(life)
    const waiting = (this.#sent.get(node) ?? []).filter(again)
    this.#sent.set(node, waiting)
    for (const sent of waiting) this.clock.after(WAY_MS, () => this.#deliver(node, sent))
  }

  #deliver(target: Node, sent: Sent): void {
    const { message, from, life } = sent
    if (sent.isOver || !from.isAlive(life) || target.kernel === undefined) return
    const event = encode(message.event as CborValue, { floats: true })
    const { to, ask, durable, key, ttlMs } = message
    const address = `${from.address(message.from)}#${message.incarnation}`
    const inbound = { peer: from.self, from: address, to, event, ask, durable, key, ttlMs }
    const inbox = this.#inbox(target, sent)
    target.kernel.receive(inbound, inbox)
    if (this.#acksQueued) inbox.committed()
  }

  #inbox(target: Node, sent: Sent): Inbox {
    const { life } = target
    const back = (run: () => void) => {
      if (target.isAlive(life)) this.clock.after(WAY_MS, () => this.#answer(sent, run))
    }
    return {
      committed: () => {
        this.reached('before ack', target)
        back(() => {
          sent.message.committed?.()
          this.reached('after ack', sent.from)
        })
      },
      refused: (code, retryMs) => {
        if (!target.isAlive(life)) return
        if (AGAIN.has(code) && sent.message.durable !== null) {
          this.clock.after(Math.max(retryMs, 10), () => this.#deliver(target, sent))
        } else back(() => sent.message.refused?.(code))
      },
      replied: () => undefined,
      moved: () => undefined
    }
  }

  #answer(sent: Sent, run: () => void): void {
    if (sent.isOver || !sent.from.isAlive(sent.life)) return
    sent.isOver = true
    run()
  }
}
