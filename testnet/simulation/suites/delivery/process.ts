import { type CborValue, decode, toHex } from '@brume/codec'
import type { Log, Net } from '@brume/ports'
import { createDelivery, type Delivery, type Host, type LinkRules } from '@brume/runtime/delivery'
import type { Down, Inbound, Inbox, Snapshot } from '@brume/runtime/kernel'
import { NodeClock, type SimClock, type SimRandom } from '@brume/testkit'
import type { Checker } from './checker.ts'
import type { Change, Disk, Kept } from './disk.ts'
import { type Plan, REFUSED_EVERY } from './plan.ts'

const silent: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }

const EVENT_LIMITS = { bytesMax: 65_536 }
const EPOCH = 2 ** 21

interface Mail {
  readonly id: number
  readonly message: Inbound
  readonly inbox: Inbox
  readonly expiresMs: number
}

interface Actor {
  readonly path: string
  /** Undefined: it lives in memory. */
  readonly kept: Kept | undefined
  incarnation: number
  readonly mailbox: Mail[]
  /** Highest seq in the mailbox or processed, by sender. */
  readonly queued: Map<string, number>
  readonly keys: Set<string>
  isBusy: boolean
}

export interface ProcessOptions {
  readonly index: number
  readonly peer: string
  readonly clock: SimClock
  readonly net: Net
  readonly random: SimRandom
  readonly disk: Disk
  readonly plan: Plan
  readonly checker: Checker
  readonly rules: LinkRules
  readonly speaksFor: (peer: string, authority: string) => boolean
}

/**
 * One process in place of a kernel: actors with small mailboxes, of which those on disk commit in batches as actors.md 4
 * demands, and the real delivery. Nothing in it is asynchronous.
 */
export class Process implements Host {
  readonly peer: string
  readonly delivery: Delivery
  readonly clock: NodeClock
  readonly boot: number
  readonly #options: ProcessOptions
  readonly #actors = new Map<string, Actor>()
  #changes: (() => void)[] = []
  #outputs: (() => void)[] = []
  #isSyncing = false
  #isDead = false
  #rebirths = 0

  constructor(options: ProcessOptions) {
    const { peer, clock, net, random, disk, rules, speaksFor } = options
    this.#options = options
    this.peer = peer
    this.clock = new NodeClock(clock)
    disk.boots += 1
    this.boot = disk.boots
    for (const path of ['v0', 'v1']) this.#actors.set(path, this.#actor(path, undefined))
    for (const path of ['d0', 'd1']) this.#actors.set(path, this.#actor(path, disk.copy(path)))
    this.delivery = createDelivery({ net, clock: this.clock, random, log: silent, rules, speaksFor })
    this.delivery.start(this)
  }

  /** `kill -9`. */
  die(): void {
    this.#isDead = true
    this.clock.stop()
    this.#changes = []
    this.#outputs = []
  }

  actor(path: string): Actor {
    const actor = this.#actors.get(path)
    if (actor === undefined) throw new RangeError(`no actor ${path}`)
    return actor
  }

  /** The actor starts afresh; what it was to do is lost, in its watchers' eyes too. */
  rebirth(path: string): void {
    this.#rebirths += 1
    this.actor(path).incarnation = this.boot * EPOCH + this.#rebirths
  }

