import { CodecError } from '@brume/codec'
import { assertWithstands } from '@brume/testkit/hostile'
import { expect, test } from 'vitest'
import { RuntimeError } from '../../error.ts'
import { SELF, someActor } from '../durable/fixture.ts'
import type { OutboxEntry } from '../durable/port.ts'
import { encodeReply, encodeWatermark } from '../durable/values.ts'
import { decodeParcel, encodeParcel, type Packed } from './parcel.ts'

const from = `brume://${SELF}/shop`
const mail: OutboxEntry = { kind: 'mail', target: `brume://${SELF}/x`, prev: 0, body: { type: 'hi' }, expiresMs: 9e12 }
const [key, mark] = [new Uint8Array(16), encodeWatermark({ incarnation: 1, seq: 2, day: 3 })]
const reply = encodeReply({ expiresMs: 9e12, code: 'ok', value: 5 })

const root: Packed = {
  actor: someActor('shop', { state: ['active', {}, { n: 1.5 }] }),
  outbox: [{ seq: 7, ...mail }],
  belongings: { marks: [[from, key, mark]], replies: [[key, reply]] },
  formers: [[`brume://${SELF}/old`, 9]]
}
const nothing = { outbox: [], belongings: { marks: [], replies: [] }, formers: [] }
const child: Packed = {
  actor: someActor('shop/till', { parent: { path: 'shop', id: 'till', src: 'tills' } }),
  ...nothing
}

test('a root and what it started come back as they were', () => {
  expect(structuredClone(decodeParcel(encodeParcel([root, child]), from))).toEqual([root, child])
})

test('only the root that was announced is taken, and what lies below it', () => {
  const other = { ...child, actor: someActor('bank/till', { parent: { path: 'shop', id: 'till', src: 'tills' } }) }
  for (const actors of [[child], [root, other], [root, root]])
    expect(() => decodeParcel(encodeParcel(actors), from)).toThrow(CodecError)
})

test('hostile bytes are refused', { timeout: 240_000 }, () => {
  const isOwn = (error: unknown): boolean => error instanceof CodecError || error instanceof RuntimeError
  assertWithstands([[root], [root, child]].map(encodeParcel), (bytes) => decodeParcel(bytes, from), isOwn)
})
