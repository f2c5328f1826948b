import {
  createShipping,
  type Placement,
  type PlacementReply,
  type Shipping,
  type ShippingRules,
  type StandbyFrame,
  type StandbyInput,
  type StandbyOutput
} from '@brume/runtime/standby'
import type { SimClock } from '@brume/testkit'
import { Actor, type Disk, type History } from './actor.ts'
import type { PlacementGroup } from './group.ts'

export const ADDRESS = 'brume://group/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/x'
const AUTHORITY = ADDRESS.slice('brume://'.length, ADDRESS.lastIndexOf('/'))
const TICK_MS = 250
/** Before a client asks again. */
const EVENT_TTL_MS = 500

/** What a mutant may have replaced. */
export interface ProcessRules {
  readonly shipping: ShippingRules
  /** Does the clock that everything is judged by count the time in which the machine sleeps? */
  readonly countsSleep: boolean
}

export interface ProcessOptions {
  readonly peer: string
  readonly index: number
  readonly clock: SimClock
  readonly disk: Disk
  readonly group: PlacementGroup
  readonly rules: ProcessRules
  /** What its clock shows. */
  readonly skewed: (ms: number) => number
  readonly syncMs: () => number
  readonly send: (to: string, frame: StandbyFrame) => void
  readonly output: (number: number, event: number) => void
  readonly leads: () => void
}

/** One peer with a copy, from its start to its death: the reducer, a disk, and an actor while it holds it. */
export class Process {
  readonly #options: ProcessOptions
  readonly #shipping: Shipping
  actor: Actor | null = null
  #isDead = false
  /** What waits for a process that is stopped; null: it runs. */
  #waiting: (() => void)[] | null = null
  #sleptMs = 0
  #stoppedMs = 0
  #writeEndsMs = 0

  constructor(options: ProcessOptions) {
    this.#options = options
    this.#shipping = createShipping(options.peer, this.#nowMs, options.rules.shipping)
  }

  get runs(): boolean {
    return !this.#isDead && this.#waiting === null
  }

  get history(): History | null {
    return this.actor?.history ?? null
  }

  start(): void {
    const { mark } = this.#options.disk
    if (mark !== null) this.#feed({ type: 'found', address: ADDRESS, position: mark })
    this.#feed({ type: 'started', authorities: [AUTHORITY] })
    this.#tick()
  }

  place(copies: readonly string[]): void {
    this.#feed({ type: 'place', address: ADDRESS, kind: 'x', copies, minInSync: 1 })
  }

  hand(): void {
    this.#alive(() => this.#feed({ type: 'hand', address: ADDRESS, to: null, stays: true }))
  }

  receive(from: string, frame: StandbyFrame): void {
    this.#alive(() => this.#feed({ type: 'frame', from, frame }))
  }

  linked(peer: string): void {
    this.#alive(() => this.#feed({ type: 'linked', peer }))
  }

  /** From a client, which asks again elsewhere where nothing is told. */
  submit(event: number, told: (number: number) => void): void {
    const { clock } = this.#options
    const expiresMs = clock.now() + EVENT_TTL_MS
    this.#alive(() => {
      if (clock.now() <= expiresMs && this.#shipping.takes(ADDRESS, this.#nowMs)) this.actor?.take(event, told)
    })
  }

  /** A `final` read, by someone on this very machine. */
  read(told: (found: number) => void): void {
    if (this.#isDead) return
    this.actor?.read((found) => {
      if (!this.#isDead && this.#shipping.mayRead(ADDRESS, this.#nowMs)) told(found)
    })
  }

  stop(sleeps: boolean): void {
    if (this.#waiting !== null || this.#isDead) return
    this.#waiting = []
    this.#stoppedMs = sleeps ? this.#options.clock.now() : Number.NaN
  }

  /** @param first - what comes before all that waited */
  goOn(first: () => void): void {
    const waiting = this.#waiting
    if (waiting === null || this.#isDead) return
    this.#waiting = null
    if (!Number.isNaN(this.#stoppedMs)) this.#sleptMs += this.#options.clock.now() - this.#stoppedMs
    first()
    for (const run of waiting) this.#alive(run)
  }

  kill(): void {
    this.#isDead = true
    this.actor = null
  }

  get #nowMs(): number {
    const { clock, skewed, rules } = this.#options
    return skewed(clock.now() - (rules.countsSleep ? 0 : this.#sleptMs))
  }

  #alive(run: () => void): void {
    if (this.#isDead) return
    if (this.#waiting === null) run()
    else this.#waiting.push(run)
  }

  #after(ms: number, run: () => void): void {
    this.#options.clock.after(ms, () => this.#alive(run))
  }

  #tick(): void {
    this.#after(TICK_MS, () => {
      this.#feed({ type: 'tick' })
      this.#tick()
    })
  }

  #feed(input: StandbyInput): void {
    for (const output of this.#shipping.on(input, this.#nowMs)) this.#do(output)
  }

  #do(output: StandbyOutput): void {
    const { peer, group, disk, send } = this.#options
    switch (output.type) {
      case 'send':
        return send(output.to, output.frame)
      case 'order':
        return group.order(peer, output.event, (reply) => this.#alive(() => this.#answered(output.order, reply)))
      case 'look':
        return group.look(peer, (placement) => this.#alive(() => this.#told(output.look, placement)))
      case 'write':
        return this.#write(output)
      case 'read':
        return this.#afterWrites(() => {
          if (disk.mark !== null) this.#feed({ type: 'base', address: ADDRESS, position: disk.mark, base: disk.all() })
        })
      case 'lead':
        return this.#lead()
      case 'cease':
        this.actor = null
        return
      case 'release':
        return this.actor?.release(output.batches)
      case 'discard':
        return this.#afterWrites(() => disk.wipe())
      case 'refused':
        return
    }
  }

  #answered(order: number, reply: PlacementReply | null): void {
    this.#feed({ type: 'answered', address: ADDRESS, order, reply })
  }

  #told(look: number, placement: Placement | null | undefined): void {
    const found = placement === null ? [] : placement && [[ADDRESS, placement] as const]
    this.#feed({ type: 'told', authority: AUTHORITY, look, placements: found === undefined ? null : new Map(found) })
  }

  #write({ write, change }: StandbyOutput & { readonly type: 'write' }): void {
    this.#afterWrites(() => {
      this.#options.disk.write(change.kind, change.batch, change.position)
      this.#feed({ type: 'written', address: ADDRESS, write })
    }, this.#options.syncMs())
  }

  /** In order, and while the process lives: what the disk has not begun is lost with it. */
  #afterWrites(run: () => void, ms = 0): void {
    const { clock } = this.#options
    this.#writeEndsMs = Math.max(this.#writeEndsMs, clock.now()) + ms
    this.#after(this.#writeEndsMs - clock.now(), run)
  }

  /** With what is on the disk, and no more. */
  #lead(): void {
    const { disk, output, leads } = this.#options
    const actor: Actor = new Actor(
      disk.read(),
      (batch) => {
        if (this.actor === actor) this.#feed({ type: 'batch', address: ADDRESS, batch })
      },
      (number, event) => {
        if (!this.#isDead) output(number, event)
      }
    )
    this.actor = actor
    leads()
    actor.begin()
  }
}
