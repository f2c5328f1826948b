import type { Certificate, Final, Proposal } from '@brume/consensus'
import { bodyOf, decodeRecord, encodeCommittee, isClosing, readHeader } from '@brume/protocols/quorum'
import type { Kept } from '../checkpoints/archive.ts'
import { QuorumError } from '../errors.ts'
import type { Register } from '../record/register.ts'
import type { Chapter, Floor } from './catch-up.ts'
import type { Ledger, Refill } from './ledger.ts'
import type { AppliedBlock, Ending, FinalBlock, Passed } from './ledger-entries.ts'
import { floorOf, type Skip } from './skip.ts'

export interface MendOptions {
  readonly ledger: Ledger
  readonly groupId: Uint8Array
  readonly genesis: Final
  /** Where the ledger says that the order stands; null where it cannot be read. */
  readonly floor: Final | null
  /** Checkpoints that are kept here, oldest first. */
  readonly kept: readonly Kept[]
  /** A record before the first block. */
  readonly register: () => Register
  /** Blocks above a floor from any member; `pruned` where all that answer have none so old any more. */
  readonly fetch: (floor: Floor, register: Register) => Promise<Chapter | 'pruned' | null>
  /** A certified record above a floor, from any member. */
  readonly skip: (floor: Floor, register: Register) => Promise<Skip | null>
}

/** A ledger's past, whole again, and not written yet. */
export interface Mended {
  readonly register: Register
  readonly final: Final
  readonly refill: Omit<Refill, 'state'>
  /** Where blocks were gone everywhere: the order goes on from there. */
  readonly skip: Skip | null
}

/**
 * Goes through the past again, from the first block or the oldest checkpoint that is kept, up to where the order
 * stood: with own blocks where they are here and follow, else with those of others, each chapter judged by its own
 * committee and finalization. What took effect, and the record, come out of that as they were.
 *
 * @throws QuorumError SYNC where nobody gives what is missing; STORE where the own floor is not that of the group
 */
export async function mend(options: MendOptions): Promise<Mended> {
  const past = await Past.of(options)
  while (!past.isOver) {
    const own = await options.ledger.blockAt(past.final.height + 1)
    if (own !== undefined && own.proposal.parent === past.final.digest) past.takeOwn(own)
    else if (options.floor === null) break
    else await refill(options, past)
  }
  const { floor } = options
  if (floor !== null && past.final.height === floor.height && past.final.digest !== floor.digest) {
    throw new QuorumError('BRUME_QUORUM_STORE', 'the stored floor is on another chain than that of the group')
  }
  return past.outcome()
}

async function refill({ fetch, skip, groupId }: MendOptions, past: Past): Promise<void> {
  const { height } = past.final
  const chapter = await fetch(past.floor, past.register)
  if (chapter === null) throw new QuorumError('BRUME_QUORUM_SYNC', `no member gives blocks above height ${height}`)
  if (chapter !== 'pruned') return past.takeFetched(chapter, groupId)
  const to = await skip(past.floor, past.register)
  if (to === null) throw new QuorumError('BRUME_QUORUM_SYNC', `no member has a checkpoint above height ${height}`)
  past.leap(to)
}

/** The past as far as it was gone through. */
class Past {
  readonly register: Register
  final: Final
  readonly #end: Final | null
  readonly #blocks: AppliedBlock[] = []
  readonly #replayed: AppliedBlock[] = []
  readonly #proofs = new Map<number, Certificate>()
  readonly #endings: { readonly closing: AppliedBlock; readonly ending: Ending }[] = []
  #handovers: ReadonlyMap<number, Passed> = new Map()
  #skip: Skip | null = null

  private constructor(register: Register, final: Final, end: Final | null) {
    this.register = register
    this.final = final
    this.#end = end
  }

  static async of({ ledger, kept, register: found, genesis, floor }: MendOptions): Promise<Past> {
    const prunedTo = await ledger.prunedTo()
    const register = found()
    const isUsable = ({ certificate }: Kept) => certificate.height >= prunedTo
    const base = prunedTo === 0 ? undefined : kept.find(isUsable)
    if (base === undefined) return new Past(register, genesis, floor)
    const record = decodeRecord(base.record)
    const place = readHeader(base.header)
    register.restore(record, place.digest)
    return new Past(register, floorOf(place, record, null), floor)
  }

  get isOver(): boolean {
    return this.#end !== null && this.final.height >= this.#end.height
  }

  /** As `checkChapter` judges what comes next. */
  get floor(): Floor {
    const { committee, nextHash } = this.register
    return { committee, nextHash, final: this.final }
  }

  takeOwn(block: AppliedBlock): void {
    this.#apply(block)
    this.final = finalOf(block.proposal, null)
  }

  /** As far as it is needed; what lies above the own floor comes when the group goes on. */
  takeFetched({ blocks, final }: Chapter, groupId: Uint8Array): void {
    for (const [index, block] of blocks.entries()) {
      if (this.isOver) return
      const applied = this.#apply(block)
      this.#blocks.push(applied)
      this.final = finalOf(block.proposal, block.proposal.digest === final.digest ? final.certificate : null)
      if (this.final.certificate !== null) this.#proofs.set(block.proposal.height, this.final.certificate)
      if (!isClosing(block.proposal)) continue
      // What follows in its chapter made it final and orders nothing.
      this.#endings.push({ closing: applied, ending: this.#endOf(blocks.slice(index + 1), final, groupId) })
      return
    }
  }

  leap(skip: Skip): void {
    const { record, checkpoint } = skip
    this.register.restore(record, checkpoint.place.digest)
    this.final = floorOf(checkpoint.place, record, checkpoint.finalization)
    this.#handovers = new Map([...this.#handovers, ...skip.handovers])
    this.#skip = skip
  }

  outcome(): Mended {
    const refill = {
      blocks: this.#blocks,
      replayed: this.#replayed,
      proofs: this.#proofs,
      endings: this.#endings,
      handovers: this.#handovers
    }
    const isOwn = this.final.height === this.#end?.height && this.#end.digest === this.final.digest
    return { register: this.register, final: isOwn ? this.#end : this.final, refill, skip: this.#skip }
  }

  #apply(block: FinalBlock): AppliedBlock {
    const { effective } = this.register.apply(block.proposal)
    const applied = { ...block, effective }
    this.#replayed.push(applied)
    return applied
  }

  #endOf(tail: readonly FinalBlock[], { certificate }: Final, groupId: Uint8Array): Ending {
    const { members, seed } = this.register.membership
    if (certificate === null) throw new RangeError('a chapter carries its finalization')
    return { finalization: certificate, tail, committee: encodeCommittee(groupId, members), seed }
  }
}

/** A block as what the next one follows: in the next epoch views begin anew. */
function finalOf(proposal: Proposal, certificate: Certificate | null): Final {
  const { height, digest, timeMs } = proposal
  const isEnd = bodyOf(proposal).nextCommittee !== null
  return { view: isEnd ? 0 : proposal.view, height, digest, timeMs, certificate: isEnd ? null : certificate }
}
