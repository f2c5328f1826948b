import type { Aliases } from './aliases.ts'
import type { Asks } from './asks.ts'
import type { Cells } from './cells.ts'
import type { Commands } from './commands.ts'
import type { Door } from './door.ts'
import type { Effects } from './effects.ts'
import type { Letters } from './letters.ts'
import type { Live } from './live.ts'
import type { Meters } from './meters.ts'
import type { Arrivals } from './move/arrivals.ts'
import type { Departures } from './move/departures.ts'
import type { Outgoing } from './outgoing.ts'
import type { Outputs } from './outputs.ts'
import type { Persistence } from './persistence.ts'
import type { Places } from './places.ts'
import type { KernelOptions } from './port.ts'
import type { Remotes } from './remotes.ts'
import type { Runs } from './runs.ts'
import type { Scheduler } from './scheduler.ts'
import type { Spawner } from './spawner.ts'
import type { Steps } from './steps.ts'
import type { Supervisor } from './supervisor.ts'
import type { Timers } from './timers.ts'
import type { Watches } from './watches.ts'

/** What a kernel is made of. They know each other by this alone, and only after all are made. */
export interface Parts {
  readonly options: KernelOptions
  readonly places: Places
  readonly cells: Cells
  readonly scheduler: Scheduler
  readonly timers: Timers
  readonly outputs: Outputs
  readonly letters: Letters
  readonly asks: Asks
  readonly watches: Watches
  readonly supervisor: Supervisor
  readonly steps: Steps
  readonly effects: Effects
  readonly door: Door
  readonly spawner: Spawner
  readonly aliases: Aliases
  readonly live: Live
  readonly runs: Runs
  readonly remotes: Remotes
  readonly commands: Commands
  readonly departures: Departures
  readonly arrivals: Arrivals
  readonly persistence: Persistence
  /** Null: nobody counts. */
  readonly meters: Meters | null
  readonly outgoing: Outgoing
  /** Ends an actor, of which nothing is left then. */
  readonly stop: (to: string) => Promise<void>
  /** @returns its new address */
  readonly move: (to: string, peer: string) => Promise<string>
  readonly resurrect: (to: string) => Promise<void>
  /** Beyond all that were given before, also before a restart. */
  readonly nextIncarnation: () => number
}
