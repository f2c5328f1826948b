import { plain } from '../logic/plain.ts'
import type { Json, Persisted } from '../logic/port.ts'
import type { StoredActor } from './durable/port.ts'
import type { Kind, Migrating } from './port.ts'

/**
 * The record as the registered version has it, by the functions between the two in order; null where one is missing
 * or the record is newer.
 *
 * @throws what a function throws, and RuntimeError for what it makes of the record that is not plain
 */
export function migrate(stored: StoredActor, kind: Kind): StoredActor | null {
  if (stored.version === kind.version || stored.parent !== null) return stored
  if (stored.version > kind.version) return null
  const [, value, context] = stored.state as Persisted
  const { children, timers } = stored as unknown as { readonly children: Json; readonly timers: Json }
  let moving: Migrating = { value, context, children, timers }
  for (let version = stored.version; version < kind.version; version++) {
    const step = kind.migrate?.[version]
    if (step === undefined) return null
    moving = plain(step(moving)) as unknown as Migrating
  }
  return applied(stored, kind, moving)
}

/** What names states of the version before, history and their order, is not carried over. */
function applied(stored: StoredActor, kind: Kind, { value, context, children, timers }: Migrating): StoredActor {
  const [status, , , , output, kin] = stored.state as Persisted
  return {
    ...stored,
    version: kind.version,
    logicId: kind.logic.id,
    state: [status, value, context, [], output, kin, []] as Json,
    children: children as unknown as StoredActor['children'],
    timers: timers as unknown as StoredActor['timers']
  }
}
