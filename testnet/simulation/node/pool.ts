import type { Command } from '@brume/protocols/quorum'
import { readCommand, type SimCommand } from './command.ts'

/** As actors/quorum bounds it. */
export const POOL_MAX = 4_096
const GAP_MAX = 64

/** Commands that wait, and how far each client's session has come: exactly once by one counter a client. */
export class Pool {
  readonly #waiting = new Map<string, SimCommand>()
  readonly #last = new Map<number, number>()
  /** Rises with every command taken in, and where a gap has closed without one. */
  version = 0

  get size(): number {
    return this.#waiting.size
  }

  /** Is there one whose turn in its session has come? Who has none such makes work for nobody, as in production. */
  get isPending(): boolean {
    return this.#waiting.values().some((command) => this.#isNext(command))
  }

  values(): Iterable<SimCommand> {
    return this.#waiting.values()
  }

  has(id: string): boolean {
    return this.#waiting.has(id)
  }

  last(client: number): number {
    return this.#last.get(client) ?? 0
  }

  /** False where it is known, done with, too far ahead, or too much. */
  add(command: SimCommand): boolean {
    const last = this.last(command.client)
    if (this.#waiting.has(command.id) || command.sequence <= last || command.sequence > last + GAP_MAX) return false
    if (this.size >= POOL_MAX) return false
    this.#waiting.set(command.id, command)
    this.version += 1
    return true
  }

  /** Commands of a final block: those that are next of their client take effect. Returns them. */
  apply(commands: readonly Command[]): readonly SimCommand[] {
    const effective: SimCommand[] = []
    for (const raw of commands) {
      const command = readCommand(raw)
      this.#waiting.delete(command.id)
      if (command.sequence !== this.last(command.client) + 1) continue
      this.#last.set(command.client, command.sequence)
      effective.push(command)
    }
    for (const [id, { client, sequence }] of this.#waiting) if (sequence <= this.last(client)) this.#waiting.delete(id)
    const advanced = new Set(effective.map(({ client }) => client))
    if (this.#waiting.values().some((command) => advanced.has(command.client) && this.#isNext(command)))
      this.version += 1
    return effective
  }

  #isNext({ client, sequence }: SimCommand): boolean {
    return sequence === this.last(client) + 1
  }

  /** For a block above these unfinalized ones, oldest first; each the next of its client. */
  take(count: number, below: readonly Command[], skip: (command: SimCommand) => boolean): readonly SimCommand[] {
    const reached = new Map<number, number>()
    const next = (client: number) => (reached.get(client) ?? this.last(client)) + 1
    for (const raw of below) {
      const { client, sequence } = readCommand(raw)
      if (sequence === next(client)) reached.set(client, sequence)
    }
    // A liar's block may carry commands out of turn: they take no effect there, and may not stand twice.
    const known = new Set(below.map(({ id }) => id))
    const taken: SimCommand[] = []
    const sorted = [...this.#waiting.values()].sort((a, b) => a.sequence - b.sequence)
    for (const command of sorted) {
      if (taken.length >= count) break
      if (command.sequence !== next(command.client) || skip(command)) continue
      if (!known.has(command.id)) taken.push(command)
      reached.set(command.client, command.sequence)
    }
    return taken
  }
}
