import { SimRandom, seedFromHex } from '@brume/testkit'
import { expect, test } from 'vitest'
import { SLAB_BYTES, Slabs } from './slabs.ts'

test('gives back what was put, whatever was put, replaced and deleted between', () => {
  const random = new SimRandom(seedFromHex('000102030405060708090a0b0c0d0e0f'), 'slabs')
  const slabs = new Slabs()
  const model = new Map<string, Uint8Array>()
  for (let step = 0; step < 20_000; step++) {
    const name = `a${random.below(600)}`
    if (random.below(3) === 0) {
      expect(slabs.delete(name)).toBe(model.delete(name))
      continue
    }
    const value = random.bytes(random.below(step % 500 === 0 ? 2 * SLAB_BYTES : 900))
    slabs.put(name, value)
    model.set(name, value)
  }
  expect(slabs.size).toBe(model.size)
  for (const [name, value] of model) expect(Buffer.compare(slabs.get(name) ?? new Uint8Array(1), value)).toBe(0)
  expect(slabs.get('none')).toBeUndefined()
})

test('takes little more than what is in it, and gives it back', () => {
  const slabs = new Slabs()
  const value = new Uint8Array(150)
  for (let n = 0; n < 100_000; n++) slabs.put(`counters/${n}`, value)
  expect(slabs.bytes).toBeLessThan(1.05 * 100_000 * 154)
  for (let n = 0; n < 100_000; n++) if (n % 10 !== 0) slabs.delete(`counters/${n}`)
  expect(slabs.bytes).toBeLessThan(2.2 * 10_000 * 154 + SLAB_BYTES)
  for (let n = 0; n < 100_000; n++) slabs.delete(`counters/${n}`)
  expect(slabs.bytes).toBeLessThanOrEqual(2 * SLAB_BYTES)
})
