import { CodecError } from '@brume/codec'
import { assertWithstands } from '@brume/testkit/hostile'
import { expect, test } from 'vitest'
import { someActor, someOptions } from './fixture.ts'
import type { StoredActor } from './port.ts'
import { decodeRecord, encodeRecord } from './record.ts'
import {
  decodeBoot,
  decodeEntry,
  decodeOutbox,
  decodeReply,
  decodeTombstone,
  decodeWatermark,
  encodeBoot,
  encodeEntry,
  encodeOutbox,
  encodeReply,
  encodeTombstone,
  encodeWatermark
} from './values.ts'

const full: StoredActor = someActor('shop/order', {
  status: 'backoff',
  state: ['active', { pay: 'card' }, { total: 12.5, items: ['a', 'b'], blob: Uint8Array.of(1, 2) }],
  children: [{ id: 'pay', src: 'payer', incarnation: 5, input: { n: 1 }, syncSnapshot: true, systemId: 'till' }],
  timers: [
    { id: 'late', dueMs: 1_767_225_600_001, delayMs: 1_000, event: { type: 'late', by: 0.5 }, to: null },
    { id: 'other', dueMs: 9_000_000_000_000, delayMs: 5, event: { type: 'x' }, to: 'brume://a/b' }
  ],
  watching: ['brume://a/b#7'],
  restarts: 3,
  outNext: 99,
  parent: { path: 'shop', id: 'order', src: 'orders' },
  failure: 'Error: boom',
  wake: true,
  options: {
    ...someOptions,
    durability: 'journal',
    mailbox: { max: 7, overflow: 'dropOldest' },
    supervise: { strategy: 'restart', max: 4, withinMs: 10 },
    passivateMs: 0,
    allow: ['12D3'],
    resume: 'restart',
    keepAll: true
  }
})

/** Maps come back without a prototype. */
const plain = (value: unknown): unknown => structuredClone(value)

test.each([
  ['full', full],
  ['empty', someActor('a')],
  ['halfway', someActor('a', { options: { ...someOptions, mailbox: {}, supervise: { strategy: 'stop' } } })]
])('a record comes back as it was: %s', (_, actor) => {
  expect(plain(decodeRecord(encodeRecord(actor)))).toEqual(actor)
})

const isOwn = (error: unknown): boolean => error instanceof CodecError

const records = [encodeRecord(full), encodeRecord(someActor('a'))]
const outbox = { kind: 'run', target: 'mail', prev: 4, body: { type: 'x', n: 1.5 }, expiresMs: 1e12 } as const
const entry = { seq: 4, atMs: 1_767_225_600_000, sender: 'brume://a/b#1', event: { type: 'add', by: 2 } }
const reply = { expiresMs: 1e12, code: 'full', value: [1, 2] } as const
const mark = { incarnation: 2 ** 40, seq: 2 ** 33, day: 20_000 }

test('every stored value comes back as it was', () => {
  expect(plain(decodeOutbox(encodeOutbox(outbox)))).toEqual(outbox)
  expect(plain(decodeEntry(4, encodeEntry(entry)))).toEqual(entry)
  expect(plain(decodeReply(encodeReply(reply)))).toEqual(reply)
  expect(decodeReply(encodeReply({ ...reply, code: 'ok' })).code).toBe('ok')
  expect(decodeWatermark(encodeWatermark(mark))).toEqual(mark)
  expect(decodeBoot(encodeBoot(3, 1e12))).toEqual({ boot: 3, aliveMs: 1e12 })
  expect(decodeTombstone(encodeTombstone(5, Uint8Array.of(1)))).toEqual({ expiresMs: 5, record: Uint8Array.of(1) })
})

test('hostile records are refused, or mean one thing', () => {
  assertWithstands(records, decodeRecord, isOwn, encodeRecord)
}, 120_000)

test('hostile outboxes, entries, replies and watermarks are refused, or mean one thing', () => {
  assertWithstands([encodeOutbox(outbox)], decodeOutbox, isOwn, encodeOutbox)
  assertWithstands([encodeEntry(entry)], (bytes) => decodeEntry(4, bytes), isOwn, encodeEntry)
  assertWithstands([encodeReply(reply)], decodeReply, isOwn, encodeReply)
  assertWithstands([encodeWatermark(mark)], decodeWatermark, isOwn, encodeWatermark)
  assertWithstands([encodeTombstone(5, records[1] as Uint8Array)], decodeTombstone, isOwn, (tombstone) =>
    encodeTombstone(tombstone.expiresMs, tombstone.record)
  )
}, 120_000)
