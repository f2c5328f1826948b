import { toHex } from '@brume/codec'
import type { Effect, Proposal } from '@brume/consensus'
import type { PeerId, Verdict } from '@brume/ports'
import {
  bodyOf,
  COMMANDS_PROTOCOL,
  type Command,
  commandId,
  decodeCommandsAnswer,
  encodeCommandsRequest
} from '@brume/protocols/quorum'
import { isRefused } from '../blocks/inspector.ts'
import type { Core } from '../core.ts'
import type { Epoch } from '../epoch.ts'
import { QuorumError } from '../errors.ts'
import type { Submission } from '../events.ts'
import { isUrgent } from '../record/membership.ts'
import { Backlog } from './backlog.ts'
import { Expiry } from './expiry.ts'
import { Offers } from './offers.ts'

/** A clock that stands still within a turn shows no cost at all. */
const COMMAND_COST_LEAST_MS = 0.001

/** Final blocks with commands that a leader's own program has not executed; above it the order waits for it. */
const UNEXECUTED_MAX = 32

/** What every member sees in a command by itself, whatever else it knows: who relays such a one did not look. */
const BAD_COMMANDS: ReadonlySet<string> = new Set(['BRUME_QUORUM_BAD_SIGNATURE', 'BRUME_QUORUM_MALFORMED'])

/** Commands of one group, from wherever they come, and the blocks that are made of them. */
export class Supply {
  readonly #core: Core
  readonly #backlog: Backlog
  readonly #offers: Offers
  readonly #expiry: Expiry
  /** A block was not built because too many wait for the program. */
  #isHeldUp = false

