import { expect, test } from 'vitest'
import { PeerError } from '../../errors.ts'
import type { PeerReport } from '../../report.ts'
import { readEvent } from './event.ts'
import { peerOf, unreached } from './unreached.ts'

test('an event arrives as it was written, or not at all', () => {
  expect(readEvent('{"type":"add","by":[1,{"a":null}]}')).toEqual({ type: 'add', by: [1, { a: null }] })
  expect(() => readEvent('{"type":"add","by":[1,{"a":-1e999}]}')).toThrow('too large')
})

test('of an event that cannot be read, the beginning is shown', () => {
  const long = `{"type":"${'x'.repeat(120_000)}`
  expect(() => readEvent(long)).toThrow(expect.objectContaining({ code: 'BRUME_PEER_USAGE' }))
  expect(() => readEvent(long)).toThrow(/^.{60,200}$/)
})

const PEER = '12D3KooWLR7EPFq4ENqY8KXNEunUiHWXKNk3RrUa9oiR7q9PBYB4'
const late = Object.assign(new Error('no answer'), { code: 'BRUME_RUNTIME_TIMEOUT' })
const member = (connected: boolean) => [{ peer: PEER, connected, state: 'dead' }] as unknown as readonly PeerReport[]

test.each([
  [[], 'is known here'],
  [member(false), 'is not connected (dead)'],
  [member(true), 'did not answer in time']
])('of a peer that did not answer, what is known is said', (peers, message) => {
  const said = unreached(late, PEER, peers)
  expect(said).toBeInstanceOf(PeerError)
  expect(said).toMatchObject({ code: 'BRUME_PEER_UNREACHABLE', message: expect.stringContaining(message) })
})

test('another error, and an actor of this peer, are left as they are', () => {
  const error = Object.assign(new Error('nobody'), { code: 'BRUME_RUNTIME_NOACTOR' })
  expect(unreached(error, PEER, [])).toBe(error)
  expect([peerOf(`brume://${PEER}/counter`), peerOf('counter')]).toEqual([PEER, undefined])
})
