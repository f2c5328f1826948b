import type { RunOptions } from './options.ts'

/** Equal members with nothing wrong and nothing to do: what a run of its own kind begins from. */
export function calm(members: number): Omit<RunOptions, 'scenario'> {
  const each = <T>(value: T): T[] => Array.from({ length: members }, () => value)
  return {
    classes: [],
    profile: 'equal',
    weights: each(1),
    sites: each('a'),
    minSites: 1,
    deltaMs: 20,
    minViewMs: 0,
    measuresDelta: false,
    maxCommands: 16,
    delay: { meanUs: 1_000, spreadUs: 0, jitterUs: 0, aws: false },
    loss: 0,
    duplication: 0,
    lossy: false,
    syncUs: { low: 200, high: 300, slowShare: 0, slowUs: 0 },
    clocks: [],
    liars: [],
    bursts: [],
    events: [],
    overBudget: null,
    safetyMs: 0,
    absent: [],
    realCrypto: false
  }
}
