import { expect, test } from 'vitest'
import type { Program } from '../ports.ts'
import { Inspector } from './inspector.ts'

test('of what a program read in a command only what the order needs is remembered', () => {
  const bytes = new Uint8Array(65_536)
  const read = { client: bytes.subarray(0, 32), session: 1, sequence: 2, expiresMs: 3 }
  const program = { inspect: () => ({ ...read, body: bytes }) } as unknown as Program
  const inspector = new Inspector(new Uint8Array(32), { admit: { type: 'open' }, members: [] }, program)
  const answer = inspector.inspect({ id: 'aa', bytes })
  expect(answer).toEqual(read)
  expect('client' in answer && answer.client.buffer.byteLength).toBe(32)
})
