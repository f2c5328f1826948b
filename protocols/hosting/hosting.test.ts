import { CodecError, toHex } from '@brume/codec'
import { assertWithstands } from '@brume/testkit/hostile'
import { expect, test } from 'vitest'
import {
  decodeHostingAnswer,
  decodeHostingRequest,
  encodeHostingAnswer,
  encodeHostingRequest,
  HOSTING_PROTOCOL,
  type HostingAnswer,
  type HostingRequest
} from './index.ts'

const manifest = Uint8Array.of(1, 2, 3)
const requests: readonly HostingRequest[] = [
  { type: 'host', manifest, input: null },
  { type: 'host', manifest, input: Uint8Array.of(0xa0) },
  { type: 'manifest', groupId: new Uint8Array(32).fill(7) },
  { type: 'send', proof: Uint8Array.of(9) }
]
const answers: readonly HostingAnswer[] = [
  { type: 'done' },
  { type: 'manifest', manifest },
  { type: 'manifest', manifest: null },
  { type: 'refused', code: 'BRUME_RUNTIME_PROGRAM', message: 'counter is not registered here' }
]

test('what is asked and answered comes back as it was', () => {
  expect(requests.map((one) => decodeHostingRequest(encodeHostingRequest(one)))).toEqual(requests)
  expect(answers.map((one) => decodeHostingAnswer(encodeHostingAnswer(one)))).toEqual(answers)
})

test('the bytes stay what they are', () => {
  expect([...requests.map(encodeHostingRequest), ...answers.map(encodeHostingAnswer)].map(toHex)).toEqual([
    '830043010203f6',
    '83004301020341a0',
    `82015820${'07'.repeat(32)}`,
    '82024109',
    '8100',
    '820143010203',
    '8201f6',
    '8302754252554d455f52554e54494d455f50524f4752414d781e636f756e746572206973206e6f7420726567697374657265642068657265'
  ])
})

test('the largest request and answer fit, and a long message is cut between characters', () => {
  const largest = { type: 'host', manifest: new Uint8Array(65_536), input: new Uint8Array(65_536) } as const
  expect(encodeHostingRequest(largest).length).toBeLessThanOrEqual(HOSTING_PROTOCOL.requestBytesMax)
  const answer = encodeHostingAnswer({ type: 'manifest', manifest: new Uint8Array(65_536) })
  expect(answer.length).toBeLessThanOrEqual(HOSTING_PROTOCOL.answerBytesMax)
  const long = decodeHostingAnswer(encodeHostingAnswer({ type: 'refused', code: 'X', message: 'ü'.repeat(300) }))
  expect(long).toEqual({ type: 'refused', code: 'X', message: 'ü'.repeat(256) })
  const odd = decodeHostingAnswer(encodeHostingAnswer({ type: 'refused', code: 'X', message: `a${'ü'.repeat(300)}` }))
  expect(odd).toEqual({ type: 'refused', code: 'X', message: `a${'ü'.repeat(255)}` })
})

test('hostile requests and answers', { timeout: 240_000 }, () => {
  const isOwn = (error: unknown): boolean => error instanceof CodecError
  const asked = requests.map(encodeHostingRequest)
  assertWithstands(asked, decodeHostingRequest, isOwn, encodeHostingRequest)
  assertWithstands(answers.map(encodeHostingAnswer), decodeHostingAnswer, isOwn, encodeHostingAnswer)
})
