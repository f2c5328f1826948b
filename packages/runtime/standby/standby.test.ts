import type { Store } from '@brume/ports'
import { memoryStore, SimClock, SimRandom, seedFromHex, settle } from '@brume/testkit'
import { afterEach, describe, expect, test } from 'vitest'
import { quiet } from '../kernel/durable/fixture.ts'
import { counter } from '../kernel/fixture.ts'
import { createKernel, type Kernel } from '../kernel/index.ts'
import { judge } from './placement.ts'
import type { Placement, Placements, Standby, StandbyFrame } from './port.ts'
import { createStandby } from './standby.ts'

const AUTHORITY = `group/${'a'.repeat(52)}`
const ADDRESS = `brume://${AUTHORITY}/counter`
const NAMES = ['a', 'b', 'c'] as const
type Name = (typeof NAMES)[number]

/** Peers with copies, a placement group in one piece, and links that can be cut. */
class World {
  readonly clock = new SimClock()
  readonly stores = new Map(NAMES.map((name) => [name, memoryStore()]))
  readonly peers = new Map<Name, Standby>()
  readonly ceased: string[] = []
  readonly cut = new Set<string>()
  placement: Placement | null = null

  constructor() {
    for (const name of NAMES) this.start(name)
  }

  start(name: Name): void {
    const store = this.stores.get(name) ?? memoryStore()
    const standby = createStandby({
      ...{ self: name, store, clock: this.clock, log: quiet, placements: this.#placements(name) },
      uptimeMs: () => this.clock.now(),
      onFatal: (error) => {
        throw error
      },
      host: {
        send: (to, frame) => this.#send(name, to as Name, frame),
        lead: async ({ authority, path, store: shipped, takes }) => {
          const random = new SimRandom(seedFromHex('00'.repeat(16)), name)
          const kernel = createKernel({ clock: this.clock, log: quiet, random, self: authority, store: shipped, takes })
          kernel.register(counter)
          await kernel.start()
          kernel.spawn(path, 'counter')
          return kernel
        },
        ceased: (address, to) => this.ceased.push(`${name} ${address} ${to}`)
      }
    })
    this.peers.set(name, standby)
    void standby.start([AUTHORITY])
  }

  /** Nothing comes from it or to it any more. */
  kill(name: Name): void {
    this.cut.add(name)
  }

  peer(name: Name): Standby {
    const found = this.peers.get(name)
    if (found === undefined) throw new RangeError(name)
    return found
  }

  /** Of whoever holds it and takes events. */
  holder(): Kernel | undefined {
    for (const [name, peer] of this.peers) {
      if (this.cut.has(name) || peer.held()[0]?.takes !== true) continue
      return peer.kernel(ADDRESS)
    }
  }

  async awaited<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false
    const done = (): void => {
      isSettled = true
    }
    promise.then(done, done)
    await this.clock.until(() => isSettled)
    return promise
  }

  #send(from: Name, to: Name, frame: StandbyFrame): void {
    this.clock.after(1, () => {
      if (!this.cut.has(from) && !this.cut.has(to)) this.peers.get(to)?.receive(from, frame)
    })
  }

  #placements(name: Name): Placements {
    const never = new Promise<never>(() => undefined)
    return {
      order: (_, event) => {
        if (this.cut.has(name)) return never
        const verdict = judge({ placement: this.placement, floor: 0 }, event, name)
        if (typeof verdict === 'string') return Promise.resolve({ refused: verdict, placement: this.placement })
        this.placement = verdict.next
        return Promise.resolve({ refused: null, placement: verdict.next })
      },
      look: () => {
        const found: readonly (readonly [string, Placement])[] = this.placement ? [['counter', this.placement]] : []
        return this.cut.has(name) ? never : Promise.resolve(new Map(found))
      }
    }
  }
}

async function sizeOf(store: Store): Promise<number> {
  let size = 0
  for await (const _ of store.entries()) size += 1
  return size
}

let world: World
afterEach(async () => {
  for (const name of NAMES) world.kill(name)
  await Promise.all([...world.peers.values()].map((peer) => world.awaited(peer.stop())))
})

/** Held by `a`, with both others in step. */
async function placed(minInSync = 1): Promise<Kernel> {
  world = new World()
  await settle()
  const kernel = await world.awaited(world.peer('a').place(ADDRESS, 'counter', NAMES, minInSync))
  await world.clock.until(() => world.placement?.inSync.length === 2)
  return kernel
}

const countOf = async (kernel: Kernel | undefined): Promise<unknown> => {
  const asked = kernel?.ask('counter', { type: 'get' })
  return asked && world.awaited(asked)
}

