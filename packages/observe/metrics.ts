import { ObserveError } from './error.ts'
import { Counter, Gauge, Histogram, Registry } from './prom.ts'

/**
 * A registry of one peer: several live in one process, so prom-client's global one is never used.
 * Labels never carry peer ids or other values without bound: each is a time series kept for ever.
 */
export function createRegistry(): Registry {
  return new Registry()
}

/** The counter of that name, made if new. Throws `ObserveError` if the name belongs to another kind. */
export function counter<Label extends string = never>(
  registry: Registry,
  name: string,
  help: string,
  labels: readonly Label[] = []
): Counter<Label> {
  const known = registry.getSingleMetric<Label>(name)
  if (known instanceof Counter) return known
  assertFree(known, name)
  return new Counter({ name, help, labelNames: labels, registers: [registry] })
}

/** The gauge of that name, made if new; `collect`, if given then, sets it whenever it is read. Throws as `counter` does. */
export function gauge<Label extends string = never>(
  registry: Registry,
  name: string,
  help: string,
  labels: readonly Label[] = [],
  collect: ((gauge: Gauge<Label>) => void) | undefined = undefined
): Gauge<Label> {
  const known = registry.getSingleMetric<Label>(name)
  if (known instanceof Gauge) return known
  assertFree(known, name)
  const made: Gauge<Label> = new Gauge({
    ...{ name, help, labelNames: labels, registers: [registry] },
    ...(collect === undefined ? {} : { collect: () => collect(made) })
  })
  return made
}

/** The histogram of that name, made if new, with these upper bounds. Throws as `counter` does. */
export function histogram<Label extends string = never>(
  registry: Registry,
  name: string,
  help: string,
  buckets: readonly number[],
  labels: readonly Label[] = []
): Histogram<Label> {
  const known = registry.getSingleMetric<Label>(name)
  if (known instanceof Histogram) return known
  assertFree(known, name)
  return new Histogram({ name, help, labelNames: labels, buckets: [...buckets], registers: [registry] })
}

function assertFree(known: unknown, name: string): void {
  if (known !== undefined) {
    throw new ObserveError('BRUME_OBSERVE_METRIC', `the metric ${name} exists as another kind; choose another name`)
  }
}
