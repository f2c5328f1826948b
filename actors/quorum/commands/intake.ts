import { toHex } from '@brume/codec'
import type { Effect, Proposal } from '@brume/consensus'
import {
  bodyOf,
  COMMAND_BYTES_MAX,
  type Command,
  commandId,
  EXPIRY_MAX_MS,
  makeBlock,
  PAYLOAD_BYTES_MAX,
  type Pace
} from '@brume/protocols/quorum'
import { type Inspector, isRefused } from '../blocks/inspector.ts'
import type { AppliedBlock } from '../blocks/ledger-entries.ts'
import { QuorumError, type QuorumErrorCode } from '../errors.ts'
import type { Ordered, Submission } from '../events.ts'
import type { Inspected, Refusal } from '../ports.ts'
import type { Draws } from '../record/draws.ts'
import { dueOf, turnOf } from '../record/due.ts'
import { mayCall } from '../record/membership.ts'
import type { Register } from '../record/register.ts'
import { SystemCall } from '../record/system.ts'
import { type Dropped, Pool, type Waiting } from './pool.ts'
import type { Sessions } from './sessions.ts'

/** New commands a second from one peer: a signature check of 0.1 ms each, so at most a tenth of a core. */
const COMMANDS_PER_S = 1_024

/** Payload bytes beside the commands, and CBOR's head of each. */
const PAYLOAD_OVERHEAD_BYTES = 32
const COMMAND_OVERHEAD_BYTES = 5

/** Commands sent to everybody before a leader is given up on. */
const SPREAD_COMMANDS = 8

/** The whole pool is looked through for what can no longer take effect once in so much time. */
const SWEEP_EVERY_MS = 1_000

const DROPPED: Readonly<Record<Dropped['cause'], string>> = {
  SEQUENCE_OLD: 'another command took its place in the session',
  SEQUENCE_GAP: 'it expired before what comes before it in its session had come',
  EXPIRED: 'it expired before it was ordered'
}

interface Promised {
  readonly notarized: PromiseWithResolvers<Ordered>
  readonly final: PromiseWithResolvers<Ordered>
}

/** Commands from the first sight of them to the block they go into. */
export class Intake {
  readonly pool: Pool
  readonly #groupId: Uint8Array
  readonly #pace: Pace
  readonly #limits: { readonly commands: number; readonly bytes: number }
  readonly #inspector: Inspector
  readonly #register: Register
  readonly #draws: Draws
  readonly #promised = new Map<string, Promised>()
  readonly #allowance = new Map<string, { second: number; left: number }>()
  #sweptMs = Number.NEGATIVE_INFINITY

  constructor(options: {
    readonly groupId: Uint8Array
    readonly pace: Pace
    readonly inspector: Inspector
    readonly register: Register
    readonly draws: Draws
  }) {
    const { groupId, pace, inspector, register, draws } = options
    this.#groupId = groupId
    this.#pace = pace
    const bytes = Math.min(pace.maxBlockBytes, PAYLOAD_BYTES_MAX) - PAYLOAD_OVERHEAD_BYTES
    this.#limits = { commands: pace.maxCommands, bytes }
    this.#inspector = inspector
    this.#register = register
    this.#draws = draws
    this.pool = new Pool(register.sessions)
  }

