import { concat, utf8 } from '@brume/codec'
import type { Clock, Store } from '@brume/ports'
import { RuntimeError } from '@brume/runtime'
import { withoutIncarnation } from '@brume/runtime/address'
import type { Outbound, Refusal } from '@brume/runtime/kernel'
import { encodeCommand } from '@brume/runtime/replica'
import { carry } from './carrying.ts'
import type { SendOptions } from './commands.ts'
import type { Directory, GroupAccess } from './directory.ts'
import { fromQuorum } from './refusals.ts'

/** Above every group's id. */
const BEHIND = new Uint8Array(33).fill(0xff)

/** What an actor of this peer sends to a replicated one: a command of the peer's. */
export class Outward {
  readonly #directory: Directory
  readonly #clock: Clock
  /** Signed commands of durable actors: sent again after a restart, they are the same command. */
  readonly #store: Store

  constructor(directory: Directory, clock: Clock, store: Store) {
    this.#directory = directory
    this.#clock = clock
    this.#store = store
  }

  send(message: Outbound): 'accepted' {
    this.#carry(message).catch((error: unknown) => message.refused?.(codeOf(fromQuorum(error))))
    return 'accepted'
  }

  /** Committed once it is known to have been taken: where the actor has moved, it is another command there. */
  async #carry(message: Outbound): Promise<void> {
    const body = encodeCommand({ kind: 'event', event: message.event })
    const { answer } = await carry(body, {
      clock: this.#clock,
      group: () => this.#directory.current(withoutIncarnation(message.to)),
      optionsFor: (group) => this.#optionsFor(message, group)
    })
    await this.#forget(message)
    message.committed?.()
    if (!message.ask) return
    if (answer === null) message.refused?.('unreachable')
    else if (answer.outcome === 'ok') message.replied?.(answer.value)
    else message.refused?.(answer.outcome === 'refused' ? 'invalid' : 'rejected')
  }

  async #optionsFor(message: Outbound, { groupId }: GroupAccess): Promise<SendOptions> {
    const { ttlMs } = message
    const entry = entryOf(message)
    if (entry === null) return { ttlMs }
    const key = concat(entry, groupId)
    const signed = await this.#store.get(key)
    const keep = (value: Uint8Array): Promise<void> => this.#store.batch([{ type: 'put', key, value }], { sync: true })
    return { keep, untilMs: this.#clock.now() + ttlMs, ...(signed && { signed }) }
  }

  async #forget(message: Outbound): Promise<void> {
    const entry = entryOf(message)
    if (entry === null) return
    for await (const [key] of this.#store.entries({ from: entry, to: concat(entry, BEHIND) })) {
      await this.#store.batch([{ type: 'del', key }])
    }
  }
}

/**
 * Names an entry of a durable actor's outbox; null for what no restart survives. Behind it goes the group: a command
 * that one has signed away is another in the group that the actor has moved to, and both are the same after a restart.
 */
function entryOf({ from, incarnation, durable }: Outbound): Uint8Array | null {
  return durable === null ? null : utf8(`${from}#${incarnation}/${durable.seq}/`)
}

function codeOf(error: unknown): Refusal | 'unreachable' {
  const known: Readonly<Record<string, Refusal>> = {
    BRUME_RUNTIME_FULL: 'full',
    BRUME_RUNTIME_NOACTOR: 'noactor',
    BRUME_RUNTIME_EXPIRED: 'expired',
    BRUME_RUNTIME_INVALID: 'invalid',
    BRUME_RUNTIME_FORBIDDEN: 'forbidden',
    BRUME_RUNTIME_REJECTED: 'rejected',
    BRUME_RUNTIME_OVERLOAD: 'overload',
    BRUME_RUNTIME_STOPPED: 'stopped'
  }
  return error instanceof RuntimeError ? (known[error.code] ?? 'unreachable') : 'unreachable'
}
