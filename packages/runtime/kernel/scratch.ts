import type { Event, Json, Scope } from '../logic/port.ts'
import type { Durable } from './durable/port.ts'
import { refusalError } from './errors.ts'
import { migrate } from './migrate.ts'
import type { Parts } from './parts.ts'
import type { Snapshot } from './port.ts'

/**
 * The actor as it was after so many events: from the nearest record, by its journal, effects discarded. What a step
 * drew by chance then is drawn anew.
 *
 * @throws RuntimeError where there is no record so old, its kind is not registered, or a step fails that did not then
 */
export async function snapshotAt(parts: Parts, durable: Durable, path: string, seq: number): Promise<Snapshot> {
  const found = await durable.recordAt(path, seq)
  const kind = found === null ? undefined : parts.spawner.kindFor(found.actor.kind, found.actor.version)
  // Of a child only the tree knows the logic: it has a history of its own, and no time travel.
  if (found === null || kind === undefined || found.actor.parent !== null) throw refusalError('noactor', path)
  const actor = migrate(found.actor, kind)
  if (actor === null) throw refusalError('unmigrated', path)
  const { address, incarnation, createdMs } = actor
  const scope = (nowMs: number, sender: string | null): Scope => ({
    ...{ address: `${address}#${incarnation}`, parent: null, nowMs, sender, ask: null },
    random: (length) => parts.options.random.bytes(length)
  })
  let state = kind.logic.restore(actor.state as Json, scope(createdMs, null))
  let at = actor.seq
  for (const entry of found.entries) {
    state = kind.logic.step(state, entry.event as Event, scope(entry.atMs, entry.sender)).state
    at = entry.seq
  }
  return { ...kind.logic.view(state), address, incarnation, seq: at, cell: actor.status }
}
