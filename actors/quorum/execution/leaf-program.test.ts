import { memoryStore, replace } from '@brume/testkit'
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

test('goes on after a restart from a state that a quorum certified, never from one that the others came to see differently', async () => {
  const store = memoryStore()
  const start = async (isWrong = false) => {
    const execute = (_: unknown, { height }: Block) => ({
      changes: [[`leaf/${height}`, Uint8Array.of(isWrong ? 0 : height)]] as const,
      answers: []
    })
    const program = new LeafProgram({ domain: 'test/attest/1', accepts: () => true, execute, store })
    const opened = await program.open({ groupId: new Uint8Array(32) })
    const deliver = (to: number) => {
      for (let at = program.height + 1; at <= to; at++) program.deliver({ ...blockAt(at), checkpoint: true })
    }
    return { program, opened, deliver }
  }
  const first = await start()
  first.deliver(2)
  first.program.certified([1, 2])
  await first.program.saved()
  const second = await start(true)
  expect(second.opened).toBe(2)
  second.deliver(4)
  await second.program.saved()
  const third = await start()
  expect(third.opened).toBe(2)
  third.deliver(4)
  expect([...third.program.leaves.values()].map(([, [value]]) => value)).toEqual([1, 2, 3, 4])
  third.program.certified([3, 4])
  await third.program.saved()
  expect((await start()).opened).toBe(4)
})

test('a disk that is slower than checkpoints come gets the newest, and not each', async () => {
  const disk = memoryStore()
  const { promise: isFree, resolve: free } = Promise.withResolvers<void>()
  let heads = 0
  const store = replace(disk, {
    batch: async (operations, options) => {
      await isFree
      if (options?.sync) heads += 1
      await disk.batch(operations, options)
    }
  })
  const execute = (_: unknown, { height }: Block) => ({
    changes: [[`leaf/${height}`, Uint8Array.of(1)]] as const,
    answers: []
  })
  const program = new LeafProgram({ domain: 'test/attest/1', accepts: () => true, execute, store })
  await program.open({ groupId: new Uint8Array(32) })
  for (let height = 1; height <= 5; height++) {
    program.deliver({ ...blockAt(height), checkpoint: true })
    program.certified([height])
    // The first is under way when the others come.
    await Promise.resolve()
  }
  free()
  await program.saved()
  expect(heads).toBe(2)
  const again = new LeafProgram({ domain: 'test/attest/1', accepts: () => true, execute, store })
  expect(await again.open({ groupId: new Uint8Array(32) })).toBe(5)
})

test('shows a state by a checkpoint where no block of that height is attested', async () => {
  const program = new LeafProgram({
    domain: 'test/attest/1',
    accepts: () => true,
    execute: (_, { height }) => ({ changes: [['at', Uint8Array.of(height)]], answers: [], attest: height === 2 })
  })
  await program.open({ groupId: new Uint8Array(32) })
  const shown = async (atLeast: number, proof: true | 'checkpoint' = true) => {
    const [leaf] = (await program.read(['at'], atLeast, proof)) ?? []
    return leaf === undefined ? null : [leaf.height, leaf.statement !== null]
  }
  program.deliver({ ...blockAt(1), digest: '00'.repeat(32), checkpoint: true })
  expect(await shown(0)).toBe(null)
  program.certified([1])
  expect([await shown(0), await shown(1)]).toEqual([
    [1, false],
    [1, false]
  ])
  program.deliver({ ...blockAt(2), digest: '00'.repeat(32) })
  expect([await shown(0), await shown(2), await shown(0, 'checkpoint'), await shown(2, 'checkpoint')]).toEqual([
    ...[[2, true], [2, true], [1, false], null]
  ])
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
