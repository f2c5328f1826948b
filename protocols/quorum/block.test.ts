import { CodecError, encode, fromHex } from '@brume/codec'
import { KIND } from '@brume/consensus'
import { DOMAIN, hash } from '@brume/crypto'
import { assertWithstands } from '@brume/testkit/hostile'
import { expect, test } from 'vitest'
import { BlockError, bodyOf, decodeSignedBlock, encodeSignedBlock, isClosing, makeBlock, readBlock } from './index.ts'
import { block, closingBlock, committee, groupId, voteOf } from './samples.ts'

const signature = voteOf(KIND.notarize, 1).signature
const bytes = encodeSignedBlock(closingBlock, signature)

test('a block that closes an epoch says so, names who follows, and counts as work although it is empty', () => {
  const { proposal } = decodeSignedBlock(groupId, bytes)
  expect(isClosing(proposal)).toBe(true)
  expect(isClosing(block)).toBe(false)
  expect(bodyOf(proposal).nextCommittee).toEqual(committee.hash)
  expect(bodyOf(proposal).vrfProof).toEqual(new Uint8Array(80).fill(7))
  expect([proposal.commands, bodyOf(proposal).commands.length]).toEqual([1, 0])
  expect(
    makeBlock({ groupId, epoch: 0, view: 1, height: 1, parentView: 0, parent: '00'.repeat(32) }, 1, []).commands
  ).toBe(0)
})

test('the flag and the name of the next committee go together, and no other flag is known', () => {
  const { payload } = bodyOf(block)
  const place = [1, groupId, 0, 5, 3, 4, fromHex(block.parent), hash(DOMAIN.quorumBody, payload), payload.length, 1]
  const read = (flags: number, next: Uint8Array | null) => () =>
    readBlock(groupId, encode([...place, flags, next, null]), payload)
  expect(read(0, null)).not.toThrow()
  expect(read(1, committee.hash)).not.toThrow()
  for (const [flags, next] of [
    [1, null],
    [0, committee.hash],
    [2, null],
    [3, committee.hash]
  ] as const) {
    expect(read(flags, next)).toThrow(CodecError)
  }
})

test('closing blocks withstand hostile bytes', { timeout: 120_000 }, () => {
  const isOwn = (error: unknown) => error instanceof CodecError || error instanceof BlockError
  const read = (input: Uint8Array) => decodeSignedBlock(groupId, input)
  assertWithstands([bytes], read, isOwn, ({ proposal, signature: by }) => encodeSignedBlock(proposal, by))
})
