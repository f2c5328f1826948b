import { toHex } from '@brume/codec'
import type { Command } from '@brume/protocols/quorum'
import { QuorumError } from '../errors.ts'
import type { Inspected } from '../ports.ts'
import { type Sessions, sessionKey } from './sessions.ts'

/** What one group holds of commands that are not final: enough for several seconds of full blocks. */
const POOL_COMMANDS_MAX = 4_096
const POOL_BYTES_MAX = 8_388_608

/** One client's share, so that none crowds out the others. */
const CLIENT_COMMANDS_MAX = 64
const CLIENT_BYTES_MAX = 1_048_576

export interface Waiting extends Command {
  readonly inspected: Inspected
}

interface Share {
  commands: number
  bytes: number
}

/** Commands that were inspected and are in no final block, oldest first. */
export class Pool {
  readonly #waiting = new Map<string, Waiting>()
  readonly #shares = new Map<string, Share>()
  #bytes = 0
  /** Rises with every command taken in. */
  version = 0

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
    const client = toHex(command.inspected.client)
    const share = this.#shares.get(client) ?? { commands: 0, bytes: 0 }
    const { length } = command.bytes
    if (this.size >= POOL_COMMANDS_MAX || this.#bytes + length > POOL_BYTES_MAX) {
      throw new QuorumError(
        'BRUME_QUORUM_POOL_FULL',
        'the group has more commands waiting than it takes; send it again later'
      )
    }
    if (share.commands >= CLIENT_COMMANDS_MAX || share.bytes + length > CLIENT_BYTES_MAX) {
      throw new QuorumError(
        'BRUME_QUORUM_POOL_FULL',
        `this client has ${share.commands} commands waiting; let some become final first`
      )
    }
    this.#waiting.set(command.id, command)
    this.#shares.set(client, { commands: share.commands + 1, bytes: share.bytes + length })
    this.#bytes += length
    this.version += 1
  }

  remove(id: string): void {
    const command = this.#waiting.get(id)
    if (command === undefined) return
    this.#waiting.delete(id)
    this.#bytes -= command.bytes.length
    const client = toHex(command.inspected.client)
    const share = this.#shares.get(client)
    if (share === undefined || share.commands <= 1) this.#shares.delete(client)
    else this.#shares.set(client, { commands: share.commands - 1, bytes: share.bytes - command.bytes.length })
  }

  /** Drops what can no longer take effect; returns it. */
  expire(groupTimeMs: number, sessions: Sessions): readonly Waiting[] {
    const dead = [...this.#waiting.values()].filter(
      ({ inspected }) => inspected.expiresMs < groupTimeMs || inspected.sequence <= sessions.last(sessionKey(inspected))
    )
    for (const { id } of dead) this.remove(id)
    return dead
  }

  oldest(count: number): readonly Waiting[] {
    return this.#waiting.values().take(count).toArray()
  }

  /**
   * Commands for a block, each the next of its session after those in `ancestors`, oldest first.
   *
   * @param ancestors - commands in the unfinalized blocks below, oldest first
   * @param overheadBytes - what a command takes in a payload beyond its own bytes
   */
  take(
    limits: { readonly commands: number; readonly bytes: number },
    timeMs: number,
    sessions: Sessions,
    ancestors: readonly Inspected[],
    overheadBytes: number
  ): readonly Waiting[] {
    const reached = new Map<string, number>()
    for (const inspected of ancestors) {
      const key = sessionKey(inspected)
      if (inspected.sequence === (reached.get(key) ?? sessions.last(key)) + 1) reached.set(key, inspected.sequence)
    }
    const early = new Map<string, Waiting>()
    const taken: Waiting[] = []
    let bytes = 0
    for (const command of this.#waiting.values()) {
      for (let next: Waiting | undefined = command; next !== undefined; ) {
        const key = sessionKey(next.inspected)
        const { sequence, expiresMs } = next.inspected
        const last = reached.get(key) ?? sessions.last(key)
        if (sequence !== last + 1) {
          if (sequence > last) early.set(`${key}/${sequence}`, next)
          break
        }
        if (expiresMs < timeMs) break
        if (taken.length >= limits.commands || bytes + next.bytes.length + overheadBytes > limits.bytes) return taken
        taken.push(next)
        bytes += next.bytes.length + overheadBytes
        reached.set(key, sequence)
        next = early.get(`${key}/${sequence + 1}`)
      }
    }
    return taken
  }
}