  get #sessions(): Sessions {
    return this.#register.sessions
  }

  /** What the group says of a command, without taking it. */
  inspect(bytes: Uint8Array): Inspected | Refusal {
    if (bytes.length > COMMAND_BYTES_MAX) return { code: 'TOO_LARGE' }
    return this.#inspector.inspect({ id: toHex(commandId(bytes)), bytes })
  }

  /** Takes a command from this peer's own user. @throws QuorumError */
  submit(bytes: Uint8Array, wallMs: number): Submission {
    const command = this.#name(bytes)
    const known = this.#promised.get(command.id)
    if (known === undefined) this.#admit(command, wallMs)
    const promised = known ?? { notarized: Promise.withResolvers<Ordered>(), final: Promise.withResolvers<Ordered>() }
    this.#promised.set(command.id, promised)
    for (const { promise } of [promised.notarized, promised.final]) promise.catch(() => {})
    return { id: command.id, notarized: promised.notarized.promise, final: promised.final.promise }
  }

  /** Takes a command from another member; nothing if it is here. @throws QuorumError */
  receive(from: string, command: Command, wallMs: number): void {
    if (this.pool.has(command.id)) return
    this.#spend(from, wallMs)
    this.#requireSize(command.bytes)
    this.#admit(command, wallMs)
  }

  /** Commands of a proposal wait like any other until they are final: the block may come to nothing. */
  learn(proposal: Proposal): boolean {
    const before = this.pool.version
    for (const command of bodyOf(proposal).commands) {
      const inspected = this.#inspector.inspect(command)
      if (isRefused(inspected) || this.pool.has(command.id)) continue
      try {
        this.#sessions.admit(inspected)
        this.pool.add({ ...command, inspected })
      } catch {
        // A full pool loses nothing here: the block itself carries the command.
      }
    }
    return this.pool.version !== before
  }

  /**
   * A block of what waits, with what is due of the turn of epochs; null where there is nothing to put into one.
   *
   * @param affordable - how many commands members can inspect in time, if they have seen none of them
   */
  build(request: Extract<Effect, { type: 'build' }>, wallMs: number, affordable: number): Proposal | null {
    const { view, parentView, parent, height, ancestors, empty } = request
    const due = dueOf(this.#register, this.#pace, { view, height, parent, parentMs: request.timeMs })
    if (due === undefined || (due.sealed && !empty)) return null
    const timeMs = Math.max(request.timeMs, wallMs)
    const commands = empty ? [] : this.#choose(timeMs, ancestors, affordable)
    if (commands.length === 0 && !empty && due.nextCommittee === null) return null
    const { epoch } = this.#register.membership
    const place = { groupId: this.#groupId, epoch, view, height, parentView, parent }
    return makeBlock(place, timeMs, commands, turnOf(due, epoch, this.#draws))
  }

  oldest(): readonly Waiting[] {
    return this.pool.oldest(SPREAD_COMMANDS)
  }

  notarized(proposal: Proposal): void {
    if (this.#promised.size === 0) return
    const { height, view } = proposal
    for (const { id } of bodyOf(proposal).commands) this.#promised.get(id)?.notarized.resolve({ height, view })
  }

  /**
   * Commands of a final block that took effect are done with, and so is what its sessions went past. One that a
   * liar ordered before its turn waits on. Returns how many expired.
   */
  final(blocks: readonly AppliedBlock[]): number {
    for (const { proposal, effective } of blocks) {
      const { height, view } = proposal
      const { commands } = bodyOf(proposal)
      for (const index of effective) {
        const id = commands[index]?.id ?? ''
        this.pool.remove(id)
        const promised = this.#promised.get(id)
        this.#promised.delete(id)
        promised?.notarized.resolve({ height, view })
        promised?.final.resolve({ height, view })
      }
    }
    const ordered = blocks.flatMap(({ proposal }) => bodyOf(proposal).commands.map((it) => this.#inspector.inspect(it)))
    this.#refuse(this.pool.settle(ordered.filter((answer): answer is Inspected => !isRefused(answer))))
    const newest = blocks.at(-1)
    return newest === undefined || this.pool.size === 0 ? 0 : this.#expire(newest.proposal.timeMs)
  }

  /** Drops what has expired by the wall clock: without blocks group time stands still. Returns how many. */
  sweep(wallMs: number): number {
    return this.#expire(wallMs)
  }

  /** Nothing more will become of what waits. */
  stop(code: QuorumErrorCode, message: string): void {
    for (const id of [...this.#promised.keys()]) this.#reject(id, new QuorumError(code, message))
  }

  #expire(timeMs: number): number {
    if (timeMs - this.#sweptMs < SWEEP_EVERY_MS) return 0
    this.#sweptMs = timeMs
    const dead = this.pool.expire(timeMs)
    this.#refuse(dead)
    return dead.length
  }

  #refuse(dropped: readonly Dropped[]): void {
    for (const { id, cause } of dropped) this.#reject(id, new QuorumError(`BRUME_QUORUM_${cause}`, DROPPED[cause]))
  }

  #reject(id: string, error: QuorumError): void {
    const promised = this.#promised.get(id)
    this.#promised.delete(id)
    promised?.notarized.reject(error)
    promised?.final.reject(error)
  }

  #choose(timeMs: number, ancestors: readonly Proposal[], affordable: number): readonly Command[] {
    const below = ancestors.toReversed().flatMap((block) => bodyOf(block).commands)
    const inspected = below.map((command) => this.#inspector.inspect(command)).filter((answer) => !isRefused(answer))
    const limits = { ...this.#limits, commands: Math.max(1, Math.min(this.#limits.commands, affordable)) }
    const taken = this.pool.take(limits, timeMs, inspected as Inspected[], COMMAND_OVERHEAD_BYTES)
    const ids = new Set(below.map(({ id }) => id))
    return taken.filter(({ id }) => !ids.has(id)).map(({ id, bytes }) => ({ id, bytes }))
  }

  #name(bytes: Uint8Array): Command {
    this.#requireSize(bytes)
    return { id: toHex(commandId(bytes)), bytes }
  }

  #admit(command: Command, wallMs: number): void {
    const inspected = this.#inspector.inspect(command)
    if (isRefused(inspected)) {
      throw new QuorumError(`BRUME_QUORUM_${inspected.code}`, 'the program does not take this command')
    }
    const isSystem = inspected instanceof SystemCall
    if (isSystem && !mayCall(this.#register.membership, inspected.client, inspected.command)) {
      throw new QuorumError('BRUME_QUORUM_NOT_ADMITTED', 'the quorum takes this from its members and candidates only')
    }
    if (inspected.expiresMs < wallMs || inspected.expiresMs > wallMs + EXPIRY_MAX_MS) {
      throw new QuorumError('BRUME_QUORUM_EXPIRED', `a command expires within ${EXPIRY_MAX_MS / 1_000} s from now`)
    }
    this.#sessions.admit(inspected)
    this.pool.add({ ...command, inspected })
  }

  #spend(from: string, wallMs: number): void {
    const second = Math.floor(wallMs / 1_000)
    const before = this.#allowance.get(from)
    const left = before?.second === second ? before.left : COMMANDS_PER_S
    if (left <= 0) throw new QuorumError('BRUME_QUORUM_POOL_FULL', 'this peer sends commands too fast')
    this.#allowance.set(from, { second, left: left - 1 })
  }

  /** One that fits no block of this group would wait for ever. */
  #requireSize({ length }: Uint8Array): void {
    const max = Math.min(COMMAND_BYTES_MAX, this.#limits.bytes - COMMAND_OVERHEAD_BYTES)
    if (length >= 1 && length <= max) return
    throw new QuorumError('BRUME_QUORUM_TOO_LARGE', `here a command has 1 to ${max} bytes, not ${length}`)
  }
}
