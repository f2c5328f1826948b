import { availableParallelism, loadavg } from 'node:os'
import { quantile } from '../runner/latencies.ts'
import type { Testnet } from '../runner/testnet.ts'

const LOOK_MS = 1_000
/** A peer whose event loop is this late in every other second is not measured but starved. */
const LAG_MAX_MS = 500
/** Processes that want to run, for each core, over a minute. Ten peers of a run come to two on two cores. */
export const QUEUE_MAX = 6

/** Watches how late the peers' event loops are, and how many wait for a core: then the machine is at fault, not the group. */
export class LoadMeter {
  readonly #testnet: Testnet
  readonly #lagsMs: number[] = []
  readonly #queues: number[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(testnet: Testnet) {
    this.#testnet = testnet
  }

  start(): void {
    this.#timer = setInterval(() => this.#look(), LOOK_MS)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  overloaded(): boolean {
    const median = (figures: readonly number[]): number => quantile(figures, 0.5) ?? 0
    return median(this.#lagsMs) > LAG_MAX_MS || median(this.#queues) > QUEUE_MAX
  }

  /** The middle peer: one that is paused on purpose is late for another reason. */
  #look(): void {
    this.#queues.push((loadavg()[0] ?? 0) / availableParallelism())
    const lags = this.#testnet.state().peers.flatMap(({ sample }) => sample?.lagMs ?? [])
    const lagMs = quantile(lags, 0.5)
    if (lagMs !== undefined) this.#lagsMs.push(lagMs)
  }
}
