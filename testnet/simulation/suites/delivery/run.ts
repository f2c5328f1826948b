import { createHash } from 'node:crypto'
import { peerIdFromKey } from '@brume/crypto'
import type { Channel, ChannelHandler, ChannelProtocol, Net } from '@brume/ports'
import { groupAuthority } from '@brume/runtime/address'
import type { LinkRules } from '@brume/runtime/delivery'
import { replace, SimClock, SimNet, type SimNode, type SimRandom } from '@brume/testkit'
import { type Streams, streamsOf } from '../../world/streams.ts'
import { Checker, type Letter, type Violation } from './checker.ts'
import { Disk } from './disk.ts'
import { CALM_MS, drawPlan, type Fault, type Order, type Plan, PROCESSES, REFUSED_EVERY, RUN_MS } from './plan.ts'
import { Process } from './process.ts'
import { Sender } from './sender.ts'

const PEERS = Array.from({ length: PROCESSES }, (_, index) => peerIdFromKey(new Uint8Array(32).fill(index + 1)))
const MOVER = `brume://${groupAuthority(new Uint8Array(32).fill(9))}/x`
const SAMPLE_MS = 100
/** actors.md 8: 16,384 messages, 4 MiB and 256 KiB; 1 MiB of credit and what may be beyond it. */
const BOUNDS = { messages: 16_384, queuedBytes: 4_194_304 + 262_144, heldBytes: 1_048_576 + 196_608 }

export interface RunResult {
  readonly violation: Violation | null
  readonly letters: number
  readonly restarts: number
  /** Of everything that was processed and told: equal for equal runs. */
  readonly hash: string
}

/** One seed, from its plan to the verdict. */
export function runDelivery(seed: Uint8Array, rules: LinkRules): RunResult {
  const run = new Run(streamsOf(seed), rules)
  return run.result()
}

class Run {
  readonly #clock = new SimClock()
  readonly #checker = new Checker()
  readonly #hash = createHash('sha256')
  readonly #streams: Streams
  readonly #plan: Plan
  readonly #rules: LinkRules
  readonly #net: SimNet
  readonly #disks = PEERS.map(() => new Disk())
  readonly #processes: (Process | undefined)[] = []
  readonly #senders: (Sender | undefined)[] = []
  /** How long each process that is to die stays dead, by index. */
  readonly #ambushes = new Map<number, number>()
  #lastId = 0
  #restarts = 0

  constructor(streams: Streams, rules: LinkRules) {
    this.#streams = streams
    this.#rules = rules
    this.#plan = drawPlan(streams)
    this.#net = new SimNet({ clock: this.#clock, random: streams.net, pipe: this.#plan.pipe })
  }

