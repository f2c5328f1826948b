import type { Clock, Journal, Log, Net, Random, Store } from '@brume/ports'
import type { StateFields } from '@brume/protocols/membership'
import type { DeathCause, RecordOutcome } from './effect.ts'

/** Figures that membership keeps of itself. `meters.ts` puts them into a metrics registry. */
export interface Meters {
  record(outcome: RecordOutcome): void
  sync(what: 'rounds' | 'records' | 'throttled'): void
  dead(cause: DeathCause): void
  warrant(kind: string): void
  malformed(): void
  clockOffset(offsetMs: number): void
  members(counts: { readonly up: number; readonly suspect: number; readonly dead: number }): void
  epoch(epoch: number, clockQuality: number): void
}

/** Everything outside that membership touches. */
export interface Ports {
  readonly net: Net
  readonly store: Store
  readonly journal: Journal
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly meters: Meters
  /** 2 synchronised, 1 plausible, 0 unknown. */
  readonly clockQuality: () => Promise<0 | 1 | 2>
  /** Battery, heat and load of this moment; undefined: they stay as described at start. */
  readonly sampleState: (() => Promise<StateFields>) | undefined
}
