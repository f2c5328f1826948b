import { FaultDriver } from '../faults/driver.ts'
import type { RunOptions } from '../faults/options.ts'
import type { Mutant } from '../mutants/mutant.ts'
import type { CoreNode } from '../node/core.ts'
import { POOL_MAX } from '../node/pool.ts'
import { type Violation, ViolationError } from '../oracle/oracle.ts'
import { play } from '../scenarios/plays.ts'
import type { TraceLine } from '../world/world.ts'
import { SimGroup } from './group.ts'
import { Workload } from './workload.ts'

/** What became of a run. */
export interface RunResult {
  readonly violation: Violation | null
  /** 32 bytes in hex: equal for equal runs. */
  readonly hash: string
  readonly virtualMs: number
  readonly events: number
  readonly height: number
  readonly commands: number
  /** How long the calm took to make everything final, and the most it may, ms. */
  readonly healedMs: number
  readonly boundMs: number
}

export interface RunInput {
  readonly seed: Uint8Array
  readonly options: RunOptions
  readonly mutant?: Mutant | undefined
  readonly trace?: ((line: TraceLine) => void) | undefined
  /** Ends the run here, without judging liveness. */
  readonly untilMs?: number | undefined
}

/** Everybody reachable has everything final by then. */
const CATCH_UP_MS = 60_000
/** After that nobody has work left. */
const QUIET_MS = 40_000
/** Of redialling, and of one chapter fetched after it. */
const RECONNECT_MS = 3_000
const ADVANCE_MAX_MS = 30_000
/** Views kept below the final one, votes ahead, and what certificates may add. */
const VIEWS_MAX = 64 + 8 + 512
const MEMORY_EVERY_US = 1_000_000
/** The longest period of resending is 2 s, give or take a tenth. */
const RESEND_MS = 2_300

/** Faults for a time, then calm; throws nothing: what went wrong is in the result. */
export function runSeed(input: RunInput): RunResult {
  const run = new SeedRun(input)
  const violation = run.judge(input.untilMs)
  return { ...run.result(), violation }
}

class SeedRun {
  readonly #group: SimGroup
  readonly #workload: Workload
  readonly #driver: FaultDriver
  readonly #safetyUs: number
  #healedMs = 0
  #boundMs = 0

  constructor({ seed, options, mutant, trace }: RunInput) {
    this.#group = new SimGroup({ seed, options, mutant, trace })
    this.#workload = new Workload(this.#group)
    this.#driver = new FaultDriver(this.#group, options.events)
    this.#safetyUs = options.safetyMs * 1_000
    this.#watchMemory()
    this.#watchBudget()
  }

  result() {
    const { world, oracle } = this.#group
    return {
      hash: Buffer.from(world.logHash()).toString('hex'),
      virtualMs: Math.round(world.nowUs / 1_000),
      events: world.events,
      height: oracle.top,
      commands: this.#workload.submitted.length,
      healedMs: this.#healedMs,
      boundMs: this.#boundMs
    }
  }

