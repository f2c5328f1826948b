import { readFileSync } from 'node:fs'
import { CodecError, fromHex } from '@brume/codec'
import { assertWithstands } from '@brume/testkit/hostile'
import { expect, test } from 'vitest'
import { ACTORS_CHANNEL, DeliveryError, decodeFrame, encodeFrame, type Frame, type Message } from './index.ts'
import { sampleFrames, vectorsOf } from './samples.ts'

const isOwn = (error: unknown): boolean => error instanceof CodecError || error instanceof DeliveryError

test.each(Object.entries(sampleFrames))('%s comes back as it was sent', (_name, frame) => {
  expect(decodeFrame(encodeFrame(frame))).toEqual(frame)
})

test('vectors.json is what this code makes and reads', () => {
  const vectors: Record<string, string> = JSON.parse(readFileSync(new URL('./vectors.json', import.meta.url), 'utf8'))
  expect(vectorsOf()).toEqual(vectors)
  for (const [name, hex] of Object.entries(vectors)) expect(decodeFrame(fromHex(hex))).toEqual(sampleFrames[name])
})

test('a message has a head of 25 bytes, and as much more as its flags say', () => {
  const event = new Uint8Array(10)
  const message: Message = {
    ...{ pair: 1, seq: 1, delta: 0, ttlMs: 1, ask: 0, durable: true },
    ...{ key: null, event }
  }
  const bytesOf = (more: Partial<Message>): number =>
    encodeFrame({ type: 'messages', messages: [{ ...message, ...more }] }).length
  expect(bytesOf({})).toBe(3 + 25 + 10)
  expect(bytesOf({ ask: 1, key: new Uint8Array(16) })).toBe(3 + 25 + 20 + 10)
  const largest = { ask: 1, key: new Uint8Array(16), event: new Uint8Array(65_536) }
  expect(bytesOf(largest)).toBeLessThanOrEqual(ACTORS_CHANNEL.frameBytesMax)
})

test.each<readonly [string, string]>([
  ['of an unknown type', '0d0000000000000001'],
  ['with a flag nobody knows', '010001000000010000000000000001000000001000000001000000'],
  ['with more messages than bytes', '01ffff'],
  ['with a seq of 0', `010001${'00000001'}${'0000000000000000'}${'00000000'}00${'00000001'}${'00000000'}`],
  ['with an event longer than allowed', `010001${'00000001'}${'0000000000000001'}${'00000000'}00${'00000001'}00010001`],
  ['that waits longer than seven days', `010001${'00000001'}${'0000000000000001'}${'00000000'}00${'2419ea01'}00000000`],
  ['without acks', '03000000010000'],
  ['with an ack of state 2', `03000000010001${'00000001'}${'0000000000000001'}02`],
  ['with a refusal that is none', `040000000000000001${'00000001'}${'0000000000000001'}00${'00000000'}`]
])('a frame %s is refused', (_what, hex) => {
  expect(() => decodeFrame(fromHex(hex))).toThrow(expect.toSatisfy(isOwn))
})

test('hostile bytes are refused, or mean what they encode to', () => {
  const samples = Object.values(sampleFrames).map(encodeFrame)
  assertWithstands<Frame>(samples, decodeFrame, isOwn, encodeFrame)
})
