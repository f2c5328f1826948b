import { memoryStore, settle } from '@brume/testkit'
import { describe, expect, test } from 'vitest'
import { counter, world } from './fixture.ts'

describe('an actor on disk', () => {
  test('goes on where it stopped, in the same incarnation', async () => {
    const store = memoryStore()
    const first = world({ store })
    await first.kernel.start()
    first.kernel.register(counter)
    first.kernel.spawn('c', 'counter', { input: 3 })
    const { seq } = await first.kernel.submit('c', { type: 'add' })
    expect(seq).toBe(1)
    const { incarnation } = await first.kernel.snapshot('c')
    await first.kernel.stop()

    const second = world({ store })
    await second.kernel.start()
    second.kernel.register(counter)
    expect(await second.kernel.ask('c', { type: 'get' })).toBe(4)
    expect(await second.kernel.snapshot('c')).toMatchObject({ incarnation, seq: 2, context: { n: 4 } })
    await settle()
  })
})
