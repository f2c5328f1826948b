import { setTimeout as sleep } from 'node:timers/promises'
import type { RunFolder } from '../runner/run-folder.ts'
import { choose, fits } from '../runner/selectors.ts'
import type { PeerRow } from '../runner/state.ts'
import type { Testnet } from '../runner/testnet.ts'
import { damage, wipe } from './damage.ts'
import type { Perturbation } from './manifest.ts'
import type { Fault } from './outcome.ts'

const POLL_MS = 100
/** testing.md 3.4: stopped for half of the time, in pieces that look like a loaded machine. */
const STARVE_STOP_MS = 700
const STARVE_PERIOD_MS = 1_400
/** What a worn SD card takes for a sync (testing.md 8.1). */
const SLOW_SYNC_MS = 50

/** Takes a fault back. */
type Undo = () => Promise<unknown> | unknown

export interface FaultsOptions {
  readonly testnet: Testnet
  readonly folder: RunFolder
  /** Whom `all` and `random:<k>` may take. */
  readonly honest: ReadonlySet<string>
  /** In [0, 1). */
  readonly random: () => number
}

/** Carries out a scenario's perturbations and notes what became of each. */
export class Faults {
  readonly #options: FaultsOptions
  readonly #done: Fault[] = []
  #number = 0

  constructor(options: FaultsOptions) {
    this.#options = options
  }

  /** In the order in which they were over. */
  done(): readonly Fault[] {
    return this.#done
  }

  /** One perturbation with all its repetitions; the first begins `atS` after now. */
  async run(what: Perturbation, aborted: AbortSignal): Promise<void> {
    await sleep(what.atS * 1_000, undefined, { signal: aborted })
    for (let turn = 0; turn < what.count; turn++) {
      const nextMs = performance.now() + what.everyS * 1_000
      await this.#once(what, aborted)
      if (turn + 1 < what.count) await sleep(Math.max(0, nextMs - performance.now()), undefined, { signal: aborted })
    }
  }

  async #once(what: Perturbation, aborted: AbortSignal): Promise<void> {
    const { testnet } = this.#options
    const targets = this.#select(what.target)
    const number = ++this.#number
    const names = targets.join(' ')
    const beganMs = testnet.state().elapsedMs
    const { detail, undo } = await this.#apply(what, targets)
    const appliedMs = testnet.state().elapsedMs
    testnet.events.emit('fault.begins', undefined, { number, action: what.action, targets: names, detail })
    await sleep(what.forS * 1_000, undefined, { signal: aborted })
    // After a halt the height they had is no sign of life.
    const mark = testnet.state().heightMax + (what.expect === 'halt' ? 1 : 0)
    const undoingMs = testnet.state().elapsedMs
    await undo()
    const endedMs = testnet.state().elapsedMs
    const tookMs = Math.round(endedMs - beganMs)
    testnet.events.emit('fault.ends', undefined, { number, action: what.action, targets: names, tookMs })
    const backMs = await this.#back(targets, mark, what.backWithinS * 1_000, aborted)
    const how =
      backMs === undefined ? `not back within ${what.backWithinS} s` : `back after ${Math.round(backMs - endedMs)} ms`
    testnet.events.emit('fault.over', undefined, { number, targets: names, how })
    this.#done.push({ number, what, targets, beganMs, appliedMs, undoingMs, endedMs, backMs })
  }

  async #apply(what: Perturbation, targets: readonly string[]): Promise<{ detail: string; undo: Undo }> {
    const { testnet, folder } = this.#options
    const startAgain: Undo = () => testnet.restart(targets)
    switch (what.action) {
      case 'kill':
        await testnet.kill(targets)
        return { detail: '', undo: startAgain }
      case 'restart':
        await testnet.end(targets)
        return { detail: '', undo: startAgain }
      case 'wipe':
        await testnet.end(targets)
        for (const name of targets) wipe(folder.dataDir(name))
        return { detail: ': all data but the identity deleted', undo: startAgain }
      case 'damage': {
        await testnet.end(targets)
        const done = targets.map((name) => damage(folder.dataDir(name), what.where))
        return { detail: `: ${done.join('; ')}`, undo: startAgain }
      }
      case 'pause':
        testnet.pause(targets)
        return { detail: '', undo: () => testnet.resume(targets) }
      case 'starve':
        return { detail: '', undo: this.#starve(targets) }
      case 'slow-disk':
        for (const name of targets) testnet.slowDisk(name, SLOW_SYNC_MS)
        return { detail: '', undo: () => Promise.all(targets.map((name) => testnet.slowDisk(name, 0))) }
      case 'disconnect':
      case 'partition':
        testnet.part(targets, what.action === 'disconnect' ? 'cut' : 'block')
        return { detail: '', undo: () => testnet.part(targets, null) }
    }
  }

  #starve(targets: readonly string[]): Undo {
    const { testnet } = this.#options
    let wake: NodeJS.Timeout | undefined
    const stop = (): void => {
      testnet.pause(targets)
      wake = setTimeout(() => testnet.resume(targets), STARVE_STOP_MS)
    }
    stop()
    const timer = setInterval(stop, STARVE_PERIOD_MS)
    return () => {
      clearInterval(timer)
      clearTimeout(wake)
      testnet.resume(targets)
    }
  }

  async #back(
    targets: readonly string[],
    mark: number,
    withinMs: number,
    aborted: AbortSignal
  ): Promise<number | undefined> {
    const untilMs = performance.now() + withinMs
    while (performance.now() < untilMs) {
      const { peers, elapsedMs } = this.#options.testnet.state()
      if (peers.every((peer) => !targets.includes(peer.name) || isBack(peer, mark))) return elapsedMs
      await sleep(POLL_MS, undefined, { signal: aborted })
    }
    return undefined
  }

  #select(selector: string): readonly string[] {
    const { testnet, folder, honest, random } = this.#options
    const { peers } = folder.manifest()
    const running = testnet.state().peers.filter(({ state }) => state === 'running')
    const eligible = running.flatMap(({ name }) => (honest.has(name) ? name : []))
    const [, count] = /^random:(\d+)$/.exec(selector) ?? []
    if (count !== undefined) return choose(eligible, Number(count), random)
    if (selector === 'all') return eligible
    return peers.filter((peer) => fits(selector, peer)).map(({ name }) => name)
  }
}

/** A member whose journal was lost follows and does not vote: that is as back as it can be. */
function isBack({ state, sample }: PeerRow, mark: number): boolean {
  const group = sample?.group
  if (state !== 'running' || group === undefined) return false
  return (
    group.executed >= mark && (group.state === 'voting' || (group.state === 'observing' && group.reason !== undefined))
  )
}
