import { CLASSES, type RunOptions } from '../faults/options.ts'
import type { Mutant } from '../mutants/mutant.ts'
import { runSeed } from './seed-run.ts'

/** A run that still fails in the same way, with less going wrong. */
export interface Shrunk {
  readonly options: RunOptions
  readonly runs: number
}

/** Removes whole classes of faults, then single events, bursts and liars, as long as the same check fails. */
export function shrink(seed: Uint8Array, options: RunOptions, check: string, mutant?: Mutant): Shrunk {
  let best = options
  let runs = 0
  const attempt = (change: (from: RunOptions) => RunOptions): boolean => {
    const changed = change(best)
    if (JSON.stringify(changed) === JSON.stringify(best)) return false
    runs += 1
    if (runSeed({ seed, options: changed, mutant }).violation?.check !== check) return false
    best = changed
    return true
  }
  for (const name of CLASSES) {
    attempt((from) => ({
      ...from,
      classes: from.classes.filter((other) => other !== name),
      events: from.events.filter((event) => event.class !== name)
    }))
  }
  attempt((from) => ({ ...from, loss: 0, duplication: 0 }))
  attempt((from) => ({ ...from, lossy: false }))
  attempt((from) => ({ ...from, delay: { ...from.delay, jitterUs: 0, spreadUs: 0, aws: false } }))
  attempt((from) => ({ ...from, overBudget: null }))
  attempt((from) => ({ ...from, absent: [] }))
  without('events', attempt, () => best.events.length)
  without('bursts', attempt, () => best.bursts.length)
  without('liars', attempt, () => best.liars.length)
  return { options: best, runs }
}

/** Leaves entries of a list out: halves first, then ever smaller parts (delta debugging). */
function without(
  list: 'events' | 'bursts' | 'liars',
  attempt: (change: (from: RunOptions) => RunOptions) => boolean,
  length: () => number
): void {
  for (let part = Math.ceil(length() / 2); part >= 1; part = part > 1 ? Math.ceil(part / 2) : 0) {
    for (let start = 0; start < length(); ) {
      const isGone = attempt((from) => ({ ...from, [list]: from[list].toSpliced(start, part) }))
      if (!isGone) start += part
    }
  }
}