  constructor(core: Core) {
    this.#core = core
    const { clock } = core.host
    const worked = () => core.current.engine.run()
    this.#backlog = new Backlog(clock, (from, command) => this.#inspect(from, command), worked)
    this.#expiry = new Expiry(clock, () => this.sweep())
    this.#offers = new Offers(
      (peer, ids, timeoutMs) => this.fetch(peer, ids, timeoutMs),
      (peer, command) => {
        this.take(peer, command)
        worked()
      }
    )
  }

  /** One of this peer's own user. @throws QuorumError */
  submit(command: Uint8Array): Submission {
    const { state, reason } = this.#core
    if (state === 'halted') throw new QuorumError('BRUME_QUORUM_HALTED', reason ?? 'the group is halted here')
    const { current, loaded } = this.#core
    const { pool } = loaded.intake
    const before = pool.version
    const submission = loaded.intake.submit(command, this.#core.wallMs())
    if (pool.version !== before) {
      current.sending.command('all', command)
      this.changed()
      current.engine.run()
    }
    return submission
  }

  /** One that a member sent. */
  take(from: PeerId, command: Uint8Array): void {
    if (!this.#backlog.add(from, command)) this.#core.dropped('BRUME_QUORUM_POOL_FULL')
  }

  /** One that a member has and that is too large to be sent unasked. */
  offered(from: PeerId, id: string): void {
    if (this.find(id) === undefined && !this.#offers.add(from, id)) this.#core.dropped('BRUME_QUORUM_POOL_FULL')
  }

  /** From whoever it comes, it must be one that the group takes; an observer only hands it on. */
  gossiped(from: PeerId, command: Uint8Array): Verdict {
    const { current, loaded } = this.#core
    const { intake } = loaded
    const before = intake.pool.version
    try {
      if (current.self === null) {
        const answer = intake.inspect(command)
        if (!isRefused(answer)) return 'accept'
        return BAD_COMMANDS.has(`BRUME_QUORUM_${answer.code}`) ? 'reject' : 'ignore'
      }
      intake.receive(from, { id: toHex(commandId(command)), bytes: command }, this.#core.wallMs())
    } catch (error) {
      return BAD_COMMANDS.has(this.#refused(error)) ? 'reject' : 'ignore'
    }
    if (intake.pool.version === before) return 'ignore'
    this.changed()
    return 'accept'
  }

  /** What a member proposes waits here too until the block is final. */
  learn(proposal: Proposal): void {
    for (const { id } of bodyOf(proposal).commands) this.#backlog.remove(id)
    if (this.#core.loaded.intake.learn(proposal)) this.changed()
  }

  /** As leader: a block of what waits, or null where there is nothing to put into one. */
  build(epoch: Epoch, request: Extract<Effect, { type: 'build' }>): Proposal | null {
    const { intake, execution } = this.#core.loaded
    this.#isHeldUp ||= !request.empty && execution.backlog > UNEXECUTED_MAX
    if (this.#isHeldUp && !request.empty) return null
    return intake.build(request, this.#core.wallMs(), this.#affordable(epoch))
  }

  /** The program has caught up a little: a leader that waited for it may go on. */
  executed(): void {
    const { execution, intake } = this.#core.loaded
    if (!this.#isHeldUp || execution.backlog > UNEXECUTED_MAX / 2) return
    this.#isHeldUp = false
    intake.pool.version += 1
    this.changed()
  }

  oldest(): readonly Uint8Array[] {
    return this.#core.loaded.intake.oldest().map(({ bytes }) => bytes)
  }

  find(id: string): Uint8Array | undefined {
    return (this.#core.parts?.intake.pool.get(id) ?? this.#backlog.get(id))?.bytes
  }

  /** Of each of these commands, if it waits here or is in a block that others may still lack. */
  findAll(ids: readonly string[]): readonly (Uint8Array | undefined)[] {
    const waiting = ids.map((id) => this.find(id))
    if (!waiting.includes(undefined) || this.#core.epochs === null) return waiting
    const { views, past } = this.#core.current.engine.state
    const held = [...past, ...views].flatMap((view) => view?.held ?? [])
    const ordered = new Map(
      held.flatMap(({ proposal }) => bodyOf(proposal).commands.map(({ id, bytes }) => [id, bytes] as const))
    )
    return waiting.map((bytes, i) => bytes ?? ordered.get(ids[i] ?? ''))
  }

  /** By id, what a peer has of these. */
  async fetch(from: PeerId, ids: readonly string[], timeoutMs: number): Promise<ReadonlyMap<string, Uint8Array>> {
    const { groupId, host } = this.#core
    const body = encodeCommandsRequest({ groupId, ids })
    return decodeCommandsAnswer(ids, await host.net.request(from, COMMANDS_PROTOCOL, body, { timeoutMs }))
  }

  sweep(): void {
    const { intake } = this.#core.loaded
    if (intake.pool.size > 0 && intake.sweep(this.#core.wallMs()) > 0) this.changed()
  }

  /** Work is open while commands can be ordered, and while the epoch must close for a change to act. */
  changed(): void {
    const { host, label, current, loaded } = this.#core
    const { pool } = loaded.intake
    host.meters.pool.set(label, pool.size)
    current.pool(pool.isPending || isUrgent(loaded.register.membership), pool.version)
    this.#expiry.watch(pool)
  }

  stop(): void {
    this.#backlog.stop()
    this.#offers.stop()
    this.#expiry.stop()
  }

  /**
   * Commands that members inspect within half of Delta, should they see them in the block first: then its
   * votes come within the deadlines, however busy the machines are.
   */
  #affordable({ engine }: Epoch): number {
    return Math.floor(engine.state.deltaMs / 2 / Math.max(this.#backlog.costMs, COMMAND_COST_LEAST_MS))
  }

  #inspect(from: PeerId, command: Command): void {
    const { intake } = this.#core.loaded
    const before = intake.pool.version
    try {
      intake.receive(from, command, this.#core.wallMs())
    } catch (error) {
      this.#refused(error)
    }
    if (intake.pool.version !== before) this.changed()
  }

  /** Counts why a command of others is not taken. */
  #refused(error: unknown): string {
    if (!(error instanceof QuorumError)) throw error
    this.#core.dropped(error.code)
    return error.code
  }
}
