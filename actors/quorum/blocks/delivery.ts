import { type Committee, type Final, leaderOf } from '@brume/consensus'
import type { Clock } from '@brume/ports'
import {
  bodyOf,
  committeeFrom,
  type Evidence,
  encodeCommittee,
  isClosing,
  type Manifest
} from '@brume/protocols/quorum'
import type { Execution } from '../execution/execution.ts'
import type { Block } from '../ports.ts'
import type { Applied, Register } from '../record/register.ts'
import { SystemCall } from '../record/system.ts'
import { type Inspector, isRefused } from './inspector.ts'
import type { Ledger } from './ledger.ts'
import type { AppliedBlock, Ending, FinalBlock } from './ledger-entries.ts'
import { Scribe } from './scribe.ts'
import type { Skip } from './skip.ts'

export interface DeliveryOptions {
  readonly ledger: Ledger
  readonly clock: Clock
  readonly execution: Execution
  readonly inspector: Inspector
  readonly groupId: Uint8Array
  readonly manifest: Manifest
  readonly register: Register
  readonly onStoreFailure: (error: unknown) => void
}

/** What final blocks came to. */
export interface Delivered {
  /** Those that count: after one that closes its epoch none of the same epoch does. */
  readonly blocks: readonly AppliedBlock[]
  /** Where the epoch at hand stands now: after its closing block, the genesis of the next. */
  readonly final: Final
  /** By each of these somebody loses its place. */
  readonly warranted: readonly Evidence[]
  readonly turn: Applied['turn']
}

/** Final blocks on their way out of consensus: the record decides what takes effect, then ledger and execution get it. */
export class Delivery {
  readonly #options: DeliveryOptions
  readonly #scribe: Scribe

  constructor(options: DeliveryOptions) {
    this.#options = options
    this.#scribe = new Scribe(options.ledger, options.clock, options.onStoreFailure)
  }

  /** Blocks that became final, oldest first. Delivered at once: a quorum holds them, whatever happens to this disk. */
  final(blocks: readonly FinalBlock[], final: Final): Delivered {
    const { register, execution } = this.#options
    const last = blocks.findIndex(({ proposal }) => isClosing(proposal))
    const counting = last === -1 ? blocks : blocks.slice(0, last + 1)
    const { committee, membership } = register
    let turn: Applied['turn'] = null
    const warranted: Evidence[] = []
    const applied = counting.map((block): AppliedBlock => {
      const { effective, ...done } = register.apply(block.proposal)
      turn = done.turn
      warranted.push(...done.warranted)
      // In the turn in which the record stands at this block: a checkpoint takes both.
      const { header } = bodyOf(block.proposal)
      execution.deliver(this.#blockOf({ ...block, effective }, committee, membership.seed), header)
      return { ...block, effective }
    })
    const closing = counting.at(-1)
    const floor = turn === null || closing === undefined ? final : genesisAfter(closing)
    const changes = { ...register.takeChanges(), membership: register.membership }
    const ending = turn === null ? null : this.#endOf(blocks.slice(counting.length), final)
    this.#scribe.append({ blocks: applied, final: floor, changes, ending })
    return { blocks: applied, final: floor, warranted, turn }
  }

  /** Resolves when everything so far is in the store. */
  written(): Promise<void> {
    return this.#scribe.written()
  }

  /** Final blocks from this height on, as far as they are kept. */
  async *from(height: number): AsyncIterable<Block> {
    await this.written()
    let at: { readonly committee: Committee; readonly seed: Uint8Array } | null = null
    for await (const block of this.#options.ledger.blocks(height)) {
      if (at?.committee.epoch !== block.proposal.epoch) at = await this.#epochOf(block.proposal.epoch)
      yield this.#blockOf(block, at.committee, at.seed)
    }
  }

  /** Goes on from a record that a quorum has certified; resolves when that survives a power cut. */
  skip({ record, checkpoint, handovers }: Skip, final: Final): Promise<void> {
    const { ledger, register, execution } = this.#options
    register.restore(record, final.digest)
    const changes = { ...register.takeChanges(), membership: register.membership }
    const write = this.#scribe.next(() => ledger.skip(final, changes, handovers))
    return write.then(() => ledger.prune(record.height)).then(() => execution.leap(checkpoint))
  }

  /** Who decided in these epochs, as far as it is kept. */
  async committeesOf(epochs: readonly number[]): Promise<readonly Committee[]> {
    const found = await Promise.all(epochs.map((epoch) => this.#epochOf(epoch).catch(() => null)))
    return found.flatMap((at) => at?.committee ?? [])
  }

  async #epochOf(epoch: number): Promise<{ readonly committee: Committee; readonly seed: Uint8Array }> {
    const { ledger, register, manifest, groupId } = this.#options
    if (epoch === register.committee.epoch) return { committee: register.committee, seed: register.membership.seed }
    const { policy, nonce } = manifest
    const before = epoch === 0 ? { members: manifest.members, seed: nonce } : await ledger.opening(epoch)
    return { committee: committeeFrom({ groupId, epoch, policy, ...before }), seed: before.seed }
  }

  /** How the epoch ended, and what the next one needs to be known by. */
  #endOf(tail: readonly FinalBlock[], { certificate }: Final): Ending {
    const { members, seed } = this.#options.register.membership
    if (certificate === null) throw new RangeError('a block is final only by a certificate')
    return { finalization: certificate, tail, committee: encodeCommittee(this.#options.groupId, members), seed }
  }

  #blockOf({ proposal, effective }: AppliedBlock, committee: Committee, seed: Uint8Array): Block {
    const { inspector, manifest } = this.#options
    const { epoch, view, height, parent, digest, timeMs } = proposal
    const { commands } = bodyOf(proposal)
    const taking = effective.flatMap((index) => {
      const command = commands[index]
      const inspected = command === undefined ? undefined : inspector.inspect(command)
      if (command === undefined || inspected === undefined || isRefused(inspected)) return []
      if (inspected instanceof SystemCall) return []
      return [{ ...command, ...inspected, index }]
    })
    return {
      ...{ epoch, view, height, digest, previous: parent, timeMs, seed, commands: taking },
      leader: leaderOf(committee, view),
      checkpoint: height % manifest.pace.checkpointBlocks === 0 || isClosing(proposal)
    }
  }
}

/** The block that closed an epoch, as the first parent of the next. */
function genesisAfter({ proposal: { height, digest, timeMs } }: FinalBlock): Final {
  return { view: 0, height, digest, timeMs, certificate: null }
}
