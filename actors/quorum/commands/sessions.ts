import { fromHex, toHex } from '@brume/codec'
import { compareSessions, SESSIONS_MAX, type SessionEntry } from '@brume/protocols/quorum'
import { QuorumError } from '../errors.ts'
import type { Inspected } from '../ports.ts'

/** How far ahead of its session a command may wait in the pool. */
const GAP_MAX = 64

export interface Session {
  /** Of the last command that took effect. */
  readonly sequence: number
  /** The largest expiry its commands had: once group time is past it, no replay can be valid. */
  readonly expiresMs: number
}

/** An answer of `inspect` is asked for its session in every block and every look at the pool. */
const KEYS = new WeakMap<Pick<Inspected, 'client' | 'session'>, string>()

export function sessionKey(inspected: Pick<Inspected, 'client' | 'session'>): string {
  const known = KEYS.get(inspected)
  if (known !== undefined) return known
  const key = `${toHex(inspected.client)}/${inspected.session}`
  KEYS.set(inspected, key)
  return key
}

/**
 * How far each client's session has come. A command takes effect only as the next of its session, so
 * it does so once; one counter a session is all that need be kept for it.
 */
export class Sessions {
  readonly #sessions: Map<string, Session>
  readonly #gone = new Set<string>()

  constructor(entries: Iterable<readonly [string, Session]> = []) {
    this.#sessions = new Map(entries)
  }

  get size(): number {
    return this.#sessions.size
  }

  last(key: string): number {
    return this.#sessions.get(key)?.sequence ?? 0
  }

  /** @throws QuorumError SEQUENCE_OLD, SEQUENCE_GAP, SESSIONS_FULL */
  admit(command: Inspected): void {
    const key = sessionKey(command)
    const last = this.last(key)
    if (command.sequence <= last)
      throw new QuorumError('BRUME_QUORUM_SEQUENCE_OLD', `the session is at ${last} already`)
    if (command.sequence > last + GAP_MAX) {
      throw new QuorumError('BRUME_QUORUM_SEQUENCE_GAP', `the session is at ${last}: send what lies between first`)
    }
    if (last === 0 && this.size >= SESSIONS_MAX) {
      throw new QuorumError('BRUME_QUORUM_SESSIONS_FULL', 'too many sessions are open; wait for some to expire')
    }
  }

  /**
   * Applies a final command; false if it is not the next of its session and so has no effect.
   *
   * @param parentMs - group time of the block before: what had expired by then is forgotten, swept or not, so that
   * all members agree
   */
  take(command: Inspected, parentMs: number): boolean {
    const key = sessionKey(command)
    const found = this.#sessions.get(key)
    const before = found === undefined || found.expiresMs < parentMs ? undefined : found
    if (command.sequence !== (before?.sequence ?? 0) + 1) return false
    if (found === undefined && this.size >= SESSIONS_MAX) this.forget(parentMs)
    if (found === undefined && this.size >= SESSIONS_MAX) return false
    const expiresMs = Math.max(before?.expiresMs ?? 0, command.expiresMs)
    this.#sessions.set(key, { sequence: command.sequence, expiresMs })
    return true
  }

  /** These sessions as they are now. */
  snapshot(keys: Iterable<string>): readonly (readonly [string, Session])[] {
    return [...keys].flatMap((key) => {
      const session = this.#sessions.get(key)
      return session === undefined ? [] : [[key, session] as const]
    })
  }

  /** Forgets sessions whose every command has expired. */
  forget(groupTimeMs: number): void {
    for (const [key, { expiresMs }] of this.#sessions) {
      if (expiresMs >= groupTimeMs) continue
      this.#sessions.delete(key)
      this.#gone.add(key)
    }
  }

  /** Keys that were forgotten since the last time this was asked. */
  takeGone(): readonly string[] {
    const gone = [...this.#gone].filter((key) => !this.#sessions.has(key))
    this.#gone.clear()
    return gone
  }

  /** All that are still remembered at this group time, in the order of a record. */
  entries(groupTimeMs: number): readonly SessionEntry[] {
    return [...this.#sessions]
      .filter(([, { expiresMs }]) => expiresMs >= groupTimeMs)
      .map(([key, session]) => entryOf(key, session))
      .sort(compareSessions)
  }

  /** In place of everything: what a quorum has certified. */
  reset(entries: readonly SessionEntry[]): void {
    for (const key of this.#sessions.keys()) this.#gone.add(key)
    this.#sessions.clear()
    for (const entry of entries) {
      const { sequence, expiresMs } = entry
      this.#sessions.set(sessionKey(entry), { sequence, expiresMs })
    }
  }

  /** The same, to try things out on. */
  copy(): Sessions {
    return new Sessions(this.#sessions)
  }
}

function entryOf(key: string, { sequence, expiresMs }: Session): SessionEntry {
  const [client = '', session = ''] = key.split('/')
  return { client: fromHex(client), session: Number(session), sequence, expiresMs }
}
