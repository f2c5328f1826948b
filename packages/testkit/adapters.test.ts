import { createHash } from 'node:crypto'
import type { Store } from '@brume/ports'
import { systemClock, systemRandom } from '@brume/ports/system'
import { describe, expect, it, vi } from 'vitest'
import { clockCompliance, journalCompliance, randomCompliance, storeCompliance } from './compliance/index.ts'
import { memoryJournal, memoryStore, newMedium, SimClock, SimRandom, StoreMedium, seedFromHex } from './index.ts'

const WAIT = { timeout: 15_000, interval: 2 }

function simulated() {
  const clock = new SimClock()
  return {
    clock,
    until: async (condition: () => boolean, what: string) => {
      if (!(await clock.until(condition))) throw new Error(`did not happen in simulated time: ${what}`)
    }
  }
}

clockCompliance('simulated', simulated)
clockCompliance('system', () => ({
  clock: systemClock(),
  until: (condition, what) => vi.waitFor(() => expect(condition(), what).toBe(true), WAIT)
}))

let streams = 0
randomCompliance('simulated', () => new SimRandom(seedFromHex('000102030405060708090a0b0c0d0e0f'), `test:${streams++}`))
randomCompliance('system', systemRandom)

storeCompliance('memory', async () => memoryStore())
storeCompliance('medium', async () => new StoreMedium().open())

describe('StoreMedium', () => {
  const key = (name: string) => new TextEncoder().encode(name)
  const write = (store: Store, name: string, value: number, sync = false) =>
    store.batch([{ type: 'put', key: key(name), value: Uint8Array.of(value) }], { sync })
  const read = async (medium: StoreMedium, name: string) => (await medium.open().get(key(name)))?.[0]

  it('keeps what a process wrote that was killed', async () => {
    const medium = new StoreMedium()
    await write(medium.open(), 'a', 1)
    medium.kill()
    expect(await read(medium, 'a')).toBe(1)
  })

  it('loses with the power what came after the last sync, from some batch on', async () => {
    const medium = new StoreMedium()
    const store = medium.open()
    await write(store, 'a', 1)
    await write(store, 'b', 1, true)
    await write(store, 'a', 2)
    await write(store, 'b', 2)
    await store.batch([{ type: 'del', key: key('a') }])
    medium.cutPower((most) => most - 2)
    expect([await read(medium, 'a'), await read(medium, 'b')]).toEqual([2, 1])
    medium.cutPower(() => 0)
    expect([await read(medium, 'a'), medium.size]).toEqual([2, 2])
  })

  it('answers a dead process nothing, and lets it write nothing', async () => {
    const medium = new StoreMedium()
    const store = medium.open()
    medium.kill()
    let isAnswered = false
    void write(store, 'a', 1).then(() => (isAnswered = true))
    void store.get(key('a')).then(() => (isAnswered = true))
    expect(await read(medium, 'a')).toBeUndefined()
    expect(isAnswered).toBe(false)
  })
})

journalCompliance('memory', async () => {
  const { clock, until } = simulated()
  const medium = newMedium()
  let journal = memoryJournal({ clock, medium })
  return {
    until,
    open: async () => {
      journal = memoryJournal({ clock, medium })
      return journal
    },
    crash: async () => journal.crash(2),
    settle: async (promise) => {
      let isOver = false
      void promise.finally(() => {
        isOver = true
      })
      await until(() => isOver, 'the promise settled')
      return promise
    },
    end: async () => undefined
  }
})

describe('SimRandom', () => {
  it('is xoshiro128** seeded from the digest of seed and name', () => {
    // The state's generation, written apart with BigInt from the authors' C code.
    const random = new SimRandom(seedFromHex('000102030405060708090a0b0c0d0e0f'), 'net')
    const reference = referenceStream('000102030405060708090a0b0c0d0e0f', 'net')
    for (let draw = 0; draw < 1_000; draw += 1) expect(random.u32()).toBe(reference())
  })
  it('gives streams that do not disturb one another', () => {
    const seed = seedFromHex('ffffffffffffffffffffffffffffffff')
    const alone = new SimRandom(seed, 'disk')
    const beside = new SimRandom(seed, 'net').stream('disk')
    expect(Array.from({ length: 10 }, () => beside.u32())).toEqual(Array.from({ length: 10 }, () => alone.u32()))
  })
  it('draws below a limit without bias', () => {
    const random = new SimRandom(seedFromHex('000102030405060708090a0b0c0d0e0f'), 'below')
    const counts = [0, 0, 0]
    for (let draw = 0; draw < 30_000; draw += 1) {
      const value = random.below(3)
      counts[value] = (counts[value] ?? 0) + 1
    }
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(8 * 82)
  })
})

function referenceStream(seedHex: string, name: string): () => number {
  const mask = 0xffff_ffffn
  const rotate = (value: bigint, by: bigint): bigint => ((value << by) | (value >> (32n - by))) & mask
  const bytes = Buffer.concat([Buffer.from('brume/sim-stream/1'), Buffer.from(seedHex, 'hex'), Buffer.from(name)])
  const digest = createHash('sha256').update(bytes).digest()
  const s = [0, 4, 8, 12].map((at) => BigInt(digest.readUInt32LE(at))) as [bigint, bigint, bigint, bigint]
  return () => {
    const result = (rotate((s[1] * 5n) & mask, 7n) * 9n) & mask
    const t = (s[1] << 9n) & mask
    s[2] ^= s[0]
    s[3] ^= s[1]
    s[1] ^= s[2]
    s[0] ^= s[3]
    s[2] ^= t
    s[3] = rotate(s[3], 11n)
    return Number(result)
  }
}

describe('SimClock', () => {
  it('never jumps over a timer that an earlier one arms', () => {
    const clock = new SimClock()
    const seen: [string, number][] = []
    clock.after(1, () => clock.after(1, () => seen.push(['inner', clock.now()])))
    clock.after(3, () => seen.push(['outer', clock.now()]))
    clock.run(10)
    expect(seen).toEqual([
      ['inner', 2],
      ['outer', 3]
    ])
    expect(clock.now()).toBe(10)
    expect(clock.size).toBe(0)
  })
  it('keeps thousands of timers in the order of time and arming', () => {
    const clock = new SimClock()
    const random = new SimRandom(seedFromHex('000102030405060708090a0b0c0d0e0f'), 'timers')
    const fired: { readonly timeUs: number; readonly index: number }[] = []
    for (let index = 0; index < 5_000; index += 1) {
      const cancel = clock.at(random.below(500), () => fired.push({ timeUs: clock.nowUs, index }))
      if (index % 3 === 0) cancel()
    }
    while (clock.step());
    expect(fired).toHaveLength(3_333)
    const sorted = fired.toSorted((a, b) => a.timeUs - b.timeUs || a.index - b.index)
    expect(fired).toEqual(sorted)
  })
})
