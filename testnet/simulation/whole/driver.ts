import type { PipeSettings } from '@brume/testkit'
import type { Scene, WholePeer } from './peer.ts'
import type { WholeFaultEvent } from './plan.ts'

/** An operator looks after a member that gave up. */
const HALTED_MS = 1_000

/** Makes a plan happen; after `stop` nothing more goes wrong, and what was is undone. */
export class WholeDriver {
  readonly #scene: Scene
  readonly #peers: readonly WholePeer[]
  #isStopped = false

  constructor(scene: Scene, peers: readonly WholePeer[]) {
    this.#scene = scene
    this.#peers = peers
    for (const event of scene.options.events) {
      scene.clock.at(event.atMs * 1_000, () => {
        if (!this.#isStopped) this.#apply(event)
      })
    }
    this.#everyWay({ loss: scene.options.loss, duplication: scene.options.duplication })
    this.#watchHalted()
  }

  stop(): void {
    this.#isStopped = true
    const { net, clock, options } = this.#scene
    this.#everyWay({ loss: 0, duplication: 0, delayMs: Math.min(options.delayMs, options.deltaMs / 4), jitterMs: 1 })
    net.heal()
    for (const peer of this.#peers) {
      peer.medium.isFull = false
      peer.medium.failNext = false
      peer.deafness.end()
      peer.single()
      if (peer.mayHalt) peer.kill(0)
    }
    // What a wall clock says is the operator's to mend, and nothing here waits for one that is 4 s off.
    clock.after(0, () => {
      for (const peer of this.#peers) peer.start()
    })
  }

  #apply(event: WholeFaultEvent): void {
    const { log, clock, net } = this.#scene
    log.add(255, 'fault', JSON.stringify(event))
    switch (event.type) {
      case 'storm':
        return this.#peers.slice(0, event.downMs.length).forEach((peer, i) => {
          this.#down(peer, 0, event.downMs[i] ?? 0)
        })
      case 'split':
        return this.#split(event.side, event.forMs)
      case 'one-way': {
        const [from, to] = [this.#name(event.from), this.#name(event.to)]
        net.clog(from, to)
        return void clock.after(event.forMs, () => net.clog(from, to, false))
      }
      case 'ring':
        return this.#ring(event.order, event.forMs)
      case 'sever':
        return event.a === event.b ? undefined : net.sever(this.#name(event.a), this.#name(event.b))
      default:
        return this.#applyTo(this.#peers[event.process] as WholePeer, event)
    }
  }

  #applyTo(peer: WholePeer, event: Extract<WholeFaultEvent, { readonly process: number }>): void {
    const { clock } = this.#scene
    switch (event.type) {
      case 'kill':
        return this.#down(peer, event.kept, event.downMs)
      case 'power':
        if (!peer.isAlive) return
        this.#down(peer, 0, event.downMs)
        peer.store.cutPower((most) => Math.floor(most / 2))
        if (event.torn) peer.medium.verdict = 'torn'
        return
      case 'wipe':
      case 'damage':
        this.#down(peer, 0, event.downMs)
        peer.medium.records.length = 0
        peer.medium.verdict = event.type === 'wipe' ? 'lost' : 'damaged'
        if (event.type === 'wipe') peer.store.wipe()
        return
      case 'lying-sync':
        return this.#lieAboutSyncs(peer, event.forMs, event.downMs)
      case 'twin':
        return peer.double(event.copy)
      case 'stall':
        return peer.stall(event.forMs)
      case 'deaf':
        peer.deafness.begin(event.kinds)
        return void clock.after(event.forMs, () => peer.deafness.end())
      case 'isolate':
        return this.#split([event.process], event.forMs)
      case 'slow':
        return this.#slow(event.process, event.delayMs, event.forMs)
      case 'full':
        peer.medium.isFull = true
        return void clock.after(event.forMs, () => {
          peer.medium.isFull = false
        })
      case 'sync-fails':
        peer.mayHalt = peer.isAlive
        peer.medium.failNext = peer.isAlive
        return
      case 'jump':
        return peer.jump(event.byMs)
    }
  }

  /** What it confirmed meanwhile is gone, and the journal looks as sound as before. */
  #lieAboutSyncs(peer: WholePeer, forMs: number, downMs: number): void {
    const { medium } = peer
    const last = medium.records.at(-1)?.sequence ?? 0
    this.#scene.clock.after(forMs, () => {
      if (this.#isStopped || !peer.isAlive) return
      this.#down(peer, 0, downMs)
      medium.records.splice(0, Number.POSITIVE_INFINITY, ...medium.records.filter(({ sequence }) => sequence <= last))
      // Its blocks lie on the same disk: with them it would be above most of what it forgot.
      peer.store.cutPower(() => 0)
      peer.forget()
    })
  }

  #ring(order: readonly number[], forMs: number): void {
    const { net, clock } = this.#scene
    const apart = order.flatMap((from, i) =>
      order.filter((_, j) => Math.abs(i - j) > 1 && Math.abs(i - j) < order.length - 1).map((to) => [from, to] as const)
    )
    for (const [from, to] of apart) net.clog(this.#name(from), this.#name(to))
    clock.after(forMs, () => {
      for (const [from, to] of apart) net.clog(this.#name(from), this.#name(to), false)
    })
  }

  #down(peer: WholePeer, kept: number, downMs: number): void {
    if (!peer.isAlive) return
    peer.medium.failNext = false
    peer.kill(kept)
    // A verdict is told once: the next open finds a journal that was mended.
    peer.medium.verdict = 'clean'
    this.#scene.clock.after(downMs, () => {
      if (!this.#isStopped) peer.start()
    })
  }

  #watchHalted(): void {
    this.#scene.clock.after(HALTED_MS, () => {
      if (this.#isStopped) return
      for (const peer of this.#peers) {
        // One that another process has the key of stays down until that one is found.
        if (peer.twin === null && peer.life?.group.status().state === 'halted') this.#down(peer, 0, HALTED_MS)
      }
      this.#watchHalted()
    })
  }

  /** Members of one side reach the others no more; clients and the candidate stay with the rest. */
  #split(side: readonly number[], forMs: number): void {
    const { net, people, clock } = this.#scene
    const names = people.map(({ identity }) => identity.peerId)
    const apart = side.map((process) => this.#name(process))
    net.partition([apart, names.filter((name) => !apart.includes(name))])
    clock.after(forMs, () => {
      if (!this.#isStopped) net.heal()
    })
  }

  #slow(process: number, delayMs: number, forMs: number): void {
    const { options, clock } = this.#scene
    this.#waysOf(process, { delayMs })
    clock.after(forMs, () => this.#waysOf(process, { delayMs: options.delayMs }))
  }

  #waysOf(process: number, settings: Partial<PipeSettings>): void {
    const { net, people } = this.#scene
    const self = this.#name(process)
    for (const { identity } of people) {
      if (identity.peerId === self) continue
      net.set(self, identity.peerId, settings)
      net.set(identity.peerId, self, settings)
    }
  }

  #everyWay(settings: Partial<PipeSettings>): void {
    for (const i of this.#scene.people.keys()) this.#waysOf(i, settings)
  }

  #name(process: number): string {
    return this.#scene.people[process]?.identity.peerId ?? ''
  }
}
