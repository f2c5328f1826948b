import type { Clock } from '@brume/ports'
import type { Outcomes } from '@brume/protocols/quorum'
import type { System, SystemRef } from '@brume/runtime'
import { fromPromise } from 'xstate'
import { isDamage } from '../blocks/damage.ts'
import type { Archive, Kept } from '../checkpoints/archive.ts'
import { Checkpoints, type CheckpointsOptions } from '../checkpoints/checkpoints.ts'
import { type Fetched, fetchCheckpoint, restorePages, type TransferOptions } from '../checkpoints/transfer.ts'
import { QuorumError } from '../errors.ts'
import type { Block, Leaf, Page, Program, ProgramEvent, ReadProof } from '../ports.ts'
import { type ExecutionEvent, type ExecutionState, executionLife } from './machine.ts'
import type { Seat } from './seat.ts'
import { type Attested, Testimony } from './testimony.ts'
import { Window } from './window.ts'

/** Paths of one read, and the bytes of each. */
const PATHS_MAX = 64
const PATH_BYTES_MAX = 512

type Executed = Extract<ProgramEvent, { type: 'executed' }>

export interface ExecutionOptions {
  readonly program: Program
  readonly groupId: Uint8Array
  /** Path of the actor that is its life. */
  readonly path: string
  readonly kernel: System
  readonly clock: Clock
  readonly archive: Archive
  /** Blocks between two checkpoints. */
  readonly checkpointBlocks: number
  /** This peer in an epoch; null where it answers for it no more. */
  readonly seatOf: (epoch: number) => Seat | null
  readonly epoch: () => number
  /** The quorum's own record, encoded, after the block that is being delivered. */
  readonly record: (block: Block) => Uint8Array
  /** Final blocks from this height on, from the ledger; none where the first is not kept any more. */
  readonly blocks: (from: number) => AsyncIterable<Block>
  /** Has the ledger's missing blocks fetched from other members. True where the one of that height is there then. */
  readonly refill: (height: number) => Promise<boolean>
  /** Height up to which the ledger has no blocks. */
  readonly prunedTo: () => Promise<number>
  readonly transfer: TransferOptions
  readonly onState: (state: ExecutionState, reason: string | null) => void
  /** No state could be restored; it is tried again. */
  readonly onUnrestored: (error: unknown) => void
  /** The program has come further. */
  readonly onExecuted: (height: number) => void
  readonly onCheckpoints: (kept: readonly Kept[]) => void
  readonly onBroken: (reason: string) => void
  readonly onStoreFailure: (error: unknown) => void
  readonly onDropped: (cause: string) => void
  /** A member signed two states of one height; the signatures are unchecked. */
  readonly onContradicted: CheckpointsOptions['contradicted']
}

/**
 * Between final blocks and the program: what is replicated hears of blocks through here alone, and what it makes
 * of them is signed here. The order goes on whatever happens to it.
 */
export class Execution {
  readonly #options: ExecutionOptions
  readonly #window = new Window()
  readonly #testimony: Testimony
  #checkpoints: Checkpoints | null = null
  #life: SystemRef<typeof executionLife> | null = null
  #state: ExecutionState = 'running'
  #reason: string | null = null
  #refilling = false
  /** The next block was looked for in the ledger and is not there. */
  #isStarving = false
  /** The height above which the ledger's blocks were last fetched, with success. */
  #refilledAt = -1
  #dueMs: number | null = null
  /** At and below this height a program spoke that went wrong. */
  #toldTo = 0
  #stopped = false

