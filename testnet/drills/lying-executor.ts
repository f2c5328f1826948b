import { encode } from '@brume/codec'
import type { PeerPorts } from '@brume/peer'
import { systemClock } from '@brume/ports/system'
import { type Executor, WorkerExecutor } from '@brume/runtime/replica'

/** By how much a liar's answers are too high. */
export const LIE = 1_000_000

/**
 * A member whose machine answers wrongly: replies and counts are too high by `LIE`, in its outcomes, in what it sends, in the
 * leaves of its state and in what it answers to readers. It signs all of it, as an honest member signs the truth.
 */
export const lyingExecutor: PeerPorts['executor'] = (bundle, assignment) => {
  const honest: Executor = new WorkerExecutor(bundle, assignment, systemClock())
  return {
    execute: async (parent, batch) => {
      const { outcomes, sends, changes, ...rest } = await honest.execute(parent, batch)
      return {
        ...rest,
        sends: sends.map((send) => ({ ...send, event: raise(send.event) })),
        outcomes: outcomes.map((outcome) => ({ ...outcome, value: raise(outcome.value) })),
        changes: changes.map(
          ([path, bytes]) => [path, path === 'context/n' && bytes !== null ? encode(LIE) : bytes] as const
        )
      }
    },
    query: async (state, name, args) => {
      const { outcome, value } = await honest.query(state, name, args)
      return { outcome, value: raise(value) }
    },
    leaves: (state) => honest.leaves(state),
    restore: (leaves) => honest.restore(leaves),
    drop: (state) => honest.drop(state),
    stop: () => honest.stop()
  }
}

function raise<T>(value: T): T {
  if (typeof value === 'number') return (value + LIE) as T
  if (Array.isArray(value)) return value.map(raise) as T
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, raise(inner)])) as T
}
