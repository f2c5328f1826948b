import { expect, test } from 'vitest'
import { seenBy, spawnLogbook, World } from './fixture.ts'

const count = (n: number): number[] => Array.from({ length: n }, (_, i) => i)

test('what is told arrives once and in order', async () => {
  const world = new World()
  const [a, b] = [world.start(0), world.start(1)]
  spawnLogbook(b, 'book')
  for (const n of count(500)) expect(a.kernel.tell(b.at('book'), { type: 'note', n })).toBe('accepted')
  world.clock.run(1_000)
  expect(await seenBy(b, 'book')).toEqual(count(500))
  expect(a.delivery.view()).toMatchObject([{ isReady: true, messages: 0, pairsOut: 1 }])
})

test('an ask is answered, a submit resolves, a snapshot comes over', async () => {
  const world = new World()
  const [a, b] = [world.start(0), world.start(1)]
  spawnLogbook(b, 'book')
  const asked = a.kernel
    .submit(b.at('book'), { type: 'note', n: 1.5 })
    .then(() => a.kernel.ask(b.at('book'), { type: 'get' }))
  await world.clock.pass(1_000)
  expect(await asked).toEqual([1.5])
  const read = a.kernel.snapshot(b.at('book'))
  await world.clock.pass(1_000)
  expect(await read).toMatchObject({ context: { seen: [1.5] }, cell: 'active', seq: 2 })
})

test('a connection that breaks again and again loses nothing and repeats nothing', async () => {
  const world = new World()
  const [a, b] = [world.start(0), world.start(1)]
  spawnLogbook(b, 'book')
  for (const n of count(1_000)) {
    a.kernel.tell(b.at('book'), { type: 'note', n })
    world.clock.run(3)
    if (n % 97 === 0) world.net.sever(a.peer, b.peer)
  }
  world.clock.run(5_000)
  expect(await seenBy(b, 'book')).toEqual(count(1_000))
})
