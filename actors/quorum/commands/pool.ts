import { toHex } from '@brume/codec'
import type { Command } from '@brume/protocols/quorum'
import { QuorumError } from '../errors.ts'
import type { Inspected } from '../ports.ts'
import { type Sessions, sessionKey } from './sessions.ts'
import { type Room, shareOut } from './shares.ts'

/** What one group holds of commands that are not final: enough for several seconds of full blocks. */
const POOL_COMMANDS_MAX = 4_096
const POOL_BYTES_MAX = 8_388_608

/** One client's share, so that none crowds out the others. */
const CLIENT_COMMANDS_MAX = 64
const CLIENT_BYTES_MAX = 1_048_576

export interface Waiting extends Command {
  readonly inspected: Inspected
}

/** What one client has waiting. */
interface Client {
  readonly commands: Set<Waiting>
  bytes: number
}

/** A command that left without effect, and why: its session went past it, did not reach it, or time did. */
export interface Dropped {
  readonly id: string
  readonly cause: 'SEQUENCE_OLD' | 'SEQUENCE_GAP' | 'EXPIRED'
}

/**
 * Commands that were inspected and have not taken effect, oldest first. One whose turn in its session has not come,
 * because those before it are not here, waits without being work for anybody: no leader could order it.
 */
export class Pool {
  readonly #sessions: Sessions
  readonly #waiting = new Map<string, Waiting>()
  readonly #bySession = new Map<string, Set<Waiting>>()
  /** Sessions whose next command is here. */
  readonly #ready = new Set<string>()
  /** Who was served longest ago comes first. */
  readonly #clients = new Map<string, Client>()
  #bytes = 0
  /** Rises with every command taken in, and where a gap has closed without one. */
  version = 0

  constructor(sessions: Sessions) {
    this.#sessions = sessions
  }

  /** Can any of these take effect next? */
  get isPending(): boolean {
    return this.#ready.size > 0
  }

  /** When the first of them expires, group time ms; Infinity where nothing waits. */
  get firstExpiryMs(): number {
    return this.#waiting
      .values()
      .reduce((first, { inspected }) => Math.min(first, inspected.expiresMs), Number.POSITIVE_INFINITY)
  }

  get size(): number {
    return this.#waiting.size
  }

  has(id: string): boolean {
    return this.#waiting.has(id)
  }

  get(id: string): Waiting | undefined {
    return this.#waiting.get(id)
  }

