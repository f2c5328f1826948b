import { asArray, asBytes, asUint, compare, concat, decode, encode, optional, toHex, utf8 } from '@brume/codec'
import type { Certificate, Final, Proposal } from '@brume/consensus'
import type { Store, StoreOperation } from '@brume/ports'
import {
  bodyOf,
  CLOSINGS_PER_ANSWER_MAX,
  decodeCertificate,
  decodeCommittee,
  decodeMembership,
  decodeSignedBlock,
  encodeMembership,
  type Handover,
  isClosing,
  type ManifestMember,
  type Membership,
  SYNC_BLOCKS_MAX
} from '@brume/protocols/quorum'
import type { Session } from '../commands/sessions.ts'
import { CommandIndex, entriesOf } from './command-index.ts'
import { readable } from './damage.ts'
import {
  type AppliedBlock,
  blockKey,
  blockOperation,
  type Ending,
  effectKey,
  effectOperations,
  endingKey,
  endKey,
  endOperations,
  floorOperation,
  handoverOperations,
  KEY_FINAL,
  noEnding,
  type Passed,
  proofKey,
  proofOperation,
  readEnding,
  readEpoch,
  sessionEnd,
  sessionPrefix,
  TAIL_MAX,
  withTail
} from './ledger-entries.ts'
import { RecordSum } from './sum.ts'

/** Blocks of one answer to a member that catches up, before the last that carries its finalization. */
const ANSWER_BYTES_SOFT_MAX = 524_288

const KEY_MEMBERSHIP = utf8('membership')
/** Not among the sessions, whose keys begin with an s. */
const KEY_SUM = utf8('total')
const SUM_MEMBERSHIP = 'membership'
/** Blocks at and below this height are gone. */
const KEY_PRUNED = Uint8Array.of(0x67, 0x70)

/** Heights of one batch: what was left behind by an older version goes in small steps. */
const PRUNED_AT_ONCE = 256

/** The quorum's own state as it is stored. */
export interface StoredRecord {
  /** Null before the first block. */
  readonly membership: Membership | null
  readonly sessions: readonly (readonly [string, Session])[]
}

/** What a damaged ledger gets back. */
export interface Refill {
  /** Blocks that were missing. */
  readonly blocks: readonly AppliedBlock[]
  /** All blocks whose effect was computed anew, those among them. */
  readonly replayed: readonly AppliedBlock[]
  readonly proofs: ReadonlyMap<number, Certificate>
  readonly endings: readonly { readonly closing: AppliedBlock; readonly ending: Ending }[]
  readonly handovers: ReadonlyMap<number, Passed>
  /** In place of what is stored; null where the process at work keeps them. */
  readonly state: { readonly final: Final; readonly record: StoredRecord } | null
}

/** What final blocks did to the record. */
export interface Changes {
  readonly sessions: readonly (readonly [string, Session])[]
  readonly gone: readonly string[]
  readonly membership: Membership
}

/** Blocks that became final at once, oldest first, and what came of them. */
export interface Append {
  readonly blocks: readonly AppliedBlock[]
  readonly final: Final
  readonly changes: Changes
  /** Where the last of them closed its epoch. */
  readonly ending: Ending | null
}

/**
 * The finalized log of one group in its store: blocks by height, a finalization at the last block of
 * each batch, how each epoch ended, the record, and the floor; all of a batch or nothing.
 */
export class Ledger {
  readonly commands: CommandIndex
  readonly #store: Store
  readonly #groupId: Uint8Array
  /** As it lies in the store: it is written when it changes. */
  #membership: Membership | null = null
  readonly #sum = new RecordSum()
  /** The newest that was given to the store. */
  #floor: Final | null = null