  result(): RunResult {
    for (const index of PEERS.keys()) this.#start(index)
    for (const { atMs, process, what } of this.#plan.orders)
      this.#clock.at(atMs * 1_000, () => this.#order(process, what))
    for (const { atMs, process, what } of this.#plan.faults)
      this.#clock.at(atMs * 1_000, () => this.#fault(process, what))
    for (let atMs = SAMPLE_MS; atMs < RUN_MS; atMs += SAMPLE_MS) this.#clock.at(atMs * 1_000, () => this.#sample())
    this.#clock.run(RUN_MS)
    this.#calm()
    this.#clock.run(CALM_MS)
    this.#judge()
    const { violation, letters } = this.#checker
    return { violation, letters, restarts: this.#restarts, hash: this.#hash.digest('hex') }
  }

  #start(index: number): void {
    const peer = PEERS[index] ?? ''
    const disk = this.#disks[index]
    if (disk === undefined || this.#processes[index] !== undefined) return
    const node = this.#net.start(peer)
    const random = this.#streams.node(index * 1_000 + disk.boots)
    const [checker, speaksFor] = [this.#witness(), (_: string, authority: string) => MOVER.includes(authority)]
    const shared = { index, peer, random, disk, speaksFor, checker, plan: this.#plan, rules: this.#rules }
    const process = new Process({ ...shared, clock: this.#clock, net: this.#fragile(node, random) })
    this.#processes[index] = process
    this.#senders[index] = new Sender(process, checker, () => this.#clock.now())
  }

  /** The checker, and a hash of all it is told. */
  #witness(): Checker {
    const note = (...parts: readonly (string | number)[]): void => void this.#hash.update(`${parts.join(' ')}\n`)
    const checker = this.#checker
    return replace(checker, {
      processed: (id, life, atMs) => {
        note('processed', id, life, atMs)
        checker.processed(id, life, atMs)
        this.#ambush(Number(life.slice(0, life.indexOf('/'))))
      },
      told: (id, outcome, boot, atMs) => {
        note('told', id, outcome, boot, atMs)
        checker.told(id, outcome, boot, atMs)
      }
    })
  }

  /** Streams that the receiver ends now and then, frames and all. */
  #fragile(node: SimNode, random: SimRandom): Net {
    const { resets } = this.#plan
    return replace<Net>(node, {
      channel: (protocol: ChannelProtocol, handler: ChannelHandler): Channel => {
        const frame = (from: string, body: Uint8Array): void => {
          if (resets > 0 && this.#clock.now() < RUN_MS && random.chance(resets)) throw new Error('reset')
          handler.frame(from, body)
        }
        return node.channel(protocol, replace(handler, { frame }))
      }
    })
  }

  #order(index: number, order: Order): void {
    const sender = this.#senders[index]
    if (sender === undefined) return
    const to = 'to' in order ? this.#target(order.to) : { address: '', isKept: false, name: '' }
    switch (order.type) {
      case 'tell':
        return sender.tell(this.#letter('tell', `${index} ${order.from}`, to, order.ttlMs), order.from, to.address)
      case 'ask':
        return sender.ask(this.#letter('ask', `${index} ~client`, to, 10_000), to.address)
      case 'durable':
        return sender.durable(
          this.#letter('durable', `${index} ${order.from}`, to, Number.POSITIVE_INFINITY),
          order.from,
          to.address
        )
      case 'watch':
        return sender.watch(to.address)
      case 'rebirth':
        return sender.process.rebirth(order.actor)
      case 'moving':
        return this.#moving(index, sender)
      case 'flood':
        return this.#flood(sender)
    }
  }

  /** The first holder never learns that it was followed. */
  #moving(index: number, sender: Sender): void {
    const isSecond = index === 1 && this.#clock.now() >= this.#plan.movesAtMs
    if (index !== 0 && !isSecond) return
    const to = this.#target('2 v0')
    const incarnation = index + 1
    sender.send({ ...this.#letter('tell', MOVER, to, 30_000), incarnation }, MOVER, to.address)
  }

  #flood(sender: Sender): void {
    const to = this.#target('1 v0')
    for (let n = 0; n < 4_000; n += 1) sender.tell(this.#letter('tell', '0 v0', to, 5_000), 'v0', to.address, 2_000)
  }

  #letter(kind: Letter['kind'], from: string, to: { name: string; isKept: boolean }, ttlMs: number): Letter {
    this.#lastId += 1
    const isRefused = this.#lastId % REFUSED_EVERY === 0
    return { id: this.#lastId, kind, from, incarnation: 0, to: to.name, isKept: to.isKept, isRefused, ttlMs }
  }

  #target(name: string): { readonly name: string; readonly address: string; readonly isKept: boolean } {
    const [index, path = ''] = name.split(' ')
    return { name, address: `brume://${PEERS[Number(index)]}/${path}`, isKept: path.startsWith('d') }
  }

  #fault(index: number, fault: Fault): void {
    const peers = (...indexes: readonly number[]) => indexes.map((each) => PEERS[each] ?? '')
    const [self = '', a = '', b = ''] = peers(index, 'a' in fault ? fault.a : 0, 'b' in fault ? fault.b : 0)
    if (fault.type === 'sever') return this.#net.sever(a, b)
    if (fault.type === 'kill') return this.#kill(index, fault.forMs)
    if (fault.type === 'ambush') return void this.#ambushes.set(index, fault.forMs)
    if (fault.type === 'split') this.#net.partition([[self], PEERS.filter((peer) => peer !== self)])
    else this.#net.clog(self, peers(fault.to)[0] ?? '')
    this.#clock.after(fault.forMs, () => this.#net.heal())
  }

  #ambush(index: number): void {
    const forMs = this.#ambushes.get(index)
    this.#ambushes.delete(index)
    if (forMs !== undefined) this.#clock.after(0, () => this.#kill(index, forMs))
  }

  #kill(index: number, forMs: number): void {
    const process = this.#processes[index]
    if (process === undefined) return
    this.#restarts += 1
    this.#net.stop(process.peer)
    process.die()
    this.#processes[index] = undefined
    this.#senders[index] = undefined
    this.#checker.died((life) => life.startsWith(`${index}/d`))
    this.#clock.after(forMs, () => this.#start(index))
  }

  #sample(): void {
    for (const process of this.#processes) {
      for (const view of process?.delivery.view() ?? []) {
        this.#checker.bounded('messages', view.messages, BOUNDS.messages)
        this.#checker.bounded('bytes queued', view.queuedBytes, BOUNDS.queuedBytes)
        this.#checker.bounded('bytes in mailboxes', view.heldBytes, BOUNDS.heldBytes)
      }
    }
  }

  #calm(): void {
    this.#net.heal()
    for (const index of PEERS.keys()) this.#start(index)
  }

  #judge(): void {
    for (const process of this.#processes) {
      for (const view of process?.delivery.view() ?? [])
        this.#checker.bounded('messages after the calm', view.messages, 0)
    }
    const logs = this.#disks.flatMap((disk, index) =>
      ['d0', 'd1'].map((path) => [`${index} ${path}`, disk.of(path).log] as const)
    )
    this.#checker.ended(new Map(logs))
  }
}
