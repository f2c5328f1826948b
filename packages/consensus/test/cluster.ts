import { sha256 } from '@brume/crypto'
import type { Certificate } from '../certificate.ts'
import { createCommittee } from '../committee.ts'
import type { Effect, Event, Message } from '../events.ts'
import type { Rules } from '../judgement.ts'
import { type Config, createState, type Final, type Held, type Proposal, type State } from '../state.ts'
import { signedBytes, type Vote } from '../statement.ts'
import { step } from '../step.ts'
import { wakeAtMs } from '../timing.ts'

/** What goes wrong, and how much. */
export interface Faults {
  /** One-way delay drawn from this range, ms. Links keep order, as streams do. */
  readonly delayMs: readonly [number, number]
  readonly syncMs: readonly [number, number]
  /** Share of messages lost (a stream would not; a broken connection does). */
  readonly loss: number
}

interface Task {
  readonly atMs: number
  readonly order: number
  readonly run: () => void
}

/** What survives a crash: what was synced. Everything else is gone. */
interface Disk {
  votes: Vote[]
  held: Held[]
  certificates: Certificate[]
  blocks: Proposal[]
  final: Final
}

export interface Node {
  readonly index: number
  state: State
  alive: boolean
  /** Bumped by each crash, so that what was under way before it comes to nothing. */
  life: number
  pool: Set<string>
  poolVersion: number
  readonly disk: Disk
}

/** Everything that was said and decided, for a checker that knows nothing of the reducer. */
export interface Observed {
  readonly votes: Vote[]
  readonly final: { readonly node: number; readonly height: number; readonly digest: string; readonly view: number }[]
  readonly certificates: Certificate[]
  readonly messages: { readonly at: number; readonly type: Message['type'] }[]
}

const GROUP = new Uint8Array(32).fill(7)
const GENESIS: Final = { view: 0, height: 0, digest: '00'.repeat(32), timeMs: 0, certificate: null }

