import { CodecError, encode, fromHex, toHex } from '@brume/codec'
import { assertWithstands } from '@brume/testkit/hostile'
import { expect, test } from 'vitest'
import {
  decodeStandby,
  encodeStandby,
  SHIP_BYTES_MAX,
  SHIP_ENTRIES_MAX,
  type Ship,
  STANDBY_CHANNEL,
  type StandbyFrame
} from './standby.ts'

const bytes = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value)
const [id, hash] = [bytes(16, 1), bytes(32, 2)]
const ship: Ship = {
  ...{ type: 'ship', id, epoch: 3, fromSeq: 9, prevHash: hash },
  ...{ entries: [bytes(2, 7), bytes(1, 8)], record: null }
}

const frames: readonly StandbyFrame[] = [
  ship,
  { ...ship, entries: [], record: bytes(3, 9) },
  { type: 'shipAck', id, epoch: 3, seq: 10, hash },
  { type: 'beacon', n: 5 },
  { type: 'beaconAck', n: 2 ** 53 - 1 }
]

test('what is shipped and acknowledged comes back as it was', () => {
  expect(frames.map((frame) => decodeStandby(encodeStandby(frame)))).toEqual(frames)
})

test('the bytes stay what they are', () => {
  const [one, two] = [`50${'01'.repeat(16)}`, `5820${'02'.repeat(32)}`]
  expect(frames.map(encodeStandby).map(toHex)).toEqual([
    `8701${one}0309${two}824207074108f6`,
    `8701${one}0309${two}8043090909`,
    `8502${one}030a${two}`,
    '820305',
    '82041b001fffffffffffff'
  ])
})

test('the largest ship fits a frame, and one more entry does not', () => {
  const large = { ...ship, epoch: 2 ** 53 - 1, fromSeq: 2 ** 53 - 1, entries: [bytes(SHIP_BYTES_MAX - 5, 1)] }
  expect(encodeStandby(large).length).toBeLessThanOrEqual(STANDBY_CHANNEL.frameBytesMax)
  const most = { ...ship, entries: Array.from({ length: SHIP_ENTRIES_MAX }, () => bytes(1, 1)) }
  expect(decodeStandby(encodeStandby(most))).toEqual(most)
  const over = encodeStandby({ ...most, entries: [...most.entries, bytes(1, 1)] })
  expect(() => decodeStandby(over)).toThrow(CodecError)
})

test.each<readonly [string, Uint8Array]>([
  ['of an unknown type', encode([5, 1])],
  ['without a number', encode([3])],
  ['with a number below zero', encode([3, -1])],
  ['with one field too many', encode([4, 1, 1])],
  ['with a short id', encode([2, bytes(15, 1), 1, 1, hash])],
  ['with a long hash', encode([2, id, 1, 1, bytes(33, 1)])],
  ['with an empty entry', encode([1, id, 1, 1, hash, [bytes(0, 0)], null])],
  ['with an entry that is none', encode([1, id, 1, 1, hash, ['x'], null])],
  ['with a record of no bytes', encode([1, id, 1, 1, hash, [], bytes(0, 0)])],
  ['with bytes after it', fromHex('82030500')],
  ['that is longer than its number needs', fromHex('82031805')]
])('a frame %s is refused', (_what, body) => {
  expect(() => decodeStandby(body)).toThrow(CodecError)
})

test('hostile bytes are refused, or mean what they encode to', { timeout: 240_000 }, () => {
  const isOwn = (error: unknown): boolean => error instanceof CodecError
  assertWithstands<StandbyFrame>(frames.map(encodeStandby), decodeStandby, isOwn, encodeStandby)
})
