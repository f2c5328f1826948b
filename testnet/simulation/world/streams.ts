import { createHash } from 'node:crypto'
import { SimRandom } from '@brume/testkit'

export const SEED_BYTES = 16

/** Seed number k of the swarm, 16 bytes: neighbours in number are strangers in content. */
export function seedOf(number: number): Uint8Array {
  return createHash('sha256').update(`brume/sim-seed/1|${number}`).digest().subarray(0, SEED_BYTES)
}

/** The run's named streams of chance: a draw more in one leaves the others as they were. */
export interface Streams {
  readonly options: SimRandom
  readonly net: SimRandom
  readonly disk: SimRandom
  readonly schedule: SimRandom
  readonly workload: SimRandom
  readonly faults: SimRandom
  readonly keys: SimRandom
  node(index: number): SimRandom
}

export function streamsOf(seed: Uint8Array): Streams {
  const stream = (name: string) => new SimRandom(seed, name)
  return {
    options: stream('options'),
    net: stream('net'),
    disk: stream('disk'),
    schedule: stream('schedule'),
    workload: stream('workload'),
    faults: stream('faults'),
    keys: stream('keys'),
    node: (index) => stream(`node:${index}`)
  }
}

/** Uniform integer in low..high, both included. */
export function between(random: SimRandom, low: number, high: number): number {
  return low + random.below(high - low + 1)
}

export function pick<T>(random: SimRandom, list: readonly T[]): T {
  const chosen = list[random.below(list.length)]
  if (chosen === undefined) throw new RangeError('nothing to pick from')
  return chosen
}

/** All of the list, in a random order. */
export function shuffled<T>(random: SimRandom, list: readonly T[]): T[] {
  const copy = [...list]
  for (let i = copy.length - 1; i > 0; i--) {
    const j = random.below(i + 1)
    ;[copy[i], copy[j]] = [copy[j] as T, copy[i] as T]
  }
  return copy
}
