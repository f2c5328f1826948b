import { readFileSync } from 'node:fs'
import { CodecError, toHex, Writer } from '@brume/codec'
import { KIND } from '@brume/consensus'
import { auditPath, leafHash, merkleRoot, pageHash, rootFromPath, verify } from '@brume/crypto'
import { assertWithstands } from '@brume/testkit/hostile'
import { describe, expect, test } from 'vitest'
import { writeAttestation } from './attestation.ts'
import { writeCheckpointVote } from './checkpoint.ts'
import {
  ATTEST,
  type Attestation,
  attestedBytes,
  BlockError,
  bodyOf,
  type CheckpointAnswer,
  type CheckpointVote,
  checkpointBytes,
  decodeAttestationCertificate,
  decodeCheckpointAnswer,
  decodeCheckpointCertificate,
  decodePageAnswer,
  decodeSyncRequest,
  encodeAttestationCertificate,
  encodeCheckpointAnswer,
  encodeCheckpointCertificate,
  encodeFrame,
  encodePageAnswer,
  encodeSyncRequest,
  type Frame,
  type PageAnswer,
  readEnvelope,
  readFrame,
  recordDigest,
  type SyncRequest,
  statementDigest,
  stateRootOf
} from './index.ts'
import { block, committee, certificate as finalization, groupId, memberIdentity } from './samples.ts'

const isOwn = (error: unknown) => error instanceof CodecError || error instanceof BlockError
const DOMAIN_OF_PROGRAM = 'sample/attest/1'

const leaves = Array.from({ length: 300 }, (_, i) => Uint8Array.from(Buffer.from(`leaf ${i}`)))
const root = merkleRoot(leaves.map(leafHash))
const record = Uint8Array.from(Buffer.from('a record'))
const [at, signers] = [block, [0, 2, 3]] as const

const outcome = { epoch: 0, view: at.view, statement: statementDigest(Buffer.from('what came of it')) }
function attestationOf(signer: number): Attestation {
  const signature = memberIdentity(signer).sign(attestedBytes(DOMAIN_OF_PROGRAM, outcome.statement))
  return { ...outcome, signer, signature: Uint8Array.from(signature) }
}

const said = {
  epoch: 0,
  height: at.height,
  block: at.digest,
  record: recordDigest(record),
  stateRoot: toHex(stateRootOf(leaves.length, root))
}
function checkpointOf(signer: number): CheckpointVote {
  const signature = memberIdentity(signer).sign(checkpointBytes(committee, said))
  return { ...said, signer, signature: Uint8Array.from(signature) }
}

const attested = {
  ...outcome,
  signers,
  signatures: signers.map((signer) => attestationOf(signer).signature)
}
const checkpoint = { ...said, signers, signatures: signers.map((signer) => checkpointOf(signer).signature) }
const answer: CheckpointAnswer = {
  certificate: checkpoint,
  header: bodyOf(at).header,
  record,
  leaves: leaves.length,
  merkleRoot: root,
  finalization
}
const pages = [leaves.slice(0, 256), leaves.slice(256)]
const page: PageAnswer = { leaves: leaves.slice(256), path: auditPath(pages.map(pageHash), 1) }
const frames: readonly Frame[] = [
  { type: 'outcomes', checkpoints: [checkpointOf(1)], attestations: [attestationOf(0), attestationOf(2)] },
  { type: 'request', epoch: 0, view: 5, want: ATTEST }
]
const requests: readonly SyncRequest[] = [
  { type: 'blocks', groupId, from: 12 },
  { type: 'checkpoint', groupId },
  { type: 'page', groupId, height: 256, page: 3 }
]

test('the bytes are those of vectors.json', () => {
  const bytes = {
    attestation: writeAttestation(new Writer(), attestationOf(1)).finish(),
    attestedBytes: attestedBytes(DOMAIN_OF_PROGRAM, outcome.statement),
    attestationCertificate: encodeAttestationCertificate(attested),
    checkpointVote: writeCheckpointVote(new Writer(), checkpointOf(1)).finish(),
    checkpointBytes: checkpointBytes(committee, said),
    checkpointCertificate: encodeCheckpointCertificate(checkpoint),
    checkpointAnswer: encodeCheckpointAnswer(answer),
    outcomesFrame: encodeFrame(7, frames[0] as Frame),
    checkpointRequest: encodeSyncRequest(requests[1] as SyncRequest),
    pageRequest: encodeSyncRequest(requests[2] as SyncRequest)
  }
  const hex = Object.fromEntries(Object.entries(bytes).map(([name, value]) => [name, toHex(value)]))
  expect(JSON.parse(readFileSync(new URL('vectors.json', import.meta.url), 'utf8')).outcomes).toEqual(hex)
})

