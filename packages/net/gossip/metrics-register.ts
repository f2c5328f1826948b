import { gauge, histogram, type Registry } from '@brume/observe'
import type { MetricsRegister } from '@libp2p/gossipsub/metrics'

type LabelValues = Record<string, string | number>

/** Its buckets where gossipsub names none: seconds, from fast to hopeless. */
const DEFAULT_BUCKETS = [0.001, 0.01, 0.1, 1, 10]

/** gossipsub's own metrics, written to the node's registry under their own names. */
export function metricsRegister(registry: Registry): MetricsRegister {
  const register = {
    gauge: (config: GaugeConfig) => collected(gauge(registry, config.name, config.help, config.labelNames ?? [])),
    histogram: (config: GaugeConfig & { readonly buckets?: readonly number[] }) => {
      const { name, help, buckets = DEFAULT_BUCKETS, labelNames = [] } = config
      return histogram(registry, name, help, buckets, labelNames)
    },
    avgMinMax: ({ name, help, labelNames = [] }: GaugeConfig) => {
      const of = (part: string) => gauge(registry, `${name}_${part}`, `${help} (${part})`, labelNames)
      return spread(of('avg'), of('min'), of('max'))
    }
  }
  return register as unknown as MetricsRegister
}

interface GaugeConfig {
  readonly name: string
  readonly help: string
  readonly labelNames?: readonly string[]
}

interface Settable {
  set(labels: LabelValues, value: number): void
}

/** prom-client asks `collect` before each scrape; gossipsub adds its questions later, and several of them. */
function collected<G extends object>(made: G): G & { addCollect(collect: (made: G) => void): void } {
  const collects: ((made: G) => void)[] = []
  return Object.assign(made, {
    collect: () => {
      for (const collect of collects) collect(made)
    },
    addCollect: (collect: (made: G) => void) => {
      collects.push(collect)
    }
  })
}

function spread(average: Settable, least: Settable, most: Settable) {
  return {
    set: (first: LabelValues | readonly number[], second?: readonly number[]) => {
      const labels = second === undefined ? {} : (first as LabelValues)
      const values = second ?? (first as readonly number[])
      const sum = values.reduce((total, value) => total + value, 0)
      average.set(labels, values.length === 0 ? 0 : sum / values.length)
      least.set(
        labels,
        values.reduce((a, b) => Math.min(a, b), values[0] ?? 0)
      )
      most.set(
        labels,
        values.reduce((a, b) => Math.max(a, b), values[0] ?? 0)
      )
    }
  }
}
