import { randomInt } from 'node:crypto'
import type { Group, GroupEvent } from '@brume/actors/quorum'
import { utf8 } from '@brume/codec'
import { type Identity, identityFromSeed, sha256 } from '@brume/crypto'
import { CounterClient } from '../programs/counter.ts'
import type { Placed } from '../runner/messages.ts'

/** Of an increment; less than the 300 s a command may live, for members' clocks may differ. */
const EXPIRY_MS = 120_000
const SESSION_MAX = 0xffff_ffff
/** Blocks between the end of a command and the news of it; the news comes in the same turn. */
const LED_MAX = 256

/** The key of a run's client of this name, the same at every peer. */
export function clientIdentity(networkName: string, name: string): Identity {
  return identityFromSeed(sha256(utf8(`${networkName} ${name}`)))
}

/**
 * Clients of the counter who ask this member. A session's commands take effect one after the other, so
 * one that is refused or expires would hold up all later ones: then the client goes on in a new session.
 */
export class Clients {
  readonly #group: Group
  readonly #networkName: string
  readonly #sessions = new Map<string, CounterClient>()
  /** Peer id of the leader, by view, of the newest final blocks. */
  readonly #led = new Map<number, string | undefined>()

  constructor(group: Group, networkName: string) {
    this.#group = group
    this.#networkName = networkName
    group.onEvent((event) => this.#hear(event))
  }

  /** Adds one to the counter; resolves when that is final, rejects when it was refused. */
  async increment(name: string): Promise<Placed> {
    const session = this.#sessions.get(name) ?? this.#begin(name)
    try {
      const submission = this.#group.submit(session.add(1, Date.now() + EXPIRY_MS))
      const { height, view } = await submission.final
      return { command: submission.id, height, view, leader: this.#led.get(view) }
    } catch (error) {
      if (this.#sessions.get(name) === session) this.#sessions.delete(name)
      throw error
    }
  }

  #begin(name: string): CounterClient {
    const identity = clientIdentity(this.#networkName, name)
    const session = new CounterClient(identity, this.#group.groupId, randomInt(1, SESSION_MAX))
    this.#sessions.set(name, session)
    return session
  }

  #hear(event: GroupEvent): void {
    if (event.type !== 'final') return
    this.#led.set(event.view, this.#group.status().members[event.leader]?.peer)
    const [oldest] = this.#led.keys()
    if (this.#led.size > LED_MAX && oldest !== undefined) this.#led.delete(oldest)
  }
}
