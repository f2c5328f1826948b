import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Registry } from '@brume/observe'
import type { LoopFigures } from './plan.ts'

/** The sum over all label sets that have these values; 0 where there is no such metric. */
export async function total(
  registry: Registry,
  name: string,
  labels: Readonly<Record<string, string>> = {}
): Promise<number> {
  const values = (await registry.getSingleMetric(name)?.get())?.values ?? []
  const isWanted = (found: Partial<Record<string, string | number>>): boolean =>
    Object.entries(labels).every(([label, value]) => found[label] === value)
  return values.filter((value) => isWanted(value.labels)).reduce((sum, { value }) => sum + value, 0)
}

const RESOLUTION_MS = 10

/** How late the event loop came to a timer, in milliseconds, since `reset`. */
export class LoopDelay {
  readonly #histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })

  constructor() {
    this.#histogram.enable()
  }

  reset(): void {
    this.#histogram.reset()
  }

  p99Ms(): number {
    return this.figures().p99
  }

  figures(): LoopFigures {
    const late = (ns: number): number => Math.max(0, ns / 1e6 - RESOLUTION_MS)
    const { max } = this.#histogram
    return { p50: late(this.#histogram.percentile(50)), p99: late(this.#histogram.percentile(99)), max: late(max) }
  }
}
