import { fileURLToPath } from 'node:url'
import { MUTANTS } from '../mutants/all.ts'
import { WHOLE_MUTANTS } from '../whole/mutants.ts'

/** A kind of simulated run: what plays it, and which known bugs it must notice. */
export interface Tier {
  /** Of a process that runs seeds it is sent. */
  readonly worker: string
  /** Seeds given to a worker at a time: enough to hide the way there and back, and few enough that none is idle in the end. */
  readonly batch: number
  readonly mutants: readonly string[]
  /** What the line that replays a run needs besides its seed. */
  readonly flags: string
}

/** The reducer with a thin host. */
export const CORE: Tier = {
  worker: fileURLToPath(new URL('worker.ts', import.meta.url)),
  batch: 8,
  mutants: MUTANTS.map(({ name }) => name),
  flags: ''
}

/** Whole groups of actors/quorum with their clients. */
export const WHOLE: Tier = {
  worker: fileURLToPath(new URL('../whole/worker.ts', import.meta.url)),
  batch: 1,
  mutants: WHOLE_MUTANTS.map(({ name }) => name),
  flags: '--actors '
}
