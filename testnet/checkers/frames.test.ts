import { fromHex, toHex } from '@brume/codec'
import { KIND, signedBytes } from '@brume/consensus'
import { type Identity, identityFromSeed } from '@brume/crypto'
import { committeeOf, encodeFrame, makeBlock } from '@brume/protocols/quorum'
import { expect, test } from 'vitest'
import { type GroupMember, makeGroup } from '../runner/group-manifest.ts'
import { readCommittee } from './committee.ts'
import { readTapped } from './frames.ts'
import { isSignedBy } from './statement.ts'

const IDENTITIES = [1, 2, 3, 4].map((byte) => identityFromSeed(new Uint8Array(32).fill(byte)))
const { manifest, groupId } = makeGroup('counter', IDENTITIES.map(memberOf), new Uint8Array(32).fill(9))
const COMMITTEE = committeeOf(manifest)
const CHECKED = readCommittee(manifest)

function memberOf(identity: Identity): GroupMember {
  return { identity, weight: 1, operator: '', site: '' }
}

function signerOf(index: number): (typeof IDENTITIES)[number] {
  const key = COMMITTEE.members[index]?.key ?? new Uint8Array()
  const found = IDENTITIES.find(({ publicKey }) => toHex(publicKey) === toHex(key))
  if (found === undefined) throw new Error('no such member')
  return found
}

test('reads the committee of a manifest as production does', () => {
  expect(toHex(CHECKED.groupId)).toBe(groupId)
  expect(toHex(CHECKED.committeeHash)).toBe(toHex(COMMITTEE.hash))
  expect(CHECKED.quorum).toBe(COMMITTEE.quorum)
  expect(CHECKED.weights).toEqual(COMMITTEE.members.map(({ weight }) => weight))
})

test.each([1, 2, 4, 16, 31, 100])('of %i equal members the same weight decides', (count) => {
  const identities = Array.from({ length: count }, (_, i) => identityFromSeed(new Uint8Array(32).fill(i + 1)))
  const group = makeGroup('counter', identities.map(memberOf), new Uint8Array(32))
  expect(readCommittee(group.manifest).quorum).toBe(committeeOf(group.manifest).quorum)
})

test('reads votes of every kind out of a frame, and their signatures hold', () => {
  const votes = [KIND.notarize, KIND.nullify, KIND.finalize].map((kind, signer) => {
    const digest = kind === KIND.nullify ? '' : 'ab'.repeat(32)
    const statement = { kind, epoch: 0, view: 7, parentView: kind === KIND.nullify ? 0 : 6, digest }
    return { ...statement, signer, signature: signerOf(signer).sign(signedBytes(COMMITTEE, statement)) }
  })
  const frame = encodeFrame(3, { type: 'votes', view: 8, final: 6, votes })
  const seen = readTapped(Buffer.from(frame))?.votes ?? []
  expect(seen.map(({ kind, signer, epoch, view }) => [kind, signer, epoch, view])).toEqual([
    [1, 0, 0, 7],
    [2, 1, 0, 7],
    [3, 2, 0, 7]
  ])
  for (const vote of seen) {
    const key = CHECKED.keys[vote.signer]
    expect(key !== undefined && isSignedBy(key, CHECKED, vote)).toBe(true)
    expect(key !== undefined && isSignedBy(key, CHECKED, { ...vote, view: 8 })).toBe(false)
  }
})

test('reads a proposal: place, digest, and the leader’s vote in its signature', () => {
  const place = { groupId: fromHex(groupId), epoch: 0, view: 7, height: 5, parentView: 6, parent: 'cd'.repeat(32) }
  const proposal = makeBlock(place, 1_000, [])
  const signature = signerOf(2).sign(signedBytes(COMMITTEE, { ...proposal, kind: KIND.notarize }))
  const block = readTapped(Buffer.from(encodeFrame(0, { type: 'propose', proposal, signature })))?.block
  expect(block).toMatchObject({ epoch: 0, view: 7, height: 5, digest: proposal.digest })
  const key = CHECKED.keys[2]
  expect(key !== undefined && block !== undefined && isSignedBy(key, CHECKED, block.notarize)).toBe(true)
})

test('what is cut short or of another type is no vote', () => {
  const vote = {
    kind: KIND.nullify,
    epoch: 0,
    view: 7,
    parentView: 0,
    digest: '',
    signer: 0,
    signature: new Uint8Array(64)
  }
  const frame = Buffer.from(encodeFrame(0, { type: 'votes', view: 8, final: 6, votes: [vote] }))
  for (let length = 0; length < frame.length; length++) expect(readTapped(frame.subarray(0, length))).toBeUndefined()
  expect(
    readTapped(Buffer.from(encodeFrame(0, { type: 'status', epoch: 0, view: 1, final: 0, height: 0 })))
  ).toBeUndefined()
})
