import type { Json, Persisted, Scope } from '../logic/port.ts'
import { clone } from './clone.ts'
import { ReplicaError } from './errors.ts'
import type { Inside } from './inside-port.ts'
import { Items, snapshotOf } from './leaves.ts'
import type { Executor, Legacy } from './port.ts'
import { readSources } from './sources.ts'
import { finish, NOTHING, readTimers, type State, seal } from './state.ts'
import { soundTimers } from './wishes.ts'

/** Leaves that a successor needs, beside those of a snapshot. */
export const LEGACY_PATHS = ['timers*', 'sources*'] as const

const NOBODY = { height: 1, timeMs: 0, seed: new Uint8Array(32), commands: [] }

/**
 * The state in which another version was frozen, as this one has it. What names states of the version before, history and
 * their order, is not carried over, as with placed actors; what was received from other groups is.
 *
 * @throws what the module's functions throw, and CloneError, StepFailure, CodecError for what is no state
 */
export function migrated(inside: Inside, { leaves, version }: Legacy, scope: Scope): State {
  const items = new Items(leaves)
  const { status, value, context, output } = snapshotOf(items)
  if (status === 'error') throw new RangeError('a machine that could not start has nothing to go on from')
  const before = { value, context, children: [], timers: items.require('timers') }
  const after = clone(inside.migrate(version, before)) as unknown as typeof before
  const stored: Persisted = [status, after.value, after.context, [], output, [], []]
  const timers = soundTimers(readTimers(after.timers as Json).values())
  const sources = readSources(items.require('sources'))
  const next = { ...NOTHING, inner: inside.restore(stored, scope), timers, sources }
  return finish(inside, NOTHING, seal(inside, NOTHING, next))
}

/**
 * Migrates twice, in two realms that know nothing of each other: members differ in exactly that.
 *
 * @param make - an executor of the same assignment at each call; both are stopped
 * @throws ReplicaError NONDETERMINISTIC, also where the module cannot migrate this state
 */
export async function checkMigration(make: () => Executor): Promise<void> {
  const [one, other] = [await outcomeOf(make()), await outcomeOf(make())]
  if (one === null || other === null) throw wrong('migrate', 'the module cannot take this state to its version')
  if (one !== other) throw wrong('realm', 'migrating the same state twice gave two states')
}

/** Text of all leaves; null of a machine that could not start. */
async function outcomeOf(executor: Executor): Promise<string | null> {
  try {
    const { state, changes } = await executor.execute(null, NOBODY)
    const { status } = snapshotOf(new Items(await executor.leaves(state)))
    const rows = changes.map(([path, bytes]) => `${path} ${Buffer.from(bytes ?? []).toString('hex')}`)
    return status === 'error' ? null : rows.sort().join('\n')
  } finally {
    await executor.stop()
  }
}

function wrong(cause: string, message: string): ReplicaError {
  const finding = { cause, state: '', event: '', path: '' }
  return new ReplicaError('BRUME_RUNTIME_NONDETERMINISTIC', message, { finding })
}