  /** @throws QuorumError POOL_FULL */
  add(command: Waiting): void {
    if (this.#waiting.has(command.id)) return
    const name = toHex(command.inspected.client)
    const client = this.#clients.get(name) ?? { commands: new Set(), bytes: 0 }
    const { length } = command.bytes
    if (this.size >= POOL_COMMANDS_MAX || this.#bytes + length > POOL_BYTES_MAX) {
      throw new QuorumError(
        'BRUME_QUORUM_POOL_FULL',
        'the group has more commands waiting than it takes; send it again later'
      )
    }
    if (client.commands.size >= CLIENT_COMMANDS_MAX || client.bytes + length > CLIENT_BYTES_MAX) {
      throw new QuorumError(
        'BRUME_QUORUM_POOL_FULL',
        `this client has ${client.commands.size} commands waiting; let some become final first`
      )
    }
    this.#waiting.set(command.id, command)
    client.commands.add(command)
    client.bytes += length
    this.#clients.set(name, client)
    this.#bytes += length
    this.version += 1
    const key = sessionKey(command.inspected)
    this.#bySession.set(key, (this.#bySession.get(key) ?? new Set()).add(command))
    if (command.inspected.sequence === this.#sessions.last(key) + 1) this.#ready.add(key)
  }

  /** What is in final blocks has made sessions advance: drops what they went past; returns it. */
  settle(commands: Iterable<Inspected>): readonly Dropped[] {
    const keys = new Set([...commands].map(sessionKey))
    return [...keys].flatMap((key) => {
      const last = this.#sessions.last(key)
      const past = [...(this.#bySession.get(key) ?? [])].filter(({ inspected }) => inspected.sequence <= last)
      for (const command of past) this.remove(command.id)
      this.#look(key)
      return past.map(({ id }) => ({ id, cause: 'SEQUENCE_OLD' as const }))
    })
  }

  /** Drops what can no longer take effect; returns it. */
  expire(groupTimeMs: number): readonly Dropped[] {
    const dead = [...this.#waiting.values()].flatMap((command): Dropped[] => {
      const { id, inspected } = command
      if (inspected.sequence <= this.#sessions.last(sessionKey(inspected))) return [{ id, cause: 'SEQUENCE_OLD' }]
      if (inspected.expiresMs >= groupTimeMs) return []
      return [{ id, cause: this.#isCutOff(inspected) ? 'SEQUENCE_GAP' : 'EXPIRED' }]
    })
    for (const { id } of dead) this.remove(id)
    for (const key of [...this.#ready, ...this.#bySession.keys()]) this.#look(key)
    return dead
  }

  remove(id: string): void {
    const command = this.#waiting.get(id)
    if (command === undefined) return
    this.#waiting.delete(id)
    this.#bytes -= command.bytes.length
    const key = sessionKey(command.inspected)
    const session = this.#bySession.get(key)
    session?.delete(command)
    if (session?.size === 0) {
      this.#bySession.delete(key)
      this.#ready.delete(key)
    }
    this.#served(command)
  }

  /** One of its commands is done with: its client comes after all others now. */
  #served(command: Waiting): void {
    const name = toHex(command.inspected.client)
    const client = this.#clients.get(name)
    this.#clients.delete(name)
    if (client === undefined || client.commands.size === 1) return
    client.commands.delete(command)
    client.bytes -= command.bytes.length
    this.#clients.set(name, client)
  }

  /** Those whose turn it is, and those that wait for nothing but them, by their age. */
  oldest(count: number): readonly Waiting[] {
    return [...this.#takeable(this.#waiting.values(), new Map(), 0).take(count)]
  }

  #look(key: string): void {
    const next = this.#sessions.last(key) + 1
    const isReady =
      this.#bySession
        .get(key)
        ?.values()
        .some(({ inspected }) => inspected.sequence === next) === true
    if (!isReady) this.#ready.delete(key)
    else if (!this.#ready.has(key)) {
      this.#ready.add(key)
      this.version += 1
    }
  }

  /** Is one before it missing here? */
  #isCutOff(inspected: Inspected): boolean {
    const key = sessionKey(inspected)
    const here = new Set(
      this.#bySession
        .get(key)
        ?.values()
        .map((command) => command.inspected.sequence)
    )
    for (let before = inspected.sequence - 1; before > this.#sessions.last(key); before--) {
      if (!here.has(before)) return true
    }
    return false
  }

  /**
   * Commands for a block, each the next of its session after those in `ancestors`, shared out among clients: who was
   * served longest ago first, of each its oldest first.
   *
   * @param ancestors - commands in the unfinalized blocks below, oldest first
   * @param overheadBytes - what a command takes in a payload beyond its own bytes
   */
  take(room: Room, timeMs: number, ancestors: readonly Inspected[], overheadBytes: number): readonly Waiting[] {
    const reached = this.#reachedBy(ancestors)
    const served = new Set(ancestors.map(({ client }) => toHex(client)))
    const clients = this.#inTurn(served).map(({ commands }) => this.#takeable(commands, reached, timeMs))
    return shareOut(clients, room, ({ bytes }) => bytes.length + overheadBytes)
  }

  /** Who has something in blocks that are not final yet comes after all others. */
  *#inTurn(served: ReadonlySet<string>): Generator<Client> {
    for (const [name, client] of this.#clients) if (!served.has(name)) yield client
    for (const [name, client] of this.#clients) if (served.has(name)) yield client
  }

  /** How far the sessions get by blocks that are not final yet. */
  #reachedBy(ancestors: readonly Inspected[]): Map<string, number> {
    const reached = new Map<string, number>()
    for (const inspected of ancestors) {
      const key = sessionKey(inspected)
      if (inspected.sequence === (reached.get(key) ?? this.#sessions.last(key)) + 1)
        reached.set(key, inspected.sequence)
    }
    return reached
  }

  /** Of these commands, in this order, those that can be next after what was `reached`, which goes along. */
  *#takeable(commands: Iterable<Waiting>, reached: Map<string, number>, timeMs: number): Generator<Waiting> {
    const early = new Map<string, Waiting>()
    for (const command of commands) {
      for (let next: Waiting | undefined = command; next !== undefined; ) {
        const key = sessionKey(next.inspected)
        const { sequence, expiresMs } = next.inspected
        const last = reached.get(key) ?? this.#sessions.last(key)
        if (sequence > last + 1) early.set(`${key}/${sequence}`, next)
        if (sequence !== last + 1 || expiresMs < timeMs) break
        reached.set(key, sequence)
        yield next
        next = early.get(`${key}/${sequence + 1}`)
      }
    }
  }
}
