import { utf8 } from '@brume/codec'
import type { Clock, Store } from '@brume/ports'
import { RuntimeError } from '@brume/runtime'
import { parseAddress } from '@brume/runtime/address'
import type { Outbound, Refusal } from '@brume/runtime/kernel'
import { decodeAnswer, encodeCommand, readLeaf } from '@brume/runtime/replica'
import type { Sent } from './commands.ts'
import type { Directory, GroupAccess } from './directory.ts'
import { fromQuorum } from './refusals.ts'

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

  async #carry(message: Outbound): Promise<void> {
    const { group } = parseAddress(message.to)
    const access = await this.#directory.find(group ?? new Uint8Array())
    const sent = await this.#send(message, access)
    const { height } = await sent.final
    access.atLeast = Math.max(access.atLeast, height)
    await this.#forget(message)
    message.committed?.()
    if (!message.ask) return
    const { outcome, value } = decodeAnswer(readLeaf((await sent.attested).answer).bytes)
    if (outcome === 'ok') message.replied?.(value)
    else message.refused?.(outcome === 'refused' ? 'invalid' : outcome === 'moved' ? 'stopped' : 'rejected')
  }

  async #send(message: Outbound, { commands }: GroupAccess): Promise<Sent> {
    const { event, ttlMs } = message
    const body = encodeCommand({ kind: 'event', event })
    const key = keyOf(message)
    if (key === null) return commands.send(body, { ttlMs })
    const signed = await this.#store.get(key)
    const keep = (value: Uint8Array): Promise<void> => this.#store.batch([{ type: 'put', key, value }], { sync: true })
    return commands.send(body, { keep, untilMs: this.#clock.now() + ttlMs, ...(signed && { signed }) })
  }

  async #forget(message: Outbound): Promise<void> {
    const key = keyOf(message)
    if (key !== null) await this.#store.batch([{ type: 'del', key }])
  }
}

/** Names an entry of a durable actor's outbox; null for what no restart survives. */
function keyOf({ from, incarnation, durable }: Outbound): Uint8Array | null {
  return durable === null ? null : utf8(`${from}#${incarnation}/${durable.seq}`)
}

function codeOf(error: unknown): Refusal | 'unreachable' {
  const known: Readonly<Record<string, Refusal>> = {
    BRUME_RUNTIME_FULL: 'full',
    BRUME_RUNTIME_NOACTOR: 'noactor',
    BRUME_RUNTIME_EXPIRED: 'expired',
    BRUME_RUNTIME_INVALID: 'invalid',
    BRUME_RUNTIME_FORBIDDEN: 'forbidden',
    BRUME_RUNTIME_REJECTED: 'rejected',
    BRUME_RUNTIME_OVERLOAD: 'overload'
  }
  return error instanceof RuntimeError ? (known[error.code] ?? 'unreachable') : 'unreachable'
}
