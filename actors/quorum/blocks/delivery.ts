import { type Committee, type Final, leaderOf } from '@brume/consensus'
import { bodyOf, type Manifest } from '@brume/protocols/quorum'
import { type Sessions, sessionKey } from '../commands/sessions.ts'
import type { Execution } from '../execution/execution.ts'
import type { Block, Inspected } from '../ports.ts'
import { type Inspector, isRefused } from './judge.ts'
import type { AppliedBlock, FinalBlock, Ledger } from './ledger.ts'

/** Sessions are swept for expired ones once in so much group time. */
const SWEEP_EVERY_MS = 1_000

/** Final blocks on their way out of consensus: sessions decide what takes effect, then the ledger and the execution get it. */
export class Delivery {
  readonly #ledger: Ledger
  readonly #execution: Execution
  readonly #inspector: Inspector
  readonly #manifest: Manifest
  readonly #committee: Committee
  readonly #sessions: Sessions
  readonly #onStoreFailure: (error: unknown) => void
  #sweptMs = 0
  #written: Promise<void> = Promise.resolve()

  constructor(options: {
    readonly ledger: Ledger
    readonly execution: Execution
    readonly inspector: Inspector
    readonly manifest: Manifest
    readonly committee: Committee
    readonly sessions: Sessions
    readonly onStoreFailure: (error: unknown) => void
  }) {
    this.#ledger = options.ledger
    this.#execution = options.execution
    this.#inspector = options.inspector
    this.#manifest = options.manifest
    this.#committee = options.committee
    this.#sessions = options.sessions
    this.#onStoreFailure = options.onStoreFailure
  }

  /** Blocks that became final, oldest first. Delivered at once: a quorum holds them, whatever happens to this disk. */
  final(blocks: readonly FinalBlock[], final: Final): void {
    const touched = new Set<string>()
    const applied = blocks.map((block) => this.#apply(block, touched))
    const gone = final.timeMs - this.#sweptMs < SWEEP_EVERY_MS ? [] : this.#sessions.forget(final.timeMs)
    if (gone.length > 0) this.#sweptMs = final.timeMs
    for (const block of applied) this.#execution.deliver(this.#blockOf(block))
    // Encoding and writing take a tenth of a view's CPU: after this turn, whose votes others wait for.
    const changed = { sessions: this.#sessions.snapshot(touched), gone }
    const write = this.#written.then(() => this.#ledger.append(applied, final, changed))
    this.#written = write.catch((error: unknown) => this.#onStoreFailure(error))
  }

  /** Resolves when everything so far is in the store. */
  written(): Promise<void> {
    return this.#written
  }

  /** Brings the program from its own height to the ledger's. */
  async replay(fromHeight: number): Promise<void> {
    for await (const block of this.#ledger.blocks(fromHeight + 1)) this.#execution.deliver(this.#blockOf(block))
  }

  #apply(block: FinalBlock, touched: Set<string>): AppliedBlock {
    const effective: number[] = []
    bodyOf(block.proposal).commands.forEach((command, index) => {
      const inspected = this.#inspector.inspect(command)
      if (isRefused(inspected) || !this.#sessions.take(inspected)) return
      touched.add(sessionKey(inspected))
      effective.push(index)
    })
    return { ...block, effective }
  }

  #blockOf({ proposal, effective }: AppliedBlock): Block {
    const { epoch, view, height, parent, digest, timeMs } = proposal
    const { commands } = bodyOf(proposal)
    const taking = effective.flatMap((index) => {
      const command = commands[index]
      const inspected = command === undefined ? undefined : this.#inspector.inspect(command)
      if (command === undefined || inspected === undefined || isRefused(inspected)) return []
      return [{ ...command, ...(inspected satisfies Inspected), index }]
    })
    const { nonce: seed, pace } = this.#manifest
    return {
      ...{ epoch, view, height, digest, previous: parent, timeMs, seed, commands: taking },
      leader: leaderOf(this.#committee, view),
      checkpoint: height % pace.checkpointBlocks === 0
    }
  }
}