  constructor(options: ExecutionOptions) {
    this.#options = options
    const { program, clock, archive, seatOf, onDropped, onStoreFailure } = options
    this.#testimony = new Testimony({
      ...{ program, clock, archive, seatOf, dropped: onDropped, storeFailed: onStoreFailure },
      diverged: ({ height }) => this.#diverged(`others executed height ${height} to something else`)
    })
  }

  get state(): ExecutionState {
    return this.#state
  }

  get reason(): string | null {
    return this.#reason
  }

  get height(): number {
    return this.#window.executed
  }

  /** Group time of the program's next timer, as of the newest executed block; null: none. */
  get dueMs(): number | null {
    return this.#dueMs
  }

  /** Final blocks that the program has not executed. */
  get lag(): number {
    return this.#window.final - this.#window.executed
  }

  /** Of those with commands, what a leader counts; nothing where execution is halted, for the order goes on. */
  get backlog(): number {
    return this.#state === 'running' ? this.#window.backlog : 0
  }

  get checkpoints(): readonly Kept[] {
    return this.#checkpoints?.kept ?? []
  }

  /** Opens the program: from here on it can be asked what commands are. */
  async open(manifest: Uint8Array): Promise<void> {
    const { program, groupId, archive } = this.#options
    const [kept, signedTo] = [await archive.kept(), await archive.signedTo()]
    this.#checkpoints = this.#createCheckpoints(kept, signedTo)
    this.#dueMs = await archive.due()
    await this.#testimony.load()
    this.#window.reset(await program.open({ groupId, manifest }, (event) => this.#heard(event)))
    this.#tellCertified(kept)
  }

  /** Brings the program, in the background, from its own height to the final one. */
  begin(finalHeight: number): void {
    const { path, kernel } = this.#options
    this.#window.final = Math.max(this.#window.final, finalHeight)
    const logic = executionLife.provide({
      actors: { restore: fromPromise(() => this.#restore()) },
      actions: {
        became: ({ context }, { state }) => this.#became(state, context.reason),
        failedToRestore: (_, { error }) => this.#options.onUnrestored(error)
      }
    })
    this.#life = kernel.spawn(path, logic, {
      strategy: 'stop',
      onFailed: ({ error }) => this.#became('stopped', String(error))
    })
    this.#pump()
  }

  stop(): void {
    this.#stopped = true
    this.#testimony.stop()
    this.#life?.stop()
  }

  /** Resolves when everything that was signed and certified so far is in the store. */
  async stored(): Promise<void> {
    await this.#checkpoints?.stored()
  }

  /** A final block, in order. @param header - of the block: a checkpoint names it */
  deliver(block: Block, header: Uint8Array): void {
    if (block.checkpoint) {
      const { epoch, height, digest } = block
      this.#checkpoints?.reached({ epoch, height, digest, header, record: this.#options.record(block) })
    }
    this.#window.add(block)
    this.#pump()
  }

  /**
   * The order goes on from a checkpoint that others certified: blocks up to there never come. Unless the program
   * is as far already, its state is restored from the same one or a newer one.
   */
  leap(to: Fetched): void {
    this.#checkpoints?.adopt(keptOf(to))
    this.#window.final = Math.max(this.#window.final, to.certificate.height)
    this.#pump()
  }

  heard(seat: Seat, member: number, { checkpoints, attestations }: Outcomes): void {
    const { epoch } = seat.committee
    for (const vote of checkpoints) this.#checkpoints?.heard(seat, member, vote)
    for (const vote of attestations) this.#testimony.of(epoch)?.heard(member, vote)
  }

  asked(seat: Seat, member: number, view: number): void {
    if (this.#state === 'running') this.#testimony.of(seat.committee.epoch)?.asked(member, view)
  }

  /**
   * The certificate of what was made here of a block, and its statement. Null where it has none, or its time is over.
   *
   * @throws QuorumError HALTED while execution is; SYNC where too few have said the same in time
   */
  async attestation(height: number, timeoutMs: number): Promise<Attested | null> {
    this.#requireRunning()
    return this.#testimony.attestation(height, timeoutMs)
  }

  /** @throws QuorumError HALTED; RangeError for paths beyond the limits */
  async read(paths: readonly string[], atLeast: number, proof: ReadProof): Promise<readonly Leaf[] | null> {
    this.#requireRunning()
    const fits = paths.length >= 1 && paths.length <= PATHS_MAX
    if (!fits || paths.some((path) => Buffer.byteLength(path) > PATH_BYTES_MAX)) {
      throw new RangeError(`a read names 1 to ${PATHS_MAX} paths of at most ${PATH_BYTES_MAX} bytes`)
    }
    return this.#options.program.read(paths, atLeast, proof)
  }

  /** A page of a checkpoint for another member; null while execution is halted, for then it may be wrong. */
  async page(height: number, page: number): Promise<Page | null> {
    return this.#state === 'running' ? this.#options.program.page(height, page) : null
  }

  #requireRunning(): void {
    if (this.#state !== 'running') {
      throw new QuorumError('BRUME_QUORUM_HALTED', this.#reason ?? 'execution is halted on this member')
    }
  }

  /** Those to which the program has come, or may yet come: not one at which it has another state. */
  #tellCertified(kept: readonly Kept[]): void {
    const own = kept.filter(({ certificate, leaves }) => leaves !== null || certificate.height > this.#window.executed)
    this.#options.program.certified?.(own.map(({ certificate }) => certificate.height))
  }

  #createCheckpoints(kept: readonly Kept[], signedTo: number): Checkpoints {
    const { archive, seatOf, checkpointBlocks, onBroken, onStoreFailure, onDropped, onContradicted } = this.#options
    return new Checkpoints({
      archive,
      kept,
      signedTo,
      seatOf,
      every: checkpointBlocks,
      finalHeight: () => this.#window.final,
      changed: (those) => {
        this.#tellCertified(those)
        this.#options.onCheckpoints(those)
      },
      diverged: (height) => this.#diverged(`a quorum came to another state at height ${height}`),
      broken: onBroken,
      storeFailed: onStoreFailure,
      dropped: onDropped,
      contradicted: onContradicted
    })
  }

  #pump(): void {
    if (this.#state !== 'running' || this.#stopped) return
    for (let block = this.#window.next(); block !== undefined; block = this.#window.next()) {
      try {
        this.#options.program.deliver(block)
      } catch (error) {
        return this.#wentWrong(`the program threw: ${messageOf(error)}`)
      }
      if (this.#state !== 'running') return
    }
    if (this.#window.isStarved) void this.#refill()
  }

  async #refill(): Promise<void> {
    if (this.#refilling) return
    this.#refilling = true
    const { handed } = this.#window
    try {
      for await (const block of this.#options.blocks(handed + 1)) {
        this.#window.add(block)
        if (this.#window.isFull) break
      }
    } catch (error) {
      if (!isDamage(error)) this.#options.onStoreFailure(error)
    } finally {
      this.#refilling = false
    }
    if (this.#window.isStarved && this.#window.handed === handed) {
      this.#isStarving = true
      return this.#tell({ type: 'fell.below', reason: `block ${handed + 1} is not here` })
    }
    this.#pump()
  }

  #heard(event: ProgramEvent): void {
    if (this.#stopped) return
    if (event.type === 'failed') this.#wentWrong(`the program failed: ${event.reason}`)
    else if (this.#state === 'running') this.#executed(event)
  }

  #executed(event: Executed): void {
    const block = this.#window.done(event.height, event.digest)
    if (block === undefined) return this.#wentWrong('the program answered for a block that was not next')
    const { height } = block
    const mayTell = height > this.#toldTo
    const { statement, stateRoot, leaves } = event
    if (block.checkpoint && stateRoot !== null) this.#checkpoints?.executed(height, stateRoot, leaves, mayTell)
    try {
      if (statement !== null) this.#testimony.said(block, statement, { mayTell, want: event.want })
    } catch (error) {
      return this.#wentWrong(messageOf(error))
    }
    this.#setDue(event.dueMs)
    this.#options.onExecuted(height)
    this.#pump()
  }

  #setDue(dueMs: number | null): void {
    if (dueMs === this.#dueMs) return
    this.#dueMs = dueMs
    this.#options.archive.setDue(dueMs).catch(this.#options.onStoreFailure)
  }

  /** From here on nothing is executed and nothing signed, until a certified state was restored. */
  #wentWrong(reason: string): void {
    this.#isStarving = false
    this.#halt()
    this.#state = 'resyncing'
    this.#tell({ type: 'went.wrong', reason, epoch: this.#options.epoch() })
  }

  /** What others say of blocks that were executed before a halt is no news. */
  #diverged(reason: string): void {
    if (this.#state === 'running') this.#wentWrong(reason)
  }

  #became(state: ExecutionState, reason: string | null): void {
    if (state !== 'running' && this.#state === 'running') this.#halt()
    this.#state = state
    this.#reason = reason
    this.#options.onState(state, reason)
    if (state === 'running') this.#pump()
  }

  /** Nothing that the program has said is repeated from here on. */
  #halt(): void {
    this.#toldTo = Math.max(this.#toldTo, this.#window.executed)
    this.#testimony.forget()
  }

  /** From a checkpoint that is final here and whose following blocks are kept; the newest there is. */
  async #restore(): Promise<void> {
    const { transfer, program } = this.#options
    const prunedTo = await this.#options.prunedTo()
    // Nobody has let go of it: the store has lost it, and the program lacks nothing else.
    const { handed } = this.#window
    const isLost = this.#isStarving && handed >= prunedTo
    // Fetched and there, and yet it cannot be read: only a state above it helps.
    const isUnreadable = this.#refilledAt === handed
    if (isLost && !isUnreadable && (await this.#options.refill(handed + 1))) {
      this.#refilledAt = handed
      this.#isStarving = false
      return
    }
    const found = await fetchCheckpoint(transfer, (height) => height >= prunedTo && height <= this.#window.final)
    const { height } = found.certificate
    await restorePages(transfer, found, program)
    this.#checkpoints?.adopt(keptOf(found))
    this.#window.reset(height)
    this.#isStarving = false
  }

  #tell(event: ExecutionEvent): void {
    this.#life?.send(event)
  }
}

export function keptOf({ certificate, header, record, leaves }: Fetched): Kept {
  return { certificate, header, record, leaves }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
