import { CodecError } from '@brume/codec'
import { assertWithstands } from '@brume/testkit/hostile'
import { expect, test } from 'vitest'
import {
  type Command,
  decodeAnswer,
  decodeCommand,
  decodeSend,
  decodeTerms,
  encodeAnswer,
  encodeCommand,
  encodeSend,
  encodeTerms,
  Items,
  queryPath,
  readLeaf,
  readQueryPath,
  snapshotOf
} from './index.ts'
import { partsOf, statusField } from './leaves.ts'

const isOwn = (error: unknown) => error instanceof CodecError
const EVENT = { type: 'add', by: 3, list: [1, 'é', null, true], deep: { bytes: new Uint8Array(4) } }
const COMMANDS: readonly Command[] = [
  { kind: 'event', event: EVENT },
  { kind: 'query', name: 'times', args: [1] },
  { kind: 'noop' },
  { kind: 'freeze' }
]

test('commands, answers, sends and terms are read, or refused, whatever comes', () => {
  assertWithstands(COMMANDS.map(encodeCommand), decodeCommand, isOwn, encodeCommand)
  const answer = encodeAnswer({ id: '0a'.repeat(32), outcome: 'ok', value: EVENT })
  assertWithstands([answer], decodeAnswer, isOwn, encodeAnswer)
  const send = encodeSend({ seq: 32_769, prev: 5, to: 'brume://x/y', event: EVENT })
  assertWithstands([send], decodeSend, isOwn, encodeSend)
  const [logicId, inputDigest] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]
  assertWithstands([encodeTerms({ logicId, runtime: 'x', inputDigest, admins: [] })], decodeTerms, isOwn, encodeTerms)
})

test('leaves that are no state are refused', () => {
  const status =
    partsOf(statusField({ status: 'active', frozen: false, keys: ['n'], output: [] }))[0] ?? new Uint8Array()
  const whole = (bytes: Uint8Array) => {
    return snapshotOf(
      new Items([
        ['status', bytes],
        ['value', partsOf('open')[0] ?? bytes],
        ['context/n', Uint8Array.of(7)]
      ])
    )
  }
  expect(whole(status)).toEqual({ status: 'active', frozen: false, value: 'open', context: { n: 7 }, output: [] })
  assertWithstands([status], whole, isOwn)
  assertWithstands([status], readLeaf, isOwn)
})

test('a key, a selector and their arguments may be anything that fits into a path', () => {
  for (const name of ['n', 'a/b', '*', 'é%2F', ' ']) {
    const path = queryPath(name, [name, 1])
    expect(path).not.toContain('*')
    expect(readQueryPath(path)).toEqual({ name, args: [name, 1] })
  }
})
