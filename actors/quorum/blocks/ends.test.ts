import { CodecError, toHex } from '@brume/codec'
import { type Certificate, type Committee, certify, KIND, type Proposal, signedBytes } from '@brume/consensus'
import {
  committeeFrom,
  committeeHash,
  decodeClosings,
  decodeManifest,
  decodeSignedBlock,
  encodeClosings,
  encodeCommittee,
  groupIdOf,
  type Handover,
  makeBlock
} from '@brume/protocols/quorum'
import { memoryStore } from '@brume/testkit'
import { assertWithstands } from '@brume/testkit/hostile'
import { describe, expect, test } from 'vitest'
import { founding } from '../record/membership.ts'
import { manifestOf, person } from '../samples.ts'
import { checkChapter, type Floor } from './catch-up.ts'
import { Ledger } from './ledger.ts'
import type { FinalBlock } from './ledger-entries.ts'
import { successor } from './skip.ts'

const bytes = manifestOf([1, 1, 1, 1])
const manifest = decodeManifest(bytes)
const groupId = groupIdOf(bytes)
const { policy, nonce: seed, members } = manifest
const committeeOf = (epoch: number, of = members): Committee =>
  committeeFrom({ groupId, epoch, seed, members: of, policy })
const [first] = [committeeOf(0)]
const fewer = members.slice(1)
const after = encodeCommittee(groupId, fewer)
const nextCommittee = committeeHash(after)

/** Certified by members with these indices. */
function finalize(committee: Committee, block: Proposal, signers: readonly number[] = [0, 1, 2]): Certificate {
  const { epoch, view, parentView, digest } = block
  const statement = { kind: KIND.finalize, epoch, view, parentView, digest }
  const identities = [0, 1, 2, 3].map(person)
  return certify(
    signers.map((signer) => {
      const key = toHex(committee.members[signer]?.key ?? new Uint8Array())
      const identity = identities.find(({ publicKey }) => toHex(publicKey) === key)
      if (identity === undefined) throw new RangeError('no such member')
      return { ...statement, signer, signature: identity.sign(signedBytes(committee, statement)) }
    })
  )
}

interface Below {
  readonly view: number
  readonly height: number
  readonly digest: string
}
const GENESIS: Below = { view: 0, height: 0, digest: toHex(groupId) }

function blockOn(parent: Below, closes: Uint8Array | null, epoch = 0): Proposal {
  const { view: parentView, height, digest } = parent
  const place = { groupId, epoch, view: parentView + 1, height: height + 1, parentView, parent: digest }
  return makeBlock(place, 1_000 + height, [], { nextCommittee: closes, vrfProof: null })
}

const plain = blockOn(GENESIS, null)
const closing = blockOn(plain, nextCommittee)
const above = blockOn(closing, nextCommittee)
const signed = (...proposals: readonly Proposal[]): readonly FinalBlock[] =>
  proposals.map((proposal) => ({ proposal, signature: new Uint8Array(64) }))

describe('who follows an epoch', () => {
  const header = (block: Proposal) => (block.body as { readonly header: Uint8Array }).header
  const handover: Handover = { header: header(closing), finalization: finalize(first, closing), committee: after }

  test('is said by its own committee, by the closing block or by one that made it final', () => {
    const next = successor(first, handover, policy)
    expect([next.epoch, toHex(next.hash), next.members.length]).toEqual([1, toHex(nextCommittee), 3])
    const tail = { ...handover, header: header(above), finalization: finalize(first, above) }
    expect(successor(first, tail, policy).hash).toEqual(next.hash)
  })

  const code = expect.objectContaining({ code: 'BRUME_QUORUM_SYNC' })
  const other = blockOn(GENESIS, nextCommittee)
  test.each<[string, Partial<Handover>, Committee?]>([
    ['too few sign', { finalization: finalize(first, closing, [0, 1]) }],
    ['another block is final', { finalization: finalize(first, other) }],
    ['the block closes nothing', { header: header(plain), finalization: finalize(first, plain) }],
    ['the epoch is another', {}, committeeOf(1)],
    ['the committee is not the one that is named', { committee: encodeCommittee(groupId, members) }],
    ['it is not that committee that signs', {}, committeeOf(0, fewer)]
  ])('is not believed where %s', (_, change, committee = first) => {
    expect(() => successor(committee, { ...handover, ...change }, policy)).toThrow(code)
  })

  test('is not believed on a notarization, or on a signature of somebody else', () => {
    const { finalization } = handover
    const notarized = { ...finalization, kind: KIND.notarize }
    expect(() => successor(first, { ...handover, finalization: notarized }, policy)).toThrow(code)
    const forged = { ...finalization, signatures: finalization.signatures.toReversed() }
    expect(() => successor(first, { ...handover, finalization: forged }, policy)).toThrow(code)
  })

  test('travels in bytes that withstand hostile ones', { timeout: 120_000 }, () => {
    const sample = encodeClosings([handover])
    expect(encodeClosings(decodeClosings(sample))).toEqual(sample)
    assertWithstands([sample], decodeClosings, (error) => error instanceof CodecError, encodeClosings)
  })
})

describe('blocks at the end of an epoch', () => {
  const final = { ...GENESIS, timeMs: 0, certificate: null }
  const floor: Floor = { committee: first, nextHash: nextCommittee, final }
  const chapter = (blocks: readonly Proposal[], finalization: Certificate, at = floor) =>
    checkChapter(at, { blocks: signed(...blocks), finalization, pruned: null })
  const code = expect.objectContaining({ code: 'BRUME_QUORUM_SYNC' })

  test('are believed with those above the closing one that made it final', () => {
    expect(chapter([plain, closing], finalize(first, closing))?.final.digest).toBe(closing.digest)
    expect(chapter([plain, closing, above], finalize(first, above))?.final.digest).toBe(above.digest)
  })

  test('are not believed where one above it says nothing of the end, or others are named than the own record has', () => {
    const forgets = blockOn(closing, null)
    expect(() => chapter([plain, closing, forgets], finalize(first, forgets))).toThrow(code)
    const mistaken = { ...floor, nextHash: new Uint8Array(32) }
    expect(() => chapter([plain, closing], finalize(first, closing), mistaken)).toThrow(code)
    const later = blockOn(plain, nextCommittee, 1)
    expect(() => chapter([plain, later], finalize(first, closing))).toThrow(code)
  })

  test('are served with them, and tell who follows, also when the blocks are gone', async () => {
    const ledger = new Ledger(memoryStore(), groupId)
    const applied = signed(plain, closing).map((block) => ({ ...block, effective: [] }))
    const { height, digest, timeMs } = closing
    const finalization = finalize(first, above)
    const changes = { sessions: [], gone: [], membership: founding(manifest) }
    const ending = { finalization, tail: signed(above), committee: after, seed }
    await ledger.append([
      { blocks: applied, final: { view: 0, height, digest, timeMs, certificate: null }, changes, ending }
    ])
    const { blocks, finalization: proof } = await ledger.chapter(1)
    const digests = blocks.map((block) => decodeSignedBlock(groupId, block).proposal.digest)
    expect(digests).toEqual([plain.digest, closing.digest, above.digest])
    expect(proof?.digest).toBe(above.digest)
    await ledger.prune(height)
    expect(successor(first, await ledger.closing(0), policy).hash).toEqual(nextCommittee)
    expect((await ledger.closings(0)).length).toBe(1)
    expect(await ledger.closings(1)).toEqual([])
    expect((await ledger.opening(1)).members).toEqual(fewer)
  })
})
