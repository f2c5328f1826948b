import { asArray, asBytes, asUint, concat, decode, encode, fromHex, optional, toHex, utf8, Writer } from '@brume/codec'
import type { Certificate, Final, Proposal } from '@brume/consensus'
import type { Store, StoreOperation } from '@brume/ports'
import {
  decodeCertificate,
  decodeSignedBlock,
  encodeCertificate,
  encodeSignedBlock,
  SYNC_BLOCKS_MAX
} from '@brume/protocols/quorum'
import type { Session } from '../commands/sessions.ts'

/** Blocks of one answer to a member that catches up, before the last that carries its finalization. */
const ANSWER_BYTES_SOFT_MAX = 524_288

const KEY_FINAL = utf8('final')

const blockKey = (height: number) => new Writer(9).u8(0x62).u64(height).finish()
const proofKey = (height: number) => new Writer(9).u8(0x70).u64(height).finish()
/** Which commands of a block took effect; absent where all did. */
const effectKey = (height: number) => new Writer(9).u8(0x65).u64(height).finish()
const sessionPrefix = Uint8Array.of(0x73)
const sessionEnd = Uint8Array.of(0x74)

/** A block that is final, with its leader's signature. */
export interface FinalBlock {
  readonly proposal: Proposal
  readonly signature: Uint8Array
}

/** With the places in the payload of the commands that took effect. */
export interface AppliedBlock extends FinalBlock {
  readonly effective: readonly number[]
}

/**
 * The finalized log of one group in its store: blocks by height, a finalization at the last block of
 * each batch, the sessions, and the floor; all of a batch or nothing.
 */
export class Ledger {
  readonly #store: Store
  readonly #groupId: Uint8Array

  constructor(store: Store, groupId: Uint8Array) {
    this.#store = store.sub(`quorum/${toHex(groupId)}/`)
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

  async sessions(): Promise<readonly (readonly [string, Session])[]> {
    const found: (readonly [string, Session])[] = []
    for await (const [key, value] of this.#store.entries({ from: sessionPrefix, to: sessionEnd })) {
      const [sequence, expiresMs] = asArray(decode(value, { bytesMax: 64 }), 'session', 2)
      const name = Buffer.from(key.subarray(1)).toString('latin1')
      found.push([name, { sequence: asUint(sequence, 'sequence'), expiresMs: asUint(expiresMs, 'expiresMs') }])
    }
    return found
  }

  /** Writes final blocks, oldest first, with what they did to sessions. */
  append(
    blocks: readonly AppliedBlock[],
    final: Final,
    changed: { readonly sessions: readonly (readonly [string, Session])[]; readonly gone: readonly string[] }
  ): Promise<void> {
    const operations: StoreOperation[] = blocks.map(({ proposal, signature }) => ({
      type: 'put',
      key: blockKey(proposal.height),
      value: encodeSignedBlock(proposal, signature)
    }))
    for (const { proposal, effective } of blocks) {
      if (effective.length === proposal.commands) continue
      operations.push({ type: 'put', key: effectKey(proposal.height), value: encode([...effective]) })
    }
    const certificate = final.certificate === null ? null : encodeCertificate(final.certificate)
    if (certificate !== null) operations.push({ type: 'put', key: proofKey(final.height), value: certificate })
    operations.push({ type: 'put', key: KEY_FINAL, value: encodeFloor(final, certificate) })
    for (const [name, { sequence, expiresMs }] of changed.sessions) {
      operations.push({ type: 'put', key: concat(sessionPrefix, utf8(name)), value: encode([sequence, expiresMs]) })
    }
    for (const name of changed.gone) operations.push({ type: 'del', key: concat(sessionPrefix, utf8(name)) })
    return this.#store.batch(operations)
  }

  /** Writes the floor so that it survives a power cut: then what lies below may be forgotten elsewhere. */
  secure(final: Final): Promise<void> {
    const certificate = final.certificate === null ? null : encodeCertificate(final.certificate)
    return this.#store.batch([{ type: 'put', key: KEY_FINAL, value: encodeFloor(final, certificate) }], { sync: true })
  }

  /** Final blocks from this height on, oldest first. */
  async *blocks(from: number): AsyncIterable<AppliedBlock> {
    const range = { from: blockKey(from), to: blockKey(Number.MAX_SAFE_INTEGER) }
    for await (const [, value] of this.#store.entries(range)) {
      const block = decodeSignedBlock(this.#groupId, value)
      yield { ...block, effective: await this.#effective(block.proposal) }
    }
  }

  async #effective({ height, commands }: Proposal): Promise<readonly number[]> {
    const bytes = await this.#store.get(effectKey(height))
    if (bytes === undefined) return Array.from({ length: commands }, (_, i) => i)
    return asArray(decode(bytes, { bytesMax: 16_384 }), 'effective', { min: 0, max: commands }).map((index) =>
      asUint(index, 'index', commands - 1)
    )
  }

  /** An answer for a member that lacks blocks from this height: it ends where a finalization proves it. */
  async chapter(
    from: number
  ): Promise<{ readonly blocks: readonly Uint8Array[]; readonly finalization: Certificate | null }> {
    const blocks: Uint8Array[] = []
    let proven: { readonly count: number; readonly finalization: Certificate } | null = null
    let bytes = 0
    const range = { from: blockKey(from), to: blockKey(Number.MAX_SAFE_INTEGER), limit: SYNC_BLOCKS_MAX }
    for await (const [, value] of this.#store.entries(range)) {
      blocks.push(value)
      bytes += value.length
      const proof = await this.#store.get(proofKey(from + blocks.length - 1))
      if (proof !== undefined) proven = { count: blocks.length, finalization: decodeCertificate(proof) }
      if (bytes > ANSWER_BYTES_SOFT_MAX && proven !== null) break
    }
    if (proven === null) return { blocks: [], finalization: null }
    return { blocks: blocks.slice(0, proven.count), finalization: proven.finalization }
  }
}

function encodeFloor({ view, height, digest, timeMs }: Final, certificate: Uint8Array | null): Uint8Array {
  return encode([view, height, fromHex(digest), timeMs, certificate])
}
