import { readFileSync } from 'node:fs'
import { CodecError, toHex } from '@brume/codec'
import { assertWithstands } from '@brume/testkit/hostile'
import { expect, test } from 'vitest'
import {
  type ClientAnswer,
  type ClientRequest,
  decodeClientFrame,
  encodeClientAnswer,
  encodeClientRequest
} from './index.ts'
import { block, call, certificate, groupId, manifest } from './samples.ts'

const asked = { groupId, number: 7 }
const bundle = Uint8Array.of(1, 2, 3)
const payload = (block.body as { payload: Uint8Array }).payload
const leaves = [{ leaf: Uint8Array.of(9), index: 2, count: 3, path: [new Uint8Array(32)] }]

const requests: readonly ClientRequest[] = [
  { ...asked, type: 'order', epoch: 3, everySigner: true, command: call },
  { ...asked, type: 'read', epoch: 0, level: 'certified', atLeast: 12, paths: ['value', 'answer/*'] },
  { ...asked, type: 'fence' },
  { ...asked, type: 'blocks', epoch: 1, from: 5 },
  { ...asked, type: 'manifest' },
  { ...asked, type: 'forget' }
]

const answers: readonly ClientAnswer[] = [
  { number: 7, type: 'notarized', bundle, payload },
  { number: 7, type: 'final', bundle, payload: null },
  { number: 7, type: 'attested', bundle },
  { number: 7, type: 'refused', code: 'SEQUENCE_OLD', height: 4, message: 'too late' },
  { number: 7, type: 'leaves', height: 4, leaves, bundle: null },
  { number: 7, type: 'leaves', height: 4, leaves: null, bundle: null },
  { number: 7, type: 'fenced', certificate },
  { number: 7, type: 'fenced', certificate: null },
  { number: 7, type: 'blocks', bundle, payloads: [payload] },
  { number: 7, type: 'manifest', manifest: manifest.slice(0, 80) }
]

const frames = [...requests.map(encodeClientRequest), ...answers.map(encodeClientAnswer)]

function again(frame: ReturnType<typeof decodeClientFrame>): Uint8Array {
  return 'request' in frame ? encodeClientRequest(frame.request) : encodeClientAnswer(frame.answer)
}

test('what a client asks and a member answers comes back as it was', () => {
  for (const bytes of frames) expect(toHex(again(decodeClientFrame(bytes)))).toBe(toHex(bytes))
  expect(decodeClientFrame(frames[1] ?? bundle)).toEqual({ request: requests[1] })
})

test('the bytes are those of vectors.json', () => {
  const { clients } = JSON.parse(readFileSync(new URL('vectors.json', import.meta.url), 'utf8'))
  expect(frames.map(toHex)).toEqual(clients)
})

test('hostile frames', { timeout: 240_000 }, () => {
  assertWithstands(frames, decodeClientFrame, (error) => error instanceof CodecError, again)
})
