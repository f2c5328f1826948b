import { quantile } from '../runner/latencies.ts'
import type { Testnet } from '../runner/testnet.ts'

const LOOK_MS = 1_000
/** A peer whose event loop is this late in every other second is not measured but starved. */
const LAG_MAX_MS = 500

/** Watches how late the peers' event loops are: where all are, the machine is at fault and not the group. */
export class LoadMeter {
  readonly #testnet: Testnet
  readonly #lagsMs: number[] = []
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
    return (quantile(this.#lagsMs, 0.5) ?? 0) > LAG_MAX_MS
  }

  /** The middle peer: one that is paused on purpose is late for another reason. */
  #look(): void {
    const lags = this.#testnet.state().peers.flatMap(({ sample }) => sample?.lagMs ?? [])
    const lagMs = quantile(lags, 0.5)
    if (lagMs !== undefined) this.#lagsMs.push(lagMs)
  }
}