  /** Memory now, disk with the next batch. `isThere`: called then. */
  change(path: string, change: Change, isThere: () => void = () => undefined): void {
    const { kept } = this.actor(path)
    if (kept !== undefined) change(kept)
    this.#changes.push(() => {
      change(this.#options.disk.of(path))
      isThere()
    })
    this.#sync()
  }

  /** Once all that was changed so far is on disk. */
  release(run: () => void): void {
    this.#outputs.push(run)
    this.#sync()
  }

  receive(message: Inbound, inbox: Inbox): void {
    if (this.#isDead) return
    const path = message.to.slice(message.to.lastIndexOf('/') + 1)
    const actor = this.#actors.get(path)
    const { n } = decode(message.event, EVENT_LIMITS) as { readonly n: number }
    if (actor === undefined) return inbox.refused('noactor', 0)
    const key = message.key === null ? undefined : toHex(message.key)
    if (this.#isKnown(actor, message)) return this.release(() => inbox.committed())
    if (key !== undefined && actor.kept?.replies.has(key)) return this.#repeat(actor, key, inbox)
    if (key !== undefined && actor.keys.has(key)) return inbox.refused('full', 50)
    if (n % REFUSED_EVERY === 0) return inbox.refused('invalid', 0)
    if (actor.mailbox.length >= this.#options.plan.mailboxMax) return inbox.refused('full', 50)
    this.#put(actor, { id: n, message, inbox, expiresMs: this.clock.now() + message.ttlMs }, key)
  }

  watch(target: string, _down: (down: Down) => void): () => void {
    this.actor(target.slice(target.lastIndexOf('/') + 1))
    return () => undefined
  }

  /** Settled at once: a promise would take the run out of virtual time. */
  snapshot(target: string): Promise<Snapshot> {
    const { incarnation } = this.actor(target.slice(target.lastIndexOf('/') + 1))
    const snapshot = {
      address: target,
      incarnation,
      seq: 0,
      cell: 'active',
      status: 'active',
      value: null,
      context: null,
      tags: []
    }
    // biome-ignore lint/suspicious/noThenProperty: that it is thenable, and at once, is what it is for
    return { then: (told: (found: unknown) => void) => told(snapshot) } as unknown as Promise<Snapshot>
  }

  on(): () => void {
    return () => undefined
  }

  follow(): () => void {
    return () => undefined
  }

  history(): never {
    throw new RangeError('nothing is kept')
  }

  movedTo(): null {
    return null
  }

  adopts(): false {
    return false
  }

  async obey(): Promise<never> {
    throw new RangeError('nobody commands it')
  }

  #actor(path: string, kept: Kept | undefined): Actor {
    const incarnation = kept === undefined ? this.boot * EPOCH : 1
    return { path, kept, incarnation, mailbox: [], queued: new Map(), keys: new Set(), isBusy: false }
  }

  #isKnown({ kept, queued }: Actor, { durable, from }: Inbound): boolean {
    if (kept === undefined || durable === null) return false
    const sender = from.slice(0, from.indexOf('#'))
    return durable.seq <= Math.max(queued.get(sender) ?? 0, kept.watermarks.get(sender)?.seq ?? 0)
  }

  #repeat({ kept }: Actor, key: string, inbox: Inbox): void {
    const value = kept?.replies.get(key) ?? null
    this.release(() => {
      inbox.replied(value)
      inbox.committed()
    })
  }

  #put(actor: Actor, mail: Mail, key: string | undefined): void {
    const { durable, from } = mail.message
    if (durable !== null) actor.queued.set(from.slice(0, from.indexOf('#')), durable.seq)
    if (key !== undefined) actor.keys.add(key)
    actor.mailbox.push(mail)
    this.#work(actor)
  }

  #work(actor: Actor): void {
    if (actor.isBusy || actor.mailbox.length === 0) return
    actor.isBusy = true
    this.clock.after(1 + this.#options.random.below(this.#options.plan.stepMs), () => {
      actor.isBusy = false
      const mail = actor.mailbox.shift()
      if (mail !== undefined) this.#step(actor, mail)
      this.#work(actor)
    })
  }

  #step(actor: Actor, { id, message, inbox, expiresMs }: Mail): void {
    const { checker, index } = this.#options
    const key = message.key === null ? undefined : toHex(message.key)
    if (key !== undefined) actor.keys.delete(key)
    if (expiresMs <= this.clock.now()) return inbox.refused('expired', 0)
    const life = actor.kept === undefined ? `${index}/${actor.path}@${this.boot}` : `${index}/${actor.path}`
    checker.processed(id, life, this.#options.clock.now())
    if (actor.kept !== undefined) this.change(actor.path, takes(id, message, key), () => checker.committed(id))
    this.release(() => {
      if (message.ask) inbox.replied(id as CborValue & number)
      inbox.committed()
    })
  }

  /** One batch at a time; what comes meanwhile is the next one. */
  #sync(): void {
    if (this.#isSyncing || this.#isDead) return
    this.#isSyncing = true
    const [changes, outputs] = [this.#changes, this.#outputs]
    this.#changes = []
    this.#outputs = []
    this.clock.after(1 + this.#options.random.below(this.#options.plan.syncMs), () => {
      this.#isSyncing = false
      for (const change of changes) change()
      for (const output of outputs) output()
      if (this.#changes.length + this.#outputs.length > 0) this.#sync()
    })
  }
}

function takes(id: number, { durable, from }: Inbound, key: string | undefined): Change {
  return (kept) => {
    kept.log.push(id)
    if (key !== undefined) kept.replies.set(key, id)
    const hash = from.indexOf('#')
    const incarnation = Number(from.slice(hash + 1))
    if (durable !== null) kept.watermarks.set(from.slice(0, hash), { incarnation, seq: durable.seq })
  }
}
