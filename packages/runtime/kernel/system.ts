import type { Clock, Log, PeerId, Random } from '@brume/ports'
import type { AnyStateMachine, EventFromLogic, InputFrom } from 'xstate'
import type { Event, Json } from '../logic/port.ts'
import { xstate5 } from '../logic/xstate5/index.ts'
import { createKernel } from './kernel.ts'
import type { CellView, Failure, KernelOptions, Strategy } from './port.ts'

export interface SystemOptions {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly self: PeerId
  readonly onEscalated?: KernelOptions['onEscalated']
}

export interface SystemSpawn<M extends AnyStateMachine> {
  readonly input?: InputFrom<M>
  /** Default `restart`. */
  readonly strategy?: Strategy
  /** Called at each failure, after the decision. */
  readonly onFailed?: (failure: Failure) => void
}

/** The living at one path, through all its restarts. */
export interface SystemRef<M extends AnyStateMachine = AnyStateMachine> {
  readonly path: string
  /** Past the mailbox's bound; handled before it returns, unless an actor has its turn. */
  send(event: EventFromLogic<M>): 'accepted' | 'stopped'
  /** Stops those below, then itself. No effect when it has ended. */
  stop(): void
}

/** Actors of brume itself: machines in memory, under `sys/`, whose effects are bound by `provide`. */
export interface System {
  /** Starts the actor before returning. @throws RuntimeError */
  spawn<M extends AnyStateMachine>(path: string, machine: M, options?: SystemSpawn<M>): SystemRef<M>
  actors(): readonly CellView[]
  /** Stops all actors in reverse order of their spawn. Spawning is refused from then on. */
  stop(): void
}

export function createSystem(options: SystemOptions): System {
  const kernel = createKernel(options)
  return {
    spawn: (path, machine, { input, strategy = 'restart', onFailed } = {}) => {
      kernel.register({ name: path, version: 1, logic: xstate5(machine) })
      kernel.spawn(path, path, {
        supervise: { strategy },
        ...(input === undefined ? {} : { input: input as Json }),
        ...(onFailed === undefined ? {} : { onFailed })
      })
      return {
        path,
        send: (event) => (kernel.tell(path, event as Event, { control: true }) === 'accepted' ? 'accepted' : 'stopped'),
        stop: () => void kernel.stopActor(path)
      }
    },
    actors: () => kernel.actors(),
    stop: () => void kernel.stop()
  }
}
