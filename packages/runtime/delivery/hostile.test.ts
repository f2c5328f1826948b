import { CodecError, encode } from '@brume/codec'
import { assertWithstands } from '@brume/testkit/hostile'
import { expect, test } from 'vitest'
import { Fence } from './fence.ts'
import { PEERS } from './fixture.ts'
import { type Control, DeliveryError, encodeFrame, LINK_RULES } from './index.ts'
import { Link, type LinkSink } from './link.ts'
import { decodeValue, encodeValue } from './values.ts'

const [self = '', peer = ''] = PEERS
const book = `brume://${self}/book`
const event = encode({ type: 'note', n: 1 })
const none = new Uint8Array(0)
const message = { ...{ pair: 1, seq: 1, delta: 0, ttlMs: 1_000, ask: 1, durable: false }, ...{ key: null, event } }

const controls: readonly Control[] = [
  { type: 'pair', pair: 1, from: 'a', incarnation: 1, to: book },
  { type: 'close', pair: 1 },
  { type: 'nack', pair: 1, seq: 1, code: 'full', retryMs: 9 },
  { type: 'reply', ask: 1, code: 'ok', value: event },
  { type: 'watch', id: 1, target: book, known: 7 },
  { type: 'cancel', id: 1 },
  { type: 'down', id: 1, reason: 'done', incarnation: 1, output: none },
  { type: 'read', id: 1, kind: 'events', target: book, filter: '*', from: 0 },
  { type: 'item', id: 1, code: 'ok', more: true, last: false, value: event },
  { type: 'moved', pair: 1, taken: 0, address: 'brume://b/moved' },
  { type: 'command', id: 3, target: 'brume://b/x', body: event }
]

const samples = [
  encodeFrame({ type: 'hello', session: new Uint8Array(8), opening: 1, heard: null }),
  encodeFrame({ type: 'messages', messages: [message, { ...message, seq: 2, delta: 1 }] }),
  encodeFrame({ type: 'ack', opening: 1, acks: [{ pair: 1, seq: 1, state: 1 }] }),
  encodeFrame({ type: 'credit', opening: 1, limitBytes: 1_000 }),
  ...controls.map((control, index) => encodeFrame({ type: 'control', number: (index % 3) + 1, control }))
]

/** Takes every message and never answers. */
const sink: LinkSink = {
  encode: encodeValue,
  decode: decodeValue,
  codeOf: () => 'failed',
  shown: () => undefined,
  admit: (from) => ({ sender: from, address: from }),
  refusal: () => 'forbidden',
  receive: () => undefined,
  obey: () => Promise.resolve(null),
  moved: () => undefined,
  count: () => undefined,
  soon: () => undefined
}

test('a link that hears hostile frames ends the stream or goes on, and holds no more than it may', () => {
  const fence = new Fence(LINK_RULES)
  const fresh = (): Link => {
    const link = new Link({ session: new Uint8Array(8).fill(9), fence, rules: LINK_RULES, sink, nowMs: 0 })
    link.frame(samples[0] ?? none, 0)
    return link
  }
  let link = fresh()
  let heard = 0
  const hear = (body: Uint8Array): void => {
    heard += 1
    try {
      link.frame(body, heard)
    } catch (error) {
      link.end()
      link = fresh()
      throw error
    }
    link.requests.watch(`brume://${peer}/x`, () => undefined)
    expect(link.incoming.heldBytes).toBeLessThan(1_400_000)
    expect(link.queuedBytes).toBeLessThan(4_500_000)
  }
  assertWithstands(samples, hear, (error) => error instanceof CodecError || error instanceof DeliveryError)
})
