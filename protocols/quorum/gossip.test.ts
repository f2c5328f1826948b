import { readFileSync } from 'node:fs'
import { CodecError, toHex } from '@brume/codec'
import { KIND } from '@brume/consensus'
import { verify } from '@brume/crypto'
import { assertWithstands } from '@brume/testkit/hostile'
import { describe, expect, test } from 'vitest'
import {
  BlockError,
  encodeGossip,
  encodeGossipFrame,
  encodeGossipPresence,
  GOSSIP,
  GOSSIP_VOTES_MAX,
  type Gossip,
  type GossipFrame,
  outlineOf,
  presenceBytes,
  readGossip
} from './index.ts'
import { block, call, certificate, committee, groupId, memberIdentity, voteOf } from './samples.ts'

const isOwn = (error: unknown) => error instanceof CodecError || error instanceof BlockError
const again = { attempt: 0x0102, isDirect: true }
const signature = voteOf(KIND.notarize, 1).signature

const frames: readonly GossipFrame[] = [
  { type: 'votes', view: 5, final: 4, votes: [voteOf(KIND.notarize, 2), voteOf(KIND.finalize, 2)] },
  { type: 'propose', proposal: block, signature },
  { type: 'outline', outline: outlineOf(block, signature) },
  { type: 'certificate', certificate },
  { type: 'command', command: call }
]

const presence = {
  epoch: 0,
  signer: 2,
  signature: Uint8Array.from(memberIdentity(2).sign(presenceBytes(committee)))
}

function encode(gossip: Gossip): Uint8Array {
  if (gossip.type === 'evidence') return encodeGossip(GOSSIP.evidence, gossip.content)
  if (gossip.type === 'presence') return encodeGossipPresence(gossip.attempt, gossip.presence)
  return encodeGossipFrame(gossip, gossip.frame)
}

test('the bytes are those of vectors.json', () => {
  const hex = Object.fromEntries(frames.map((frame) => [frame.type, toHex(encodeGossipFrame(again, frame))]))
  hex.presence = toHex(encodeGossipPresence(0x0102, presence))
  expect(JSON.parse(readFileSync(new URL('vectors.json', import.meta.url), 'utf8')).gossip).toEqual(hex)
})

describe('what is gossiped comes back', () => {
  test.each(frames)('frame $type', (frame) => {
    for (const sent of [again, { attempt: 0xffff, isDirect: false }])
      expect(readGossip(groupId, encodeGossipFrame(sent, frame))).toEqual({ type: 'frame', ...sent, frame })
  })

  test('presence, signed for one committee', () => {
    const sent = { type: 'presence', attempt: 3, presence } as const
    expect(readGossip(groupId, encode(sent))).toEqual(sent)
    const key = memberIdentity(2).publicKey
    expect(verify(key, presenceBytes(committee), presence.signature)).toBe(true)
    expect(verify(key, presenceBytes({ ...committee, epoch: 1 }), presence.signature)).toBe(false)
  })

  test('a resend has other bytes and the same content', () => {
    const [votes] = frames as [GossipFrame]
    const bytes = [0, 1].map((attempt) => encodeGossipFrame({ attempt, isDirect: false }, votes))
    expect(bytes[0]).not.toEqual(bytes[1])
    expect(bytes[0]?.subarray(3)).toEqual(bytes[1]?.subarray(3))
  })

  test('as many votes as may be still have the size that net floods', () => {
    const votes = Array.from({ length: GOSSIP_VOTES_MAX }, () => voteOf(KIND.notarize, 0))
    expect(encodeGossipFrame(again, { type: 'votes', view: 1, final: 0, votes }).length).toBeLessThanOrEqual(1_024)
  })
})

describe('what nobody should relay is refused', () => {
  const mark = { type: 'votes', view: 5, final: 4 } as const
  const notarization = { ...certificate, kind: KIND.notarize } as const
  const refused: readonly (readonly [string, GossipFrame])[] = [
    ['votes of two signers', { ...mark, votes: [voteOf(KIND.notarize, 0), voteOf(KIND.notarize, 1)] }],
    ['too many votes', { ...mark, votes: Array.from({ length: 9 }, () => voteOf(KIND.notarize, 0)) }],
    ['a certificate that is no finalization', { type: 'certificate', certificate: notarization }],
    ['a large command', { type: 'command', command: new Uint8Array(8_193) }]
  ]
  test.each(refused)('%s', (_, frame) => {
    expect(() => readGossip(groupId, encodeGossipFrame(again, frame))).toThrow(CodecError)
  })

  test('flags and types that are not there', () => {
    const bytes = encodeGossipFrame(again, frames[0] as GossipFrame)
    expect(() => readGossip(groupId, bytes.with(3, 2))).toThrow(CodecError)
    for (const type of [0, 8, 255]) expect(() => readGossip(groupId, bytes.with(0, type))).toThrow(CodecError)
  })

  test('a block of another group', () => {
    const other = new Uint8Array(32)
    for (const frame of frames.slice(1, 3))
      expect(() => readGossip(other, encodeGossipFrame(again, frame))).toThrow(BlockError)
  })
})

test('withstands hostile bytes', () => {
  const samples = [
    encodeGossip(GOSSIP.evidence, Uint8Array.of(1, 2)),
    encode({ type: 'presence', attempt: 3, presence }),
    ...frames.map((f) => encodeGossipFrame(again, f))
  ]
  assertWithstands(samples, (bytes) => readGossip(groupId, bytes), isOwn, encode)
}, 60_000)
