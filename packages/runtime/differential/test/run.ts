import type { Recording } from './recorder.ts'

/** What happens to a machine from outside. */
export type Step = { readonly send: string } | { readonly waitMs: number }

/** What can be seen of the machine then. */
export interface Sight {
  readonly status: string
  readonly value: unknown
  readonly context: unknown
  readonly output: unknown
  readonly tags: readonly string[]
}

/** A machine that runs: as XState would run it, or as brume does. */
export interface Run {
  do(step: Step): void
  sight(): Sight
  /** Something in the tree has failed: what comes after is supervision, which differs. */
  readonly hasFailed: boolean
  /** A timer or a child took the place of one that went on under its name: what comes next differs by design. */
  readonly hasDoubled: boolean
  readonly recording: Recording
}