  judge(untilMs: number | undefined): Violation | null {
    const { world } = this.#group
    try {
      this.#group.start()
      const { scenario } = this.#group.options
      if (scenario !== null) {
        play(scenario, { group: this.#group, workload: this.#workload, settle: (ms) => this.#settle(ms) })
        return null
      }
      world.runUntil(Math.min(this.#safetyUs, (untilMs ?? Number.POSITIVE_INFINITY) * 1_000))
      if (untilMs !== undefined) {
        world.runUntil(untilMs * 1_000)
        return null
      }
      this.#mustHeal()
      this.#mustCatchUp()
      this.#mustFallSilent()
      return null
    } catch (error) {
      if (error instanceof ViolationError) return error.violation
      return {
        check: 'exception',
        atUs: world.nowUs,
        what: error instanceof Error ? (error.stack ?? error.message) : String(error)
      }
    }
  }

  #settle(withinMs: number): void {
    const { world, oracle, honest } = this.#group
    const startUs = world.nowUs
    this.#boundMs = withinMs
    const isDone = () =>
      this.#workload.pending === 0 && honest.every((node) => !node.isAlive || node.state.final.height >= oracle.worked)
    const ok = world.runWhile(() => !isDone(), startUs + withinMs * 1_000)
    this.#healedMs = Math.round((world.nowUs - startUs) / 1_000)
    if (!ok) oracle.fail('liveness', `not all is final within ${withinMs} ms: ${this.#describe(honest)}`)
  }

  /** The connected core makes everything that is pending final, within a bound. */
  #mustHeal(): void {
    const { world, network, options, oracle, nodes } = this.#group
    this.#driver.stop()
    const absent = new Set(options.absent)
    for (const a of absent)
      for (const b of nodes.keys()) {
        network.block(a, b, true)
        network.block(b, a, true)
      }
    const core = this.#group.honest.filter((node) => !absent.has(node.options.member) && node.life !== 'muted')
    const startUs = world.nowUs
    for (const client of [1, 2]) this.#workload.submit(client)
    const began = { nullified: Math.max(...core.map(({ state }) => state.nullified)), pending: this.#workload.pending }
    this.#boundMs = this.#bound(core, began)
    const before = oracle.top
    const isDone = () =>
      oracle.top > before &&
      this.#workload.pending === 0 &&
      core.every((node) => node.state.final.height >= oracle.worked)
    const runOn = () => world.runWhile(() => !isDone(), startUs + this.#boundMs * 1_000)
    // Links that were stuck are measured when they flow again: what runs then is the deadline of a longer Delta.
    if (!runOn()) this.#boundMs = Math.max(this.#boundMs, this.#bound(core, began))
    const ok = runOn()
    this.#healedMs = Math.round((world.nowUs - startUs) / 1_000)
    if (!ok)
      oracle.fail('liveness', `not all is final ${this.#boundMs} ms after the calm began: ${this.#describe(core)}`)
    for (const a of absent)
      for (const b of nodes.keys()) {
        network.block(a, b, false)
        network.block(b, a, false)
      }
    network.heal()
  }

  /** 2 x the running advance deadline, what failing leaders in a row add to it, and (n + 2) x 4 Delta; more where one block does not take all. */
  #bound(core: readonly CoreNode[], { nullified, pending }: { nullified: number; pending: number }): number {
    const { committee } = this.#group
    const members = new Set(core.map(({ options }) => options.member))
    const deltaMs = Math.max(...core.map(({ state }) => state.deltaMs))
    const deadline = (k: number) => Math.min(ADVANCE_MAX_MS, 3.25 * deltaMs * 1.5 ** Math.max(0, k - 1))
    let longest = 0
    let row = 0
    for (const leader of [...committee.leaders, ...committee.leaders]) {
      row = members.has(leader) ? 0 : row + 1
      longest = Math.max(longest, Math.min(row, committee.leaders.length))
    }
    let lost = 0
    for (let i = 1; i <= longest; i++) lost += deadline(nullified + 1 + i)
    const blocks = Math.ceil(pending / this.#group.options.maxCommands)
    const linear = (committee.members.length + 2 + blocks) * 4 * deltaMs
    return Math.round(2 * deadline(nullified) + lost + linear + RECONNECT_MS)
  }

  #mustCatchUp(): void {
    const { world, oracle, honest } = this.#group
    const isDone = () => honest.every((node) => node.state.final.height >= oracle.worked)
    const ok = world.runWhile(() => !isDone(), world.nowUs + CATCH_UP_MS * 1_000)
    if (!ok) oracle.fail('liveness', `not everybody caught up within ${CATCH_UP_MS} ms: ${this.#describe(honest)}`)
    if (this.#workload.pending > 0) oracle.fail('command-lost', `${this.#workload.pending} commands are nowhere`)
  }

  /** Nobody has work left: no timer, no frame but the liars'. */
  #mustFallSilent(): void {
    const { world, oracle, honest } = this.#group
    world.runUntil(world.nowUs + QUIET_MS * 1_000)
    const awake = honest.filter((node) => node.state.active)
    if (awake.length > 0) oracle.fail('not-quiet', `still at work: ${this.#describe(awake)}`)
  }

  #watchMemory(): void {
    const { world, honest, oracle } = this.#group
    const look = () => {
      for (const { state, pool, options } of honest) {
        if (state.views.length + state.past.length > VIEWS_MAX)
          oracle.fail('memory', `member ${options.member} keeps ${state.views.length + state.past.length} views`)
        if (pool.size > POOL_MAX) oracle.fail('memory', `member ${options.member} keeps ${pool.size} commands`)
        for (const view of state.views) {
          if ((view?.held.length ?? 0) > 3)
            oracle.fail('memory', `member ${options.member} holds ${view?.held.length} blocks of a view`)
        }
      }
      for (const node of honest) this.#mustResend(node)
      if (world.nowUs < this.#safetyUs) world.after(MEMORY_EVERY_US, look)
    }
    world.after(MEMORY_EVERY_US, look)
  }

  /** Who is stuck beside members that are no further says so again and again, however long it lasts. */
  #mustResend(node: CoreNode): void {
    const { world, oracle } = this.#group
    const { state, life, options, linked } = node
    const nowMs = options.clock.nowMs(world.nowUs)
    const isStuck = life === 'voting' && state.active && nowMs - state.enteredMs > 2 * RESEND_MS
    if (!isStuck || nowMs - state.activeSinceMs < 2 * RESEND_MS || world.nowUs < node.stalledUntilUs) return
    const isHeard = [...linked].some(
      (process) => (state.marks[options.memberOf[process] ?? 0]?.view ?? 0) <= state.view
    )
    if (!isHeard || world.nowUs - node.saidUs < RESEND_MS * 1_000) return
    const silentMs = Math.round((world.nowUs - node.saidUs) / 1_000)
    oracle.fail(
      'silence',
      `member ${options.member} is stuck in view ${state.view} and says nothing for ${silentMs} ms`
    )
  }

  /** With more than F silent, only what they may have voted for before can become final, be it late: no block built since. */
  #watchBudget(): void {
    const { options, world, oracle } = this.#group
    const { overBudget } = options
    if (overBudget === null) return
    world.at(overBudget.toMs * 1_000 - 1, () => {
      if (oracle.isFinalSince(overBudget.fromMs * 1_000))
        oracle.fail('progress-without-quorum', `height ${oracle.top} became final with a quorum silent`)
    })
  }

  #describe(nodes: readonly CoreNode[]): string {
    const { top } = this.#group.oracle
    const each = nodes.map(({ options, state, life, pool }) => {
      const { view, final, nullified } = state
      return `${options.process} ${life} view ${view} height ${final.height}/${top} pool ${pool.size} nullified ${nullified}`
    })
    return `${each.join('; ')}; ${this.#workload.pending} commands pending`
  }
}