describe('what is encoded comes back', () => {
  test('votes have the sizes of the format, and sign what is said', () => {
    expect(writeAttestation(new Writer(), attestationOf(1)).finish()).toHaveLength(114)
    expect(writeCheckpointVote(new Writer(), checkpointOf(1)).finish()).toHaveLength(178)
    const key = memberIdentity(1).publicKey
    expect(verify(key, attestedBytes(DOMAIN_OF_PROGRAM, outcome.statement), attestationOf(1).signature)).toBe(true)
    expect(verify(key, checkpointBytes(committee, said), checkpointOf(1).signature)).toBe(true)
  })

  test.each(frames)('frame $type', (frame) => {
    const { type, content } = readEnvelope(encodeFrame(7, frame))
    expect(readFrame(groupId, type, content)).toEqual(frame)
  })

  test('certificates, requests, answers', () => {
    expect(decodeAttestationCertificate(encodeAttestationCertificate(attested))).toEqual(attested)
    expect(decodeCheckpointCertificate(encodeCheckpointCertificate(checkpoint))).toEqual(checkpoint)
    for (const request of requests) expect(decodeSyncRequest(encodeSyncRequest(request))).toEqual(request)
    expect(decodeCheckpointAnswer(encodeCheckpointAnswer(answer))).toEqual({
      ...answer,
      header: Uint8Array.from(answer.header),
      finalization: { ...finalization, signatures: finalization.signatures.map((bytes) => Uint8Array.from(bytes)) }
    })
    expect(decodeCheckpointAnswer(encodeCheckpointAnswer(null))).toBeNull()
    expect(decodePageAnswer(encodePageAnswer(page))).toEqual(page)
    expect(decodePageAnswer(encodePageAnswer(null))).toBeNull()
  })

  test('a page leads to the root that the state root binds', () => {
    expect(rootFromPath(pageHash(page.leaves), 1, 2, page.path)).toEqual(root)
    expect(toHex(stateRootOf(leaves.length + 1, root))).not.toBe(said.stateRoot)
  })

  test('a statement of one program cannot be passed off as another one’s', () => {
    const other = attestedBytes('other/attest/1', outcome.statement)
    expect(verify(memberIdentity(1).publicKey, other, attestationOf(1).signature)).toBe(false)
  })
})

test('attestations before a checkpoint, votes of the order, and nothing at all are no frame of outcomes', () => {
  const { content } = readEnvelope(encodeFrame(0, frames[0] as Frame))
  const [first, second] = [content.subarray(1, 179), content.subarray(179, 293)]
  const turned = Buffer.concat([Uint8Array.of(2), second, first])
  const order = Buffer.concat([Uint8Array.of(1), Uint8Array.of(KIND.finalize), new Uint8Array(121)])
  for (const bytes of [turned, order, Uint8Array.of(0)]) expect(() => readFrame(groupId, 9, bytes)).toThrow(CodecError)
})

describe('hostile bytes', { timeout: 120_000 }, () => {
  test('frames', () => {
    const samples = frames.map((frame) => encodeFrame(0, frame))
    const decode = (bytes: Uint8Array) => {
      const { type, handle, content } = readEnvelope(bytes)
      if (type !== 9 && type !== 6) throw new CodecError('BRUME_CODEC_SHAPE', 'not here')
      return { handle, frame: readFrame(groupId, type, content) }
    }
    assertWithstands(samples, decode, isOwn, ({ handle, frame }) => encodeFrame(handle, frame))
  })

  test('votes', () => {
    const sample = writeAttestation(new Writer(), attestationOf(1)).finish()
    const read = (bytes: Uint8Array) => readFrame(groupId, 9, Buffer.concat([Uint8Array.of(1), bytes]))
    assertWithstands([sample, writeCheckpointVote(new Writer(), checkpointOf(1)).finish()], read, isOwn, (frame) =>
      encodeFrame(0, frame).subarray(4)
    )
  })

  test('certificates', () => {
    assertWithstands(
      [encodeAttestationCertificate(attested)],
      decodeAttestationCertificate,
      isOwn,
      encodeAttestationCertificate
    )
    assertWithstands(
      [encodeCheckpointCertificate(checkpoint)],
      decodeCheckpointCertificate,
      isOwn,
      encodeCheckpointCertificate
    )
  })

  test('requests and answers', () => {
    assertWithstands(requests.map(encodeSyncRequest), decodeSyncRequest, isOwn, encodeSyncRequest)
    assertWithstands([encodeCheckpointAnswer(answer)], decodeCheckpointAnswer, isOwn, encodeCheckpointAnswer)
    assertWithstands(
      [encodePageAnswer({ ...page, leaves: leaves.slice(0, 3) })],
      decodePageAnswer,
      isOwn,
      encodePageAnswer
    )
  })
})
