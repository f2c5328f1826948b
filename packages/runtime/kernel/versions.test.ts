import { memoryStore } from '@brume/testkit'
import { expect, test } from 'vitest'
import { counter, world } from './fixture.ts'
import type { Kernel, Kind } from './index.ts'

/** `counter` as another version. */
const version = (number: number, more: Partial<Kind> = {}): Kind => ({ ...counter, version: number, ...more })
const migrate = { 1: <T>(stored: T): T => stored, 2: <T>(stored: T): T => stored }

/** A peer's life on a store, with these kinds. */
async function life(store: ReturnType<typeof memoryStore>, kinds: readonly Kind[]): Promise<Kernel> {
  const { kernel } = world({ store })
  await kernel.start()
  for (const kind of kinds) kernel.register(kind)
  return kernel
}

const versionOf = (kernel: Kernel, path: string): number | undefined =>
  kernel.actors().find((actor) => actor.path === path)?.version

test('an actor comes up as the newest version that takes it over, and stays what it is under one that does not', async () => {
  const store = memoryStore()
  const first = await life(store, [version(1)])
  first.spawn('c', 'counter', { input: 3 })
  await first.submit('c', { type: 'add' })
  await first.stop()

  const beside = await life(store, [version(1), version(2, { upgrade: 'never', migrate })])
  expect(await beside.ask('c', { type: 'get' })).toBe(4)
  expect(versionOf(beside, 'c')).toBe(1)
  // Whoever starts it by its newest logic gets the one that lives; new ones are of that, or of what is asked for.
  beside.spawn('c', 'counter', { version: 2 })
  beside.spawn('new', 'counter', { input: 0 })
  beside.spawn('old', 'counter', { input: 0, version: 1 })
  expect(['c', 'new', 'old'].map((path) => versionOf(beside, path))).toEqual([1, 2, 1])
  expect(() => beside.spawn('new', 'counter', { version: 1 })).toThrow(/in use/)
  await beside.submit('c', { type: 'add' })
  await beside.stop()

  const alone = await life(store, [version(2, { upgrade: 'never', migrate })])
  expect(alone.tell('c', { type: 'add' })).toBe('unmigrated')
  await alone.stop()

  const after = await life(store, [version(2, { upgrade: 'never' }), version(3, { migrate })])
  expect(await after.ask('c', { type: 'get' })).toBe(5)
  expect(versionOf(after, 'c')).toBe(3)
})
