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
  { kind: 'freeze', successor: null },
  { kind: 'freeze', successor: 'brume://group/x/y' },
  { kind: 'sent', proof: Uint8Array.of(1, 2) }
]

test('commands, answers, sends and terms are read, or refused, whatever comes', () => {
  assertWithstands(COMMANDS.map(encodeCommand), decodeCommand, isOwn, encodeCommand)
  const answer = encodeAnswer({ id: '0a'.repeat(32), outcome: 'ok', value: EVENT })
  assertWithstands([answer], decodeAnswer, isOwn, encodeAnswer)
  const send = encodeSend({ seq: 32_769, prev: 5, to: 'brume://x/y', event: EVENT })
  assertWithstands([send], decodeSend, isOwn, encodeSend)
  const [logicId, inputDigest] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]
  const origin = { groupId: logicId, version: 2 }
  const upgraded = encodeTerms({ logicId, runtime: 'x', inputDigest, admins: [], origin })
  assertWithstands(
    [encodeTerms({ logicId, runtime: 'x', inputDigest, admins: [], origin: null }), upgraded],
    decodeTerms,
    isOwn,
    encodeTerms
  )
})

const SAID = { status: 'active', frozen: true, successor: 'brume://group/x/y', output: [], tags: ['late'] } as const

test('leaves that are no state are refused', () => {
  const status = partsOf(statusField({ ...SAID, keys: ['n'] }))[0] ?? new Uint8Array()
  const whole = (bytes: Uint8Array) => {
    return snapshotOf(
      new Items([
        ['status', bytes],
        ['value', partsOf('open')[0] ?? bytes],
        ['context/n', Uint8Array.of(7)]
      ])
    )
  }
  expect(whole(status)).toEqual({ ...SAID, value: 'open', context: { n: 7 } })
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
