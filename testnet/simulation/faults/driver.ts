import type { SimGroup } from '../runs/group.ts'
import type { JournalPoint } from '../world/sim-journal.ts'
import type { FaultEvent } from './plan.ts'

interface Armed {
  readonly point: JournalPoint | 'after-send'
  left: number
  readonly downMs: number
}

const MS = 1_000
/** An operator looks after a member that gave up. */
const HALTED_MS = 2_000

/** Makes a plan happen. After `stop` nothing more goes wrong, and what was is undone. */
export class FaultDriver {
  readonly #group: SimGroup
  readonly #armed = new Map<number, Armed>()
  /** Processes that stay down. */
  readonly #silenced = new Set<number>()
  #stopped = false

  constructor(group: SimGroup, events: readonly FaultEvent[]) {
    this.#group = group
    for (const event of events) {
      group.world.at(event.atMs * MS, () => {
        if (!this.#stopped) this.#apply(event)
      })
    }
    group.onPoint = (process, point) => this.#atPoint(process, point)
    group.onHalted = (process) => group.world.after(HALTED_MS * MS, () => this.#revive(process))
    const { overBudget } = group.options
    if (overBudget === null) return
    group.world.at(overBudget.fromMs * MS, () => this.#silence(overBudget.members))
    group.world.at(overBudget.toMs * MS, () => this.#unsilence())
  }

  stop(): void {
    const { network, nodes } = this.#group
    this.#stopped = true
    this.#armed.clear()
    this.#unsilence()
    network.settings.loss = 0
    network.settings.duplication = 0
    network.settings.lossy = false
    this.#calmNetwork()
    network.slowUs.fill(0)
    for (const node of nodes) {
      node.journal.mend()
      node.options.clock.settle()
      if (node.isAlive) node.goOn()
      if (node.life === 'halted') this.#group.crash(node.options.process)
      if (!node.isAlive) this.#group.restart(node.options.process)
    }
    network.heal()
  }

  /** As fast as Delta believes it to be: deadlines are judged by how they hold where they can. */
  #calmNetwork(): void {
    const { settings } = this.#group.network
    const { deltaMs } = this.#group.options
    const mostUs = (deltaMs * MS) / 4
    const { delayUs } = settings
    settings.jitterUs = Math.min(settings.jitterUs, (deltaMs * MS) / 20)
    settings.delayUs = (from, to) => Math.min(mostUs, delayUs(from, to))
    this.#group.calmDisks(mostUs / 2)
  }

  #apply(event: FaultEvent): void {
    const { nodes, network, world } = this.#group
    if (event.type === 'storm') {
      for (const [process, downMs] of event.downMs.entries()) this.#crash(process, downMs)
      return
    }
    if (event.type === 'cut') return this.#cut(event.ways, event.forMs)
    if (event.type === 'reset') return event.a === event.b ? undefined : network.reset(event.a, event.b)
    if (event.type === 'remask') return this.#group.mask(event.member, event.side)
    const node = nodes[event.process]
    if (node === undefined) return
    this.#group.note(3, event.type, event)
    switch (event.type) {
      case 'crash':
        return this.#crash(event.process, event.downMs)
      case 'crash-at':
        this.#armed.set(event.process, { point: event.point, left: event.nth, downMs: event.downMs })
        return
      case 'wipe':
        this.#crash(event.process, event.downMs)
        node.wipe()
        return
      case 'flip':
        this.#crash(event.process, event.downMs)
        node.journal.flip()
        return
      case 'stall':
        return node.stall(event.forMs * MS)
      case 'jump':
        return node.options.clock.jump(event.byMs)
      case 'slow':
        network.slowUs[event.process] = event.byMs * MS
        return world.after(event.forMs * MS, () => {
          network.slowUs[event.process] = 0
        })
      case 'sync-fails':
        return node.journal.failNext()
      case 'disk-full':
        node.journal.setFull(true)
        return world.after(event.forMs * MS, () => node.journal.setFull(false))
    }
  }

  #crash(process: number, downMs: number): void {
    const { world } = this.#group
    if (this.#group.nodes[process]?.isAlive !== true) return
    this.#group.crash(process)
    world.after(downMs * MS, () => {
      if (!this.#silenced.has(process)) this.#group.restart(process)
    })
  }

  /** A member that gave up is started again by its operator. */
  #revive(process: number): void {
    if (this.#group.nodes[process]?.life === 'halted') this.#crash(process, 10)
  }

  #cut(ways: readonly (readonly [number, number])[], forMs: number): void {
    const { network, world } = this.#group
    for (const [from, to] of ways) network.block(from, to, true)
    world.after(forMs * MS, () => {
      if (!this.#stopped) for (const [from, to] of ways) network.block(from, to, false)
    })
  }

  #atPoint(process: number, point: JournalPoint | 'after-send'): void {
    const armed = this.#armed.get(process)
    if (armed?.point !== point) return
    armed.left -= 1
    if (armed.left > 0) return
    this.#armed.delete(process)
    this.#crash(process, armed.downMs)
  }

  #silence(members: readonly number[]): void {
    for (const member of members) {
      this.#silenced.add(member)
      this.#group.crash(member)
    }
  }

  #unsilence(): void {
    for (const member of this.#silenced) this.#group.restart(member)
    this.#silenced.clear()
  }
}
