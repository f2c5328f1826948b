import { readFileSync } from 'node:fs'
import { CodecError, toHex } from '@brume/codec'
import { KIND, signedBytes } from '@brume/consensus'
import { verify } from '@brume/crypto'
import { assertWithstands } from '@brume/testkit/hostile'
import { describe, expect, test } from 'vitest'
import {
  BlockError,
  decodeCall,
  decodeCertificate,
  decodeManifest,
  decodeSignedBlock,
  decodeSyncAnswer,
  encodeCertificate,
  encodeFrame,
  encodeHello,
  encodeManifest,
  encodeSignedBlock,
  encodeSyncAnswer,
  encodeSyncRequest,
  FRAME,
  isSigned,
  ManifestError,
  readEnvelope,
  readFrame,
  readHello
} from './index.ts'
import { block, call, certificate, committee, frames, groupId, manifest, memberIdentity, voteOf } from './samples.ts'

const isOwn = (error: unknown) =>
  error instanceof CodecError || error instanceof BlockError || error instanceof ManifestError
const signature = voteOf(KIND.notarize, 1).signature
const signedBlock = encodeSignedBlock(block, signature)
const greetings = [{ groupId, epoch: 0, handle: 7, restarted: true }]

/** With bytes as hex: a Buffer and a Uint8Array of the same bytes are the same here. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return toHex(value)
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]))
}

/** Everything that is fixed for good: a change here changes what peers of two versions say to each other. */
function vectors(): Record<string, string> {
  const entries: Record<string, Uint8Array> = {
    manifest,
    groupId,
    committeeHash: committee.hash,
    call,
    block: signedBlock,
    signedNotarize: signedBytes(committee, voteOf(KIND.notarize, 0)),
    signedNullify: signedBytes(committee, voteOf(KIND.nullify, 0)),
    certificate: encodeCertificate(certificate),
    hello: encodeHello(greetings),
    syncRequest: encodeSyncRequest({ type: 'blocks', groupId, from: 12 }),
    syncAnswer: encodeSyncAnswer([signedBlock], certificate)
  }
  for (const frame of frames) entries[`frame ${frame.type}`] = encodeFrame(7, frame)
  const hex = Object.fromEntries(Object.entries(entries).map(([name, bytes]) => [name, toHex(bytes)]))
  return { ...hex, blockDigest: block.digest, leaders: committee.leaders.join(' ') }
}

test('the bytes are those of vectors.json', () => {
  expect(JSON.parse(readFileSync(new URL('vectors.json', import.meta.url), 'utf8'))).toMatchObject(vectors())
})

describe('what is encoded comes back', () => {
  test.each(frames)('frame $type', (frame) => {
    const { type, handle, content } = readEnvelope(encodeFrame(7, frame))
    expect(handle).toBe(7)
    expect(plain(readFrame(groupId, type, content))).toEqual(plain(frame))
  })

  test('hello, manifest, sync', () => {
    expect(readHello(readEnvelope(encodeHello(greetings)).content)).toEqual(greetings)
    expect(encodeManifest(decodeManifest(manifest))).toEqual(manifest)
    const answer = decodeSyncAnswer(groupId, encodeSyncAnswer([signedBlock], certificate))
    expect(plain(answer)).toEqual(
      plain({ blocks: [{ proposal: block, signature }], finalization: certificate, pruned: null })
    )
  })

  test('a call is signed by its client, and by nobody else', () => {
    const decoded = decodeCall(call)
    expect(isSigned(decoded)).toBe(true)
    expect(isSigned({ ...decoded, client: memberIdentity(1).publicKey })).toBe(false)
    expect(isSigned({ ...decoded, sequence: decoded.sequence + 1 })).toBe(false)
  })

  test('votes of the three kinds have the sizes of the format, and sign what is said', () => {
    const sizes = frames
      .flatMap((frame) => (frame.type === 'votes' ? frame.votes : []))
      .map((vote) => {
        expect(verify(memberIdentity(0).publicKey, signedBytes(committee, vote), vote.signature)).toBe(true)
        return encodeFrame(0, { type: 'votes', view: 0, final: 0, votes: [vote] }).length - 20
      })
    expect(sizes).toEqual([122, 82, 122])
  })
})

describe('hostile bytes', () => {
  test('frames of every type', { timeout: 120_000 }, () => {
    const samples = frames.map((frame) => encodeFrame(0, frame))
    const decode = (bytes: Uint8Array) => {
      const { type, handle, content } = readEnvelope(bytes)
      if (type === FRAME.hello) throw new CodecError('BRUME_CODEC_SHAPE', 'not here')
      return { handle, frame: readFrame(groupId, type, content) }
    }
    assertWithstands(samples, decode, isOwn, ({ handle, frame }) => encodeFrame(handle, frame))
  })

  test('hello', { timeout: 120_000 }, () => {
    assertWithstands([encodeHello(greetings).subarray(3)], readHello, isOwn, (value) => encodeHello(value).subarray(3))
  })

  test('calls', { timeout: 120_000 }, () => {
    assertWithstands([call], decodeCall, isOwn)
  })

  test('blocks', { timeout: 120_000 }, () => {
    const decode = (bytes: Uint8Array) => decodeSignedBlock(groupId, bytes)
    assertWithstands([signedBlock], decode, isOwn, ({ proposal, signature: by }) => encodeSignedBlock(proposal, by))
  })

  test('certificates', { timeout: 120_000 }, () => {
    assertWithstands([encodeCertificate(certificate)], decodeCertificate, isOwn, encodeCertificate)
  })

  test('sync answers', { timeout: 120_000 }, () => {
    const answer = encodeSyncAnswer([signedBlock], certificate)
    assertWithstands([answer], (bytes) => decodeSyncAnswer(groupId, bytes), isOwn)
  })
})