  constructor(store: Store, groupId: Uint8Array) {
    this.#store = store.sub(`quorum/${toHex(groupId)}/`)
    this.commands = new CommandIndex(this.#store)
    this.#groupId = groupId
  }

  async floor(): Promise<Final | undefined> {
    const bytes = await this.#store.get(KEY_FINAL)
    if (bytes === undefined) return undefined
    const [view, height, digest, timeMs, certificate] = asArray(decode(bytes, { bytesMax: 16_384 }), 'floor', 5)
    return {
      view: asUint(view, 'view'),
      height: asUint(height, 'height'),
      digest: toHex(asBytes(digest, 'digest', 32)),
      timeMs: asUint(timeMs, 'timeMs'),
      certificate: optional(certificate, (value) =>
        decodeCertificate(asBytes(value, 'certificate', { min: 1, max: 8_192 }))
      )
    }
  }

  /** The record as it is stored; undefined where it is not whole, or not that of this height. */
  async record(height: number): Promise<StoredRecord | undefined> {
    this.#sum.clear()
    const bytes = await this.#store.get(KEY_MEMBERSHIP)
    if (bytes !== undefined) this.#sum.put(SUM_MEMBERSHIP, bytes)
    const sessions = await this.#sessions()
    const stored = await this.#store.get(KEY_SUM)
    const isWhole = stored === undefined ? height === 0 : compare(stored, this.#sum.encode(height)) === 0
    if (!isWhole || (bytes === undefined) !== (height === 0)) return undefined
    this.#membership = bytes === undefined ? null : decodeMembership(bytes)
    return { membership: this.#membership, sessions }
  }

  async #sessions(): Promise<readonly (readonly [string, Session])[]> {
    const found: (readonly [string, Session])[] = []
    for await (const [key, value] of this.#store.entries({ from: sessionPrefix, to: sessionEnd })) {
      const [sequence, expiresMs] = asArray(decode(value, { bytesMax: 64 }), 'session', 2)
      const name = Buffer.from(key.subarray(1)).toString('latin1')
      this.#sum.put(name, value)
      found.push([name, { sequence: asUint(sequence, 'sequence'), expiresMs: asUint(expiresMs, 'expiresMs') }])
    }
    return found
  }

  /** Writes final blocks with what they did to the record, oldest first: all of it or nothing. */
  async append(appends: readonly Append[]): Promise<void> {
    const operations: StoreOperation[] = []
    for (const { blocks, final, changes, ending } of appends) {
      operations.push(...blocks.map(blockOperation), ...blocks.flatMap(effectOperations))
      if (final.certificate !== null) operations.push(proofOperation(final.height, final.certificate))
      operations.push(floorOperation(final), ...this.#recordOperations(changes, final.height))
      operations.push(...endOperations(blocks, ending), ...(await this.commands.operations(blocks)))
      this.#floor = final
    }
    await this.#store.batch(operations)
  }

  #recordOperations({ sessions, gone, membership }: Changes, height: number): readonly StoreOperation[] {
    const operations: StoreOperation[] = []
    for (const name of gone) {
      this.#sum.delete(name)
      operations.push({ type: 'del', key: concat(sessionPrefix, utf8(name)) })
    }
    for (const [name, { sequence, expiresMs }] of sessions) {
      const value = encode([sequence, expiresMs])
      this.#sum.put(name, value)
      operations.push({ type: 'put', key: concat(sessionPrefix, utf8(name)), value })
    }
    if (membership !== this.#membership) {
      this.#membership = membership
      const value = encodeMembership(membership)
      this.#sum.put(SUM_MEMBERSHIP, value)
      operations.push({ type: 'put', key: KEY_MEMBERSHIP, value })
    }
    return [...operations, { type: 'put', key: KEY_SUM, value: this.#sum.encode(height) }]
  }

  /**
   * Writes the floor so that it, and all that was written before, survives a power cut: then what lies below may be
   * forgotten elsewhere. A newer one that is on its way stays.
   */
  secure(final: Final): Promise<void> {
    const newest = this.#floor !== null && this.#floor.height > final.height ? this.#floor : final
    return this.#store.batch([floorOperation(newest)], { sync: true })
  }

  /** Puts back what was lost, all of it or nothing; resolves when that survives a power cut. */
  async refill({ blocks, replayed, proofs, endings, handovers, state }: Refill): Promise<void> {
    const operations = [...blocks.map(blockOperation), ...blocks.flatMap(entriesOf)]
    for (const block of replayed) {
      operations.push({ type: 'del', key: effectKey(block.proposal.height) }, ...effectOperations(block))
    }
    for (const [height, certificate] of proofs) operations.push(proofOperation(height, certificate))
    for (const { closing, ending } of endings) operations.push(...endOperations([closing], ending))
    operations.push(...handoverOperations(handovers))
    if (state !== null) operations.push(...(await this.#restateOperations(state)))
    await this.#store.batch(operations, { sync: true })
  }

  async #restateOperations({ final, record }: NonNullable<Refill['state']>): Promise<readonly StoreOperation[]> {
    const gone = (await readable(this.#sessions())) ?? []
    this.#sum.clear()
    this.#membership = null
    this.#floor = final
    const { membership, sessions } = record
    if (membership === null) return []
    const changes = { sessions, gone: gone.map(([name]) => name), membership }
    return [floorOperation(final), ...this.#recordOperations(changes, final.height)]
  }

  /** One final block; undefined where it is not here, or not as it was written. */
  async blockAt(height: number): Promise<AppliedBlock | undefined> {
    const bytes = await readable(this.#store.get(blockKey(height)))
    if (bytes === undefined) return undefined
    const block = decodeSignedBlock(this.#groupId, bytes)
    const effective = await readable(this.#effective(block.proposal))
    const isWhole = effective !== undefined && (!isClosing(block.proposal) || (await this.#isEnded(block.proposal)))
    return isWhole ? { ...block, effective } : undefined
  }

  /** Is it kept how the epoch of this closing block ended? */
  async #isEnded({ epoch, height }: Proposal): Promise<boolean> {
    const end = await readable(this.#store.get(endKey(height)))
    return end !== undefined && (await readable(this.#ending(epoch))) !== undefined
  }

  /** Is there any block, whatever the floor says? */
  async hasBlocks(): Promise<boolean> {
    const range = { from: blockKey(0), to: blockKey(Number.MAX_SAFE_INTEGER), limit: 1 }
    for await (const _ of this.#store.entries(range)) return true
    return false
  }

  /** Final blocks from this height on, oldest first. */
  async *blocks(from: number): AsyncIterable<AppliedBlock> {
    const range = { from: blockKey(from), to: blockKey(Number.MAX_SAFE_INTEGER) }
    for await (const [, value] of this.#store.entries(range)) {
      const block = decodeSignedBlock(this.#groupId, value)
      yield { ...block, effective: await this.#effective(block.proposal) }
    }
  }

  async #effective(proposal: Proposal): Promise<readonly number[]> {
    const { height } = proposal
    const commands = bodyOf(proposal).commands.length
    const bytes = await this.#store.get(effectKey(height))
    if (bytes === undefined) return Array.from({ length: commands }, (_, i) => i)
    return asArray(decode(bytes, { bytesMax: 16_384 }), 'effective', { min: 0, max: commands }).map((index) =>
      asUint(index, 'index', commands - 1)
    )
  }

  /**
   * An answer for a member that lacks blocks from this height: it ends where a finalization proves it.
   *
   * @param nearest - end at the first such block, not at the last that fits an answer
   */
  async chapter(
    from: number,
    nearest = false
  ): Promise<{ readonly blocks: readonly Uint8Array[]; readonly finalization: Certificate | null }> {
    const blocks: Uint8Array[] = []
    let proven: { readonly count: number; readonly finalization: Certificate } | null = null
    let bytes = 0
    const range = { from: blockKey(from), to: blockKey(Number.MAX_SAFE_INTEGER), limit: SYNC_BLOCKS_MAX - TAIL_MAX }
    for await (const [key, value] of this.#store.entries(range)) {
      const height = from + blocks.length
      // A hole: what lies above it is for who has what is in it.
      if (compare(key, blockKey(height)) !== 0) break
      blocks.push(value)
      bytes += value.length
      const end = await this.#store.get(endKey(height))
      // The next block is for another committee to judge, and so in another answer.
      if (end !== undefined) return withTail(blocks, await this.#ending(readEpoch(end)))
      const proof = await this.#store.get(proofKey(height))
      if (proof !== undefined) proven = { count: blocks.length, finalization: decodeCertificate(proof) }
      if ((nearest || bytes > ANSWER_BYTES_SOFT_MAX) && proven !== null) break
    }
    if (proven === null) return { blocks: [], finalization: null }
    return { blocks: blocks.slice(0, proven.count), finalization: proven.finalization }
  }

  /** The finalization of just this block, where there is one. */
  async proofAt(height: number): Promise<Certificate | undefined> {
    const bytes = await this.#store.get(proofKey(height))
    return bytes === undefined ? undefined : decodeCertificate(bytes)
  }

  /** Height up to which blocks are gone; 0 = all are here. */
  async prunedTo(): Promise<number> {
    // Unreadable, the blocks that are not here are asked for as if they were lost.
    const bytes = await readable(this.#store.get(KEY_PRUNED))
    return bytes === undefined ? 0 : asUint(decode(bytes, { bytesMax: 16 }), 'height')
  }

  /** Forgets blocks at and below this height, but those that closed an epoch: they lead from one committee to the next. */
  async prune(to: number): Promise<void> {
    for (let from = (await this.prunedTo()) + 1; from <= to; from += PRUNED_AT_ONCE) {
      const last = Math.min(to, from + PRUNED_AT_ONCE - 1)
      const operations: StoreOperation[] = [{ type: 'put', key: KEY_PRUNED, value: encode(last) }]
      for (let height = from; height <= last; height++) {
        if ((await this.#store.get(endKey(height))) !== undefined) continue
        for (const key of [blockKey(height), proofKey(height), effectKey(height)]) operations.push({ type: 'del', key })
      }
      await this.#store.batch(operations)
    }
  }

  /** Who decides in an epoch, and the seed of its leaders. @throws QuorumError STORE where its beginning is not kept */
  async opening(epoch: number): Promise<{ readonly members: readonly ManifestMember[]; readonly seed: Uint8Array }> {
    const { committee, seed } = await this.#ending(epoch - 1)
    if (seed === null) throw noEnding(epoch - 1)
    return { members: decodeCommittee(committee).members, seed }
  }

  /** @throws QuorumError STORE where the end of that epoch is not kept */
  async closing(epoch: number): Promise<Handover> {
    const { header, finalization, committee } = await this.#ending(epoch)
    return { header, finalization, committee }
  }

  /** How epochs ended, from this one on, as far as one answer goes. */
  async closings(from: number): Promise<readonly Handover[]> {
    const found: Handover[] = []
    const range = { from: endingKey(from), to: endingKey(Number.MAX_SAFE_INTEGER), limit: CLOSINGS_PER_ANSWER_MAX }
    for await (const [, value] of this.#store.entries(range)) {
      const { header, finalization, committee } = readEnding(value)
      found.push({ header, finalization, committee })
    }
    return found
  }

  /**
   * Goes on from a record that a quorum has certified: blocks up to there never come.
   *
   * @param handovers - how the epochs between ended, by epoch
   */
  skip(final: Final, changes: Changes, handovers: ReadonlyMap<number, Passed>): Promise<void> {
    const operations = [floorOperation(final), ...handoverOperations(handovers)]
    operations.push(...this.#recordOperations(changes, final.height))
    this.#floor = final
    return this.#store.batch(operations, { sync: true })
  }

  async #ending(epoch: number) {
    const bytes = await this.#store.get(endingKey(epoch))
    if (bytes === undefined) throw noEnding(epoch)
    return readEnding(bytes)
  }
}
