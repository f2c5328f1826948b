import { CodecError, toHex } from '@brume/codec'
import { assertWithstands } from '@brume/testkit/hostile'
import { expect, test } from 'vitest'
import { commandId } from './call.ts'
import {
  BlockError,
  COMMANDS_PROTOCOL,
  decodeCommandsAnswer,
  decodeCommandsRequest,
  encodeCommandsAnswer,
  encodeCommandsRequest,
  fillOutline,
  outlineOf
} from './index.ts'
import { block, call, groupId } from './samples.ts'

const idOf = (bytes: Uint8Array) => toHex(commandId(bytes))
const commands = [call, new Uint8Array(300).fill(1), new Uint8Array(20_000).fill(2)]
const ids = commands.map(idOf)
const isOwn = (error: unknown) => error instanceof CodecError || error instanceof BlockError

test('commands come by their ids, missing ones are told', () => {
  expect(decodeCommandsRequest(encodeCommandsRequest({ groupId, ids })).ids).toEqual(ids)
  const answer = encodeCommandsAnswer([commands[0], undefined, commands[2]])
  expect([...decodeCommandsAnswer(ids, answer).keys()]).toEqual([ids[0], ids[2]])
})

test('what is not what its id says has not come', () => {
  const [first, second] = commands
  expect(decodeCommandsAnswer(ids, encodeCommandsAnswer([second, first])).size).toBe(0)
  expect(() => decodeCommandsAnswer(ids.slice(0, 1), encodeCommandsAnswer([first, second]))).toThrow(CodecError)
})

test('an answer ends where it is full', () => {
  const large = Array.from({ length: 20 }, (_, i) => new Uint8Array(90_000).fill(i))
  const answer = encodeCommandsAnswer(large)
  expect(answer.length).toBeLessThanOrEqual(COMMANDS_PROTOCOL.answerBytesMax)
  expect(decodeCommandsAnswer(large.map(idOf), answer).size).toBe(11)
})

test('a request that names a command twice, or half of one, is refused', () => {
  const [id = ''] = ids
  expect(() => decodeCommandsRequest(encodeCommandsRequest({ groupId, ids: [id, id] }))).toThrow(BlockError)
  expect(() => decodeCommandsRequest(encodeCommandsRequest({ groupId, ids: [id.slice(0, 20)] }))).toThrow(CodecError)
})

test('an outline is filled with its own commands only', () => {
  const outline = outlineOf(block, new Uint8Array(64))
  expect(fillOutline(groupId, outline, [call]).digest).toBe(block.digest)
  expect(() => fillOutline(groupId, outline, [commands[1] ?? call])).toThrow(BlockError)
  expect(() => fillOutline(groupId, { ...outline, timeMs: outline.timeMs + 1 }, [call])).toThrow(BlockError)
})

test('requests withstand hostile bytes', { timeout: 120_000 }, () => {
  assertWithstands([encodeCommandsRequest({ groupId, ids })], decodeCommandsRequest, isOwn, encodeCommandsRequest)
})