describe('an actor with copies', () => {
  test('is taken over by a follower with all that was told of, and its holder ends', async () => {
    const kernel = await placed()
    for (let i = 0; i < 3; i++) await world.awaited(kernel.submit('counter', { type: 'add' }))
    const before = (await world.awaited(kernel.snapshot('counter'))).incarnation
    world.kill('a')
    const lost = kernel.submit('counter', { type: 'add' })
    expect(await world.clock.until(() => world.holder() !== undefined, 12_000)).toBe(true)
    const next = world.holder()
    expect(await countOf(next)).toBe(3)
    expect((await world.awaited(next?.snapshot('counter') ?? Promise.reject())).incarnation).toBe(before)
    expect(await Promise.race([lost, settle().then(() => 'nothing was told')])).toBe('nothing was told')
    world.cut.delete('a')
    await world.clock.until(() => world.placement?.inSync.includes('a') === true)
    expect(world.ceased).toEqual([`a ${ADDRESS} ${world.placement?.holder}`])
  })

  test('tells nothing before all in step have it, and goes on without one that is silent', async () => {
    const kernel = await placed()
    world.kill('c')
    const told = kernel.submit('counter', { type: 'add' })
    expect(await Promise.race([told, settle()])).toBeUndefined()
    await world.awaited(told)
    expect(world.placement?.inSync).toEqual(['b'])
    world.cut.delete('c')
    await world.clock.until(() => world.placement?.inSync.length === 2)
    expect(world.placement?.inSync).toEqual(['b', 'c'])
  })

  test('refuses events while too few are in step, and takes them when one is back', async () => {
    const kernel = await placed(2)
    world.kill('c')
    await world.clock.pass(2_500)
    expect(kernel.tell('counter', { type: 'add' })).toBe('overload')
    expect(world.placement?.inSync).toEqual(['b', 'c'])
    world.cut.delete('c')
    expect(await world.clock.until(() => kernel.tell('counter', { type: 'add' }) === 'accepted', 5_000)).toBe(true)
  })

  test('is handed to a follower without a wait', async () => {
    const kernel = await placed()
    await world.awaited(kernel.submit('counter', { type: 'add' }))
    await world.awaited(world.peer('a').hand(ADDRESS, 'b'))
    expect(await world.clock.until(() => world.holder() !== undefined, 2_000)).toBe(true)
    expect(world.placement?.holder).toBe('b')
    expect(await countOf(world.holder())).toBe(1)
    await expect(world.peer('a').hand(ADDRESS, 'c')).rejects.toMatchObject({ code: 'BRUME_STANDBY_REFUSED' })
  })

  test('may be read for five seconds after the last beacon, and not from a place that was lost', async () => {
    await placed()
    const a = world.peer('a')
    await world.clock.pass(1_000)
    expect(a.mayRead(ADDRESS)).toBe(true)
    world.kill('a')
    await world.clock.pass(4_000)
    expect(a.mayRead(ADDRESS)).toBe(true)
    await world.clock.pass(1_500)
    expect(a.mayRead(ADDRESS)).toBe(false)
  })

  test('is not waited for without end: where its group does not answer, that is said', async () => {
    world = new World()
    await settle()
    world.kill('a')
    const placing = world.peer('a').place(ADDRESS, 'counter', NAMES, 1)
    await expect(world.awaited(placing)).rejects.toMatchObject({
      code: 'BRUME_STANDBY_TIMEOUT',
      message: expect.stringContaining('its placement group to order that')
    })
    world.cut.delete('a')
    await world.awaited(world.peer('a').place(ADDRESS, 'counter', NAMES, 1))
    expect(await world.clock.until(() => world.holder() !== undefined)).toBe(true)
  })

  test('is there after a restart of all, and gone with its copies once it is removed', async () => {
    const kernel = await placed()
    await world.awaited(kernel.submit('counter', { type: 'add' }))
    for (const name of NAMES) {
      world.kill(name)
      await world.awaited(world.peer(name).stop())
    }
    world.cut.clear()
    for (const name of NAMES) world.start(name)
    expect(await world.clock.until(() => world.holder() !== undefined)).toBe(true)
    expect(await countOf(world.holder())).toBe(1)
    const holder = world.placement?.holder as Name
    await world.awaited(world.peer(holder).remove(ADDRESS))
    expect(world.placement).toBeNull()
    // The others notice that they hear nothing, and look.
    await world.clock.pass(6_000)
    for (const store of world.stores.values()) expect(await sizeOf(store)).toBe(0)
  })
})
