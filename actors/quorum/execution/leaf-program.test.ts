import { expect, test } from 'vitest'
import type { Block } from '../index.ts'
import { LeafProgram } from './leaf-program.ts'

const blockAt = (height: number): Block => ({
  ...{ epoch: 0, view: height, height, digest: `${height}`, previous: `${height - 1}`, leader: 0, timeMs: 0 },
  ...{ seed: new Uint8Array(32), checkpoint: false, commands: [] }
})

test('states that are certified stay, and of newer ones as many as may still be', async () => {
  const program = new LeafProgram({
    domain: 'test/attest/1',
    accepts: () => true,
    execute: (_, { height }) => ({ changes: [[`leaf/${height}`, Uint8Array.of(height)]], answers: [] })
  })
  await program.open({ groupId: new Uint8Array(32) })
  const kept = async () => {
    const pages = await Promise.all(Array.from({ length: 12 }, (_, height) => program.page(height, 0)))
    return [...pages.entries()].filter(([, page]) => page !== null).map(([height]) => height)
  }
  const deliver = (from: number, to: number) => {
    for (let height = from; height <= to; height++) program.deliver({ ...blockAt(height), checkpoint: true })
  }
  deliver(1, 3)
  program.certified([1, 2])
  deliver(4, 11)
  expect(await kept()).toEqual([1, 2, 8, 9, 10, 11])
  program.certified([2, 10])
  expect(await kept()).toEqual([2, 10, 11])
})

test('a block that is delivered while it is told of another waits behind those that wait', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const heights: number[] = []
  const program = new LeafProgram({
    domain: 'test/attest/1',
    accepts: () => true,
    execute: async () => ({ changes: [], answers: [] })
  })
  await program.open({ groupId: new Uint8Array(32) }, (event) => {
    if (event.type === 'failed') return resolve()
    heights.push(event.height)
    if (heights.length === 8) resolve()
    // As the window does: one more for each that is done.
    else if (event.height + 4 <= 8) program.deliver(blockAt(event.height + 4))
  })
  for (let height = 1; height <= 4; height++) program.deliver(blockAt(height))
  await promise
  expect(heights).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
})