/** A small deterministic generator (mulberry32): tests only need it repeatable. */
export function generator(seed: number): () => number {
  let a = seed >>> 0
  return () => {
    a = (a + 0x6d2b79f5) >>> 0
    let t = Math.imul(a ^ (a >>> 15), a | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** What is frozen already is not entered again, so a state costs what is new in it. Bytes cannot be frozen. */
function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || Object.isFrozen(value)) return value
  Object.freeze(value)
  for (const inner of Object.values(value)) deepFreeze(inner)
  return value
}

/** Members that run the real reducer in virtual time, over links and disks that fail as told. */
export class Cluster {
  now = 0
  readonly nodes: Node[]
  readonly observed: Observed = { votes: [], final: [], certificates: [], messages: [] }
  faults: Faults
  /** Freezes every state and event before `step` gets it: writing to one throws. */
  frozen = false
  /** Pairs that cannot hear each other, as `a>b`. */
  readonly cut = new Set<string>()
  readonly #random: () => number
  readonly #committee
  readonly #rules: Partial<Rules>
  #queue: Task[] = []
  #order = 0
  #arrivals = new Map<string, number>()
  #wakes: (number | null)[] = []

  constructor(weights: readonly number[], seed: number, faults: Faults, rules: Partial<Rules> = {}) {
    this.faults = faults
    this.#rules = rules
    this.#random = generator(seed)
    const members = weights.map((weight, i) => ({ key: new Uint8Array(32).fill(i + 1), weight }))
    this.#committee = createCommittee({ groupId: GROUP, epoch: 0, hash: sha256(GROUP), seed: GROUP, members })
    this.nodes = weights.map((_, index) => this.#birth(index))
    for (const node of this.nodes) this.#join(node)
  }

  #config(index: number): Config {
    return {
      committee: this.#committee,
      self: index,
      genesis: GENESIS,
      minViewMs: 0,
      deltaMs: 100,
      rules: this.#rules,
      judge: (proposal, _parent, ancestors) => {
        const commands = proposal.body as readonly string[]
        const seen = new Set(ancestors.flatMap(({ body }) => body as readonly string[]))
        return commands.every((command) => !seen.has(command))
      }
    }
  }

  #birth(index: number): Node {
    const disk: Disk = { votes: [], held: [], certificates: [], blocks: [], final: GENESIS }
    const state = createState(this.#config(index), this.now)
    return { index, state, alive: true, life: 0, pool: new Set(), poolVersion: 0, disk }
  }

  #join(node: Node): void {
    this.feed(node, { type: 'voting', voting: true, nowMs: this.now, wallMs: this.now })
    for (const other of this.nodes) {
      if (other === node || !other.alive || !node.alive) continue
      this.feed(node, { type: 'up', member: other.index, nowMs: this.now })
      this.feed(other, { type: 'up', member: node.index, nowMs: this.now })
    }
  }

  crash(index: number): void {
    const node = this.nodes[index]
    if (node === undefined) return
    node.alive = false
    node.life += 1
    for (const other of this.nodes) if (other.alive) this.feed(other, { type: 'down', member: index, nowMs: this.now })
  }

  restart(index: number): void {
    const node = this.nodes[index]
    if (node === undefined || node.alive) return
    const { votes, held, certificates, final } = node.disk
    const above = final.view
    node.state = createState(this.#config(index), this.now, {
      final,
      votes: votes.filter(({ view }) => view > above),
      held: held.filter(({ proposal }) => proposal.view > above),
      certificates: certificates.filter(({ view }) => view > above)
    })
    node.alive = true
    node.pool = new Set()
    this.#join(node)
  }

  submit(index: number, command: string): void {
    this.#pool(this.nodes[index], command)
    for (const other of this.nodes) {
      if (other.index !== index) this.#deliver(index, other.index, () => this.#pool(other, command), true)
    }
  }

  #pool(node: Node | undefined, command: string): void {
    if (node?.alive !== true || node.disk.blocks.some(({ body }) => (body as string[]).includes(command))) return
    if (node.pool.has(command)) return
    node.pool.add(command)
    node.poolVersion += 1
    this.#poolChanged(node)
  }

  #poolChanged(node: Node): void {
    const pending = node.pool.size > 0
    this.feed(node, { type: 'pool', pending, version: node.poolVersion, nowMs: this.now, wallMs: this.now })
  }

  feed(node: Node, event: Event): void {
    if (!node.alive) return
    const { state, effects } = step(
      this.frozen ? deepFreeze(node.state) : node.state,
      this.frozen ? deepFreeze(event) : event
    )
    node.state = state
    for (const effect of effects) this.#carryOut(node, effect)
    this.#arm(node)
  }

  #arm(node: Node): void {
    const wake = node.alive ? wakeAtMs(node.state, this.now) : null
    if (wake === this.#wakes[node.index]) return
    this.#wakes[node.index] = wake
    if (wake === null) return
    this.#at(Math.max(wake, this.now + 0.01), () => {
      if (this.#wakes[node.index] !== wake) return
      this.#wakes[node.index] = null
      this.feed(node, { type: 'tick', nowMs: this.now, wallMs: this.now })
    })
  }

  #carryOut(node: Node, effect: Effect): void {
    const { life } = node
    const later = (run: () => void, [low, high]: readonly [number, number]) =>
      this.#at(this.now + low + (high - low) * this.#random(), () => node.life === life && node.alive && run())
    switch (effect.type) {
      case 'send':
        return this.#send(node, effect.to, effect.message)
      case 'cast': {
        const { statement, proposal } = effect
        const vote: Vote = {
          ...statement,
          signer: node.index,
          signature: this.#sign(node.index, signedBytes(this.#committee, statement))
        }
        return later(() => {
          node.disk.votes.push(vote)
          const signature = effect.signature ?? vote.signature
          if (proposal !== null) node.disk.held.push({ proposal, signature, certified: false, invalid: false })
          this.feed(node, { type: 'synced', votes: [vote], nowMs: this.now, wallMs: this.now })
        }, this.faults.syncMs)
      }
      case 'verify': {
        const bad = effect.votes
          .filter(
            (vote) => Buffer.compare(vote.signature, this.#sign(vote.signer, signedBytes(this.#committee, vote))) !== 0
          )
          .map(({ signer }) => signer)
        return later(
          () =>
            this.feed(node, {
              type: 'verified',
              purpose: effect.purpose,
              votes: effect.votes,
              bad,
              nowMs: this.now,
              wallMs: this.now
            }),
          [0, 1]
        )
      }
      case 'build': {
        const seen = new Set(effect.ancestors.flatMap(({ body }) => body as readonly string[]))
        const commands = effect.empty ? [] : [...node.pool].filter((command) => !seen.has(command)).slice(0, 10)
        const proposal = commands.length > 0 || effect.empty ? this.#block(effect, commands) : null
        return later(
          () => this.feed(node, { type: 'built', view: effect.view, proposal, nowMs: this.now, wallMs: this.now }),
          [0, 0]
        )
      }
      case 'keep':
        this.observed.certificates.push(effect.certificate)
        node.disk.certificates.push(effect.certificate)
        return
      case 'finalized':
        return this.#finalized(node, effect.blocks, effect.certificate)
      case 'behind': {
        const server = this.nodes.find((other) => other.alive && other.disk.final.view >= effect.certificate.view)
        if (server === undefined) return
        return later(() => this.#sync(node, server), this.faults.delayMs)
      }
      case 'conflict':
      case 'dropped':
      case 'entered':
      case 'notarized':
        return
      case 'spread':
        for (const other of this.nodes) {
          if (other === node) continue
          for (const command of node.pool) this.#deliver(node.index, other.index, () => this.#pool(other, command))
        }
        return
    }
  }

  #sync(node: Node, server: Node): void {
    const from = node.disk.blocks.length
    const { final } = server.disk
    if (final.view <= node.disk.final.view) return
    for (const block of server.disk.blocks.slice(from)) this.#deliverBlock(node, block)
    node.disk.final = final
    this.feed(node, { type: 'adopt', final, nowMs: this.now, wallMs: this.now })
    this.#poolChanged(node)
  }

  #finalized(node: Node, held: readonly Held[], certificate: Certificate): void {
    const blocks = held.map(({ proposal }) => proposal)
    for (const block of blocks) this.#deliverBlock(node, block)
    const top = blocks.at(-1)
    if (top !== undefined)
      node.disk.final = { view: top.view, height: top.height, digest: top.digest, timeMs: top.timeMs, certificate }
    const { life } = node
    this.#at(this.now, () => node.life === life && this.#poolChanged(node))
  }

  #deliverBlock(node: Node, block: Proposal): void {
    node.disk.blocks.push(block)
    for (const command of block.body as readonly string[]) node.pool.delete(command)
    this.observed.final.push({ node: node.index, height: block.height, digest: block.digest, view: block.view })
  }

  #block(
    at: { view: number; parentView: number; parent: string; height: number; timeMs: number },
    body: readonly string[]
  ): Proposal {
    const { view, parentView, parent, height } = at
    const timeMs = Math.max(at.timeMs, this.now)
    const digest = Buffer.from(
      sha256(Buffer.from(JSON.stringify([view, parentView, parent, height, timeMs, body])))
    ).toString('hex')
    return { epoch: 0, view, height, parentView, parent, digest, timeMs, commands: body.length, body }
  }

  #sign(signer: number, bytes: Uint8Array): Uint8Array {
    return sha256(Uint8Array.of(signer), bytes)
  }

  #send(node: Node, to: number | 'all', message: Message): void {
    if (message.type === 'votes') this.observed.votes.push(...message.votes)
    if (message.type === 'propose' && message.signature.length === 0) throw new Error('an unsigned block left')
    const targets = to === 'all' ? this.nodes.filter(({ index }) => index !== node.index) : [this.nodes[to]]
    const { view, final } = node.state
    for (const target of targets) {
      if (target === undefined) continue
      this.observed.messages.push({ at: this.now, type: message.type })
      this.#deliver(node.index, target.index, () => this.#receive(node.index, target, message, view, final.view))
    }
  }

  #receive(from: number, node: Node, message: Message, view: number, final: number): void {
    const time = { nowMs: this.now, wallMs: this.now }
    switch (message.type) {
      case 'votes':
        return this.feed(node, { type: 'votes', from, votes: message.votes, view, final, nowMs: this.now })
      case 'propose':
        for (const command of message.proposal.body as readonly string[]) this.#pool(node, command)
        return this.feed(node, {
          type: 'propose',
          from,
          proposal: message.proposal,
          signature: message.signature,
          ...time
        })
      case 'certificate':
        return this.feed(node, { type: 'certificate', from, certificate: message.certificate, ...time })
      case 'request':
        return this.feed(node, { type: 'request', from, view: message.view, want: message.want })
      case 'status':
        return this.feed(node, { type: 'status', from, view, final, nowMs: this.now })
    }
  }

  #deliver(from: number, to: number, run: () => void, reliable = false): void {
    const life = this.nodes[to]?.life
    if (!reliable && this.#random() < this.faults.loss) return
    if (this.cut.has(`${from}>${to}`)) return
    const [low, high] = this.faults.delayMs
    const link = `${from}>${to}`
    const at = Math.max(this.#arrivals.get(link) ?? 0, this.now + low + (high - low) * this.#random())
    this.#arrivals.set(link, at)
    this.#at(at, () => this.nodes[to]?.life === life && run())
  }

  #at(atMs: number, run: () => void): void {
    const task = { atMs, order: this.#order++, run }
    let low = 0
    let high = this.#queue.length
    while (low < high) {
      const middle = (low + high) >> 1
      const other = this.#queue[middle]
      if (other !== undefined && (other.atMs < atMs || (other.atMs === atMs && other.order < task.order)))
        low = middle + 1
      else high = middle
    }
    this.#queue.splice(low, 0, task)
  }

  /** Runs until virtual time `untilMs`, or until `done`. True if `done` came true. */
  run(untilMs: number, done: () => boolean = () => false): boolean {
    while (!done()) {
      const task = this.#queue.shift()
      if (task === undefined || task.atMs > untilMs) {
        if (task !== undefined) this.#queue.unshift(task)
        this.now = Math.max(this.now, untilMs)
        return done()
      }
      this.now = task.atMs
      task.run()
    }
    return true
  }

  get quiet(): boolean {
    return this.#queue.length === 0
  }
}
