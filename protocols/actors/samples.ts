import { encode, toHex } from '@brume/codec'
import { type Control, encodeFrame, type Frame, type Message } from './index.ts'

const bytes = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value)
const PEER = '12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5'
const event = encode({ type: 'add', by: 2 })

const plain: Message = {
  ...{ pair: 7, seq: 9, delta: 2, ttlMs: 30_000, ask: 0, durable: false },
  ...{ key: null, event }
}
const full: Message = { ...plain, seq: 2 ** 53 - 1, delta: 0xffff_ffff, ask: 5, durable: true, key: bytes(16, 3) }

const controls: Readonly<Record<string, Control>> = {
  pair: { type: 'pair', pair: 7, from: 'shop/cart', incarnation: 2_097_153, to: `brume://${PEER}/till#3` },
  close: { type: 'close', pair: 7 },
  nack: { type: 'nack', pair: 7, seq: 9, code: 'full', retryMs: 50 },
  reply: { type: 'reply', ask: 5, code: 'ok', value: encode([1, 'two']) },
  refused: { type: 'reply', ask: 5, code: 'overload', value: bytes(0, 0) },
  watch: { type: 'watch', id: 1, target: `brume://${PEER}/till`, known: null },
  again: { type: 'watch', id: 1, target: `brume://${PEER}/till`, known: 2_097_153 },
  cancel: { type: 'cancel', id: 1 },
  down: { type: 'down', id: 1, reason: 'done', incarnation: 2_097_153, output: encode(42) },
  alive: { type: 'down', id: 1, reason: 'alive', incarnation: 2_097_153, output: bytes(0, 0) },
  moved: { type: 'moved', pair: 7, taken: 9, address: `brume://${PEER}/till` },
  command: { type: 'command', id: 3, target: `brume://${PEER}/till`, body: encode({ do: 'stop' }) },
  read: { type: 'read', id: 2, kind: 'events', target: `brume://${PEER}/till`, filter: '*', from: 0 },
  item: { type: 'item', id: 2, code: 'ok', more: true, last: false, value: event },
  last: { type: 'item', id: 2, code: 'ok', more: false, last: true, value: bytes(0, 0) }
}

const heard = { session: bytes(8, 2), opening: 4, limitBytes: 1_048_576 }

/** One frame of each kind, by name. */
export const sampleFrames: Readonly<Record<string, Frame>> = {
  hello: { type: 'hello', session: bytes(8, 1), opening: 1, heard: null },
  heard: { type: 'hello', session: bytes(8, 1), opening: 3, heard },
  messages: { type: 'messages', messages: [plain, full] },
  ack: {
    type: 'ack',
    opening: 4,
    acks: [
      { pair: 0, seq: 12, state: 0 },
      { pair: 7, seq: 9, state: 1 }
    ]
  },
  credit: { type: 'credit', opening: 4, limitBytes: 2_097_152 },
  ...Object.fromEntries(
    Object.entries(controls).map(([name, control], index) => [name, { type: 'control', number: index + 1, control }])
  )
}

/** The content of `vectors.json`: the body of each frame in hex. */
export function vectorsOf(): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(sampleFrames).map(([name, frame]) => [name, toHex(encodeFrame(frame))]))
}
