import { createHash } from 'node:crypto'
import type { PlacementRules, StandbyFrame } from '@brume/runtime/standby'
import { SimClock } from '@brume/testkit'
import { type Streams, streamsOf } from '../../world/streams.ts'
import { Disk } from './actor.ts'
import { Checker, type Violation } from './checker.ts'
import { PlacementGroup } from './group.ts'
import { CALM_MS, drawPlan, type Fault, type Plan, PROCESSES, RUN_MS, type Target, type What } from './plan.ts'
import { Process, type ProcessRules } from './process.ts'

/** What mutants replace. */
export interface Rules extends ProcessRules {
  readonly placement: PlacementRules
}

export interface RunResult {
  readonly violation: Violation | null
  readonly events: number
  readonly takeovers: number
  readonly reads: number
  /** Of everything that was told: equal for equal runs. */
  readonly hash: string
}

const PEERS = Array.from({ length: PROCESSES }, (_, index) => `peer-${index}`)
/** A client asks again after this. */
const AGAIN_MS = 700
/** Outputs may be under way for so long: they come when others hold the actor. */
const OUTPUT_MS_MAX = 4_000

export function runStandby(seed: Uint8Array, rules: Rules): RunResult {
  return new Run(streamsOf(seed), rules).result()
}

class Run {
  readonly #clock = new SimClock()
  readonly #checker = new Checker()
  readonly #hash = createHash('sha256')
  readonly #streams: Streams
  readonly #plan: Plan
  readonly #rules: Rules
  readonly #group: PlacementGroup
  readonly #disks = PEERS.map(() => new Disk())
  readonly #processes: (Process | null)[] = PEERS.map(() => null)
  readonly #syncMs: number[]
  /** Pairs that do not reach each other, `a b` with a < b, and how many reasons there are. */
  readonly #cuts = new Map<string, number>()
  /** When the last frame of a direction arrives: streams keep their order. */
  readonly #arrives = new Map<string, number>()
  #events = 0
  #leads = 0
  #reads = 0
  /** The holder that a fault struck last. */
  #struck = 0

  constructor(streams: Streams, rules: Rules) {
    this.#streams = streams
    this.#rules = rules
    this.#plan = drawPlan(streams)
    this.#syncMs = PEERS.map(() => this.#plan.syncMs)
    this.#group = new PlacementGroup(this.#clock, streams.schedule, this.#plan, rules.placement)
  }

  result(): RunResult {
    for (const index of PEERS.keys()) this.#start(index)
    this.#processes[0]?.place(PEERS)
    for (const fault of this.#plan.faults) this.#clock.at(fault.atMs * 1_000, () => this.#fault(fault))
    this.#every(this.#plan.eventEveryMs, () => this.#event())
    this.#every(this.#plan.readEveryMs, () => this.#read(this.#streams.workload.below(PROCESSES)))
    this.#clock.run(RUN_MS)
    this.#clock.run(CALM_MS / 2)
    const probe = this.#event()
    this.#clock.run(CALM_MS / 2)
    const held = this.#processes.map((process) => process?.history ?? null).filter((history) => history !== null)
    this.#checker.judge(held, probe)
    const { violation } = this.#checker
    const takeovers = Math.max(0, this.#leads - 1)
    return { violation, events: this.#events, takeovers, reads: this.#reads, hash: this.#hash.digest('hex') }
  }

  #every(ms: number, run: () => void): void {
    for (let atMs = ms; atMs < RUN_MS; atMs += ms) this.#clock.at(atMs * 1_000, run)
  }

  #note(...parts: readonly (string | number)[]): void {
    this.#hash.update(`${this.#clock.nowUs} ${parts.join(' ')}\n`)
  }

  #start(index: number): void {
    const [peer, disk, clock] = [PEERS[index], this.#disks[index], this.#plan.clocks[index]]
    if (peer === undefined || disk === undefined || clock === undefined) return
    const process = new Process({
      ...{ peer, index, disk, clock: this.#clock, group: this.#group, rules: this.#rules },
      skewed: (ms) => clock.offsetMs + ms * (1 + clock.ppm / 1_000_000),
      syncMs: () => (this.#syncMs[index] ?? 0) * (0.5 + this.#streams.disk.float()),
      send: (to, frame) => this.#send(index, PEERS.indexOf(to), frame),
      output: (number, event) => this.#output(index, number, event),
      leads: () => {
        this.#leads += 1
        this.#note('leads', index)
        this.#checker.leads(index, this.#clock.now())
      }
    })
    this.#processes[index] = process
    process.start()
    for (const other of PEERS.keys()) if (other !== index) this.#link(index, other)
  }

  #send(from: number, to: number, frame: StandbyFrame): void {
    const way = `${from}>${to}`
    if (this.#isCut(from, to) || this.#processes[to] === null) return
    const ms = this.#plan.delayMs * (0.5 + this.#streams.net.float())
    const atMs = Math.max(this.#clock.now() + ms, this.#arrives.get(way) ?? 0)
    this.#arrives.set(way, atMs)
    const process = this.#processes[to]
    this.#clock.at(Math.ceil(atMs * 1_000), () => {
      if (!this.#isCut(from, to) && this.#processes[to] === process) process?.receive(PEERS[from] ?? '', frame)
    })
  }

  #isCut(a: number, b: number): boolean {
    return (this.#cuts.get(wayOf(a, b)) ?? 0) > 0
  }

  #link(a: number, b: number): void {
    if (this.#isCut(a, b)) return
    this.#processes[a]?.linked(PEERS[b] ?? '')
    this.#processes[b]?.linked(PEERS[a] ?? '')
  }

  #output(from: number, number: number, event: number): void {
    this.#clock.after(this.#streams.net.below(OUTPUT_MS_MAX), () => {
      this.#note('output', number, event)
      this.#checker.output(number, event, from)
    })
  }

