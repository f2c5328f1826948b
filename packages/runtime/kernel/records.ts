import type { Json } from '../logic/port.ts'
import type { Cell } from './cell.ts'
import type { StoredActor, StoredOptions, StoredTimer } from './durable/port.ts'
import type { Allow, SpawnOptions } from './port.ts'

/** All that is to survive of a cell, as it is now. */
export function recordOf(cell: Cell): StoredActor {
  const { address, kind, logic, incarnation, seq, status, restarts, outNext, origin, createdMs, failure } = cell
  return {
    ...{ address, kind: kind.name, logicId: logic.id, version: kind.version, incarnation, seq },
    // Whoever waits for a restart starts anew, nobody else's state is on the disk; who is about to move lives on.
    status: status === 'backoff' ? 'starting' : status === 'moving' ? 'active' : status,
    state: cell.state === undefined ? null : logic.persist(cell.state),
    children: [...cell.children.values()],
    timers: [...cell.timers.values()].map(storedTimer),
    watching: [...cell.watching.keys()],
    ...{ restarts, outNext, createdMs, failure: status === 'failed' ? failure : null },
    parent: origin === null ? null : { path: origin.parent.path, id: origin.id, src: origin.src },
    wake: cell.watching.size > 0 || cell.actors.size > 0,
    options: storedOptions(cell)
  }
}

function storedTimer({
  id,
  dueMs,
  delayMs,
  event,
  to
}: Cell['timers'] extends Map<string, infer T> ? T : never): StoredTimer {
  return { id, dueMs, delayMs, event, to }
}

export function storedOptions({ options, durability }: Pick<Cell, 'options' | 'durability'>): StoredOptions {
  return {
    durability,
    input: options.input ?? null,
    mailbox: options.mailbox ?? null,
    supervise: options.supervise ?? null,
    passivateMs: options.passivateMs ?? null,
    allow: storedAllow(options.allow),
    resume: options.resume ?? 'deadline',
    keepAll: options.keep === 'all'
  }
}

/** A rule is code: whoever spawns the actor again gives it again, and until then nobody else is let in. */
function storedAllow(allow: Allow | undefined): Json {
  return typeof allow === 'function' ? 'local' : (allow ?? null)
}

export function spawnOptions(stored: StoredOptions): SpawnOptions {
  const { durability, input, mailbox, supervise, passivateMs, resume, keepAll } = stored
  const allow = stored.allow as Allow | null
  return {
    ...{ durability, input, resume },
    ...(mailbox === null ? {} : { mailbox }),
    ...(supervise === null ? {} : { supervise }),
    ...(passivateMs === null ? {} : { passivateMs }),
    ...(allow === null ? {} : { allow }),
    ...(keepAll ? { keep: 'all' as const } : {})
  }
}
