import { CodecError, toHex } from '@brume/codec'
import { KIND } from '@brume/consensus'
import { RESULT, type SlotCertificate, type SlotKind, type SlotMessage, signedSlotBytes } from '@brume/consensus/slot'
import { assertWithstands } from '@brume/testkit/hostile'
import { describe, expect, test } from 'vitest'
import { committee, groupId, memberIdentity } from './samples.ts'
import {
  decodeSlotCertificate,
  decodeSlotFrame,
  decodeSlotValueRequest,
  encodeSlotCertificate,
  encodeSlotFrame,
  encodeSlotValueRequest
} from './slot.ts'

const slotCommittee = { ...committee, epoch: 7 }

function voteOf(kind: SlotKind, signer: number, view: number) {
  const statement = { kind, epoch: 7, view, digest: kind === KIND.nullify ? '' : 'ab'.repeat(32) }
  const signature = Uint8Array.from(memberIdentity(signer).sign(signedSlotBytes(slotCommittee, statement)))
  return { ...statement, signer, signature }
}

const results = [0, 2, 3].map((signer) => voteOf(RESULT, signer, 0))
const certificate: SlotCertificate = {
  kind: RESULT,
  epoch: 7,
  view: 0,
  digest: 'ab'.repeat(32),
  signers: [0, 2, 3],
  signatures: results.map(({ signature }) => signature)
}
const messages: readonly SlotMessage[] = [
  { type: 'votes', votes: [voteOf(RESULT, 1, 0), voteOf(KIND.nullify, 1, 0), voteOf(KIND.finalize, 1, 2)] },
  { type: 'propose', vote: voteOf(KIND.notarize, 1, 3), results },
  { type: 'propose', vote: voteOf(KIND.notarize, 1, 3), results: [] },
  { type: 'certificate', certificate },
  { type: 'ask', epoch: 7, view: 2 }
]

describe('what is encoded comes back', () => {
  test.each(messages)('frame $type', (message) => {
    expect(decodeSlotFrame(encodeSlotFrame({ groupId, message }))).toEqual({ groupId, message })
  })

  test('a request for a value', () => {
    const request = { groupId, slot: 7, digest: 'cd'.repeat(32) }
    expect(decodeSlotValueRequest(encodeSlotValueRequest(request))).toEqual(request)
  })

  test('votes have the sizes of the format', () => {
    const size = (kind: SlotKind, view: number) =>
      encodeSlotFrame({ groupId, message: { type: 'votes', votes: [voteOf(kind, 0, view)] } }).length - 34
    expect([size(RESULT, 0), size(KIND.notarize, 1), size(KIND.nullify, 0), size(KIND.finalize, 0)]).toEqual([
      114, 114, 82, 114
    ])
  })
})

test('what is signed of a result: domain, group, slot, committee, view, digest', () => {
  const domain = Buffer.from('brume/quorum-result/1\0').toString('hex')
  const numbers = ['0000000000000007', '0000000000000000']
  const expected = `${domain}${toHex(groupId)}${numbers[0]}${toHex(committee.hash)}${numbers[1]}${'ab'.repeat(32)}`
  expect(toHex(signedSlotBytes(slotCommittee, voteOf(RESULT, 0, 0)))).toBe(expected)
})

const isOwn = (error: unknown) => error instanceof CodecError

test('hostile frames', { timeout: 120_000 }, () => {
  const samples = messages.map((message) => encodeSlotFrame({ groupId, message }))
  assertWithstands(samples, decodeSlotFrame, isOwn, encodeSlotFrame)
})

test('hostile certificates', { timeout: 120_000 }, () => {
  assertWithstands([encodeSlotCertificate(certificate)], decodeSlotCertificate, isOwn, encodeSlotCertificate)
})