  /** Sent to all in turn until someone tells of it. */
  #event(): number {
    this.#events += 1
    const event = this.#events
    let next = this.#streams.workload.below(PROCESSES)
    const attempt = (): void => {
      if (this.#checker.isAcked(event)) return
      next = (next + 1) % PROCESSES
      this.#processes[next]?.submit(event, (number) => {
        this.#note('told', event, number)
        this.#checker.told(event, number)
      })
      this.#clock.after(AGAIN_MS / PROCESSES, attempt)
    }
    attempt()
    return event
  }

  #read(index: number): void {
    const process = this.#processes[index]
    if (process?.runs) this.#readOf(index, process)
  }

  #readOf(index: number, process: Process): void {
    const atLeast = this.#checker.highestAcked
    process.read((found) => {
      this.#reads += 1
      this.#note('read', index, found)
      this.#checker.read(found, atLeast, index)
    })
  }

  #indexOf(target: Target): number {
    if (target === 'last') return this.#struck
    if (target !== 'holder') return target
    const holder = PEERS.indexOf(this.#group.placement?.holder ?? '')
    return holder === -1 ? 0 : holder
  }

  #fault({ target, what, atMs }: Fault): void {
    const index = this.#indexOf(target)
    this.#note('fault', index, what.kind)
    if (target === 'holder') this.#struck = index
    this.#strike(index, what)
    const { mustTakeWithinMs: ms } = this.#plan
    if (ms !== null) this.#clock.after(ms, () => this.#checker.tookOver(index, atMs, ms))
  }

  #strike(index: number, what: What): void {
    const process = this.#processes[index]
    switch (what.kind) {
      case 'pause':
        process?.stop(what.sleeps)
        return this.#until(what.forMs, () => process?.goOn(() => what.readsFirst && this.#readOf(index, process)))
      case 'kill':
        process?.kill()
        this.#processes[index] = null
        if (what.wipes) this.#disks[index]?.wipe()
        return this.#until(what.forMs, () => this.#processes[index] === null && this.#start(index))
      case 'cut':
        return this.#cutOff(index, what)
      case 'slow':
        this.#syncMs[index] = what.syncMs
        return this.#until(what.forMs, () => {
          this.#syncMs[index] = this.#plan.syncMs
        })
      case 'hand':
        return process?.hand()
    }
  }

  #cutOff(index: number, { from, group, forMs }: What & { readonly kind: 'cut' }): void {
    const others = [...PEERS.keys()].filter((other) => other !== index && (from === 'all' || from === other))
    const add = (by: number): void => {
      for (const other of others) this.#cuts.set(wayOf(index, other), (this.#cuts.get(wayOf(index, other)) ?? 0) + by)
    }
    add(1)
    if (group) this.#group.cut.add(PEERS[index] ?? '')
    this.#until(forMs, () => {
      add(-1)
      this.#group.cut.delete(PEERS[index] ?? '')
      for (const other of others) this.#link(index, other)
    })
  }

  /** At the latest when calm begins. */
  #until(forMs: number, run: () => void): void {
    this.#clock.at(Math.min(this.#clock.now() + forMs, RUN_MS) * 1_000, run)
  }
}

const wayOf = (a: number, b: number): string => (a < b ? `${a} ${b}` : `${b} ${a}`)
