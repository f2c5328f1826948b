import { toHex } from '@brume/codec'
import { QuorumError } from '../errors.ts'
import type { Inspected } from '../ports.ts'

/** Sessions remembered at once: a client that opens more waits until old ones expire. */
const SESSIONS_MAX = 4_096

/** How far ahead of its session a command may wait in the pool. */
const GAP_MAX = 64

export interface Session {
  /** Of the last command that took effect. */
  readonly sequence: number
  /** The largest expiry its commands had: once group time is past it, no replay can be valid. */
  readonly expiresMs: number
}

export function sessionKey({ client, session }: Pick<Inspected, 'client' | 'session'>): string {
  return `${toHex(client)}/${session}`
}

/**
 * How far each client's session has come. A command takes effect only as the next of its session, so
 * it does so once; one counter a session is all that need be kept for it.
 */
export class Sessions {
  readonly #sessions: Map<string, Session>

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

  /** Applies a final command; false if it is not the next of its session and so has no effect. */
  take(command: Inspected): boolean {
    const key = sessionKey(command)
    const before = this.#sessions.get(key)
    if (command.sequence !== (before?.sequence ?? 0) + 1) return false
    if (before === undefined && this.size >= SESSIONS_MAX) return false
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

  /** Forgets sessions whose every command has expired; returns their keys. */
  forget(groupTimeMs: number): readonly string[] {
    const gone = [...this.#sessions].filter(([, { expiresMs }]) => expiresMs < groupTimeMs).map(([key]) => key)
    for (const key of gone) this.#sessions.delete(key)
    return gone
  }
}
