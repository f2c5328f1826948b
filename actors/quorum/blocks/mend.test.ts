import type { Store } from '@brume/ports'
import { describe, expect, test } from 'vitest'
import { clientOf, type Member, type Terms, World } from '../samples.ts'

const A_MINUTE = 60_000
const BLOCK = 0x62
const SESSION = 0x73

/** What a store with a lost or changed value says of it; the class is that of @brume/store. */
const damage = () => Object.assign(new Error('its checksum differs'), { code: 'BRUME_STORE_DAMAGED' })

/** A store of which some values cannot be read any more, until they are written again. */
function damaged(store: Store, isBad: (key: string) => boolean, prefix = ''): Store {
  const healed = new Set<string>()
  const nameOf = (key: Uint8Array) => prefix + Buffer.from(key).toString('latin1')
  const isDamaged = (key: Uint8Array) => isBad(nameOf(key)) && !healed.has(nameOf(key))
  return {
    get: async (key) => {
      if (isDamaged(key)) throw damage()
      return store.get(key)
    },
    getSync: (key) => {
      if (isDamaged(key)) throw damage()
      return store.getSync(key)
    },
    batch: (operations, options) => {
      for (const { key } of operations) healed.add(nameOf(key))
      return store.batch(operations, options)
    },
    entries: async function* (range) {
      for await (const entry of store.entries(range)) {
        if (isDamaged(entry[0])) throw damage()
        yield entry
      }
    },
    sub: (name) => damaged(store.sub(name), isBad, prefix + name),
    close: () => store.close()
  }
}

/** A group that has ordered some lines, and whose member 0 is down. */
async function scene(lines: number, terms: Terms = {}) {
  const world = await World.of([1, 1, 1, 1], [], terms)
  const isVoting = () => world.alive.every(({ group }) => group.status().state === 'voting')
  expect(await world.until(isVoting, A_MINUTE)).toBe(true)
  const line = clientOf(world.manifest, () => world.clock.wall())
  let said = 0
  const order = async () => {
    said += 1
    world.members[1]?.group.submit(line(`${said}`))
    const isOrdered = () => world.alive.every(({ tape }) => tape.lines.length === said)
    expect(await world.until(isOrdered, A_MINUTE)).toBe(true)
    await world.clock.pass(100)
  }
  for (let i = 0; i < lines; i++) await order()
  const member = world.members[0]
  if (member === undefined) throw new RangeError('nobody')
  const ledger = member.store.sub(`quorum/${member.group.id}/`)
  return { world, order, member, ledger, isVoting }
}

type Scene = Awaited<ReturnType<typeof scene>>

async function keysOf(ledger: Store, kind: number): Promise<readonly Uint8Array[]> {
  const found: Uint8Array[] = []
  for await (const [key] of ledger.entries({ from: Uint8Array.of(kind), to: Uint8Array.of(kind + 1) })) found.push(key)
  return found
}

/** All keys of a block: itself, its finalization, what took effect in it, how its epoch ended. */
async function loseBlock(ledger: Store, key: Uint8Array | undefined): Promise<void> {
  if (key === undefined) throw new RangeError('no such block')
  const all = [BLOCK, 0x70, 0x65, 0x71].map((kind) => Uint8Array.of(kind, ...key.subarray(1)))
  await ledger.batch(all.map((lost) => ({ type: 'del' as const, key: lost })))
}

/** Member 0 is back, holds what the others hold, and goes on with them. */
async function expectWhole({ world, order, isVoting }: Scene): Promise<readonly string[]> {
  const states: string[] = []
  await world.restart(0)
  const back = world.members[0]
  states.push(back?.group.status().state ?? '')
  back?.group.onEvent((event) => event.type === 'state' && states.push(event.state))
  expect(await world.until(isVoting, A_MINUTE)).toBe(true)
  await order()
  const digests = () => new Set(world.alive.map(({ group }) => `${group.status().digest} ${group.record?.digest()}`))
  expect(await world.until(() => digests().size === 1, A_MINUTE)).toBe(true)
  expect(back?.tape.lines).toEqual(world.members[1]?.tape.lines)
  expect(back?.group.status().execution.state).toBe('running')
  return states
}

/** The next process finds this store. */
function swapStore({ world, member }: Scene, store: Store): void {
  world.members[0] = { ...member, store, alive: false } satisfies Member
}

describe('a store that has lost something', () => {
  test('nothing: a member that was killed goes on with what it has', async () => {
    const at = await scene(6, { pace: { epochBlocks: 4, checkpointBlocks: 3 }, durable: true })
    await at.world.crash(0)
    expect(await expectWhole(at)).not.toContain('damaged')
  })

  test('a block in the middle: it is fetched, and nobody needs a checkpoint', async () => {
    const at = await scene(6)
    await at.world.crash(0)
    await loseBlock(at.ledger, (await keysOf(at.ledger, BLOCK))[2])
    expect(await expectWhole(at)).toContain('damaged')
    const heights = (await keysOf(at.ledger, BLOCK)).map((key) => Number(Buffer.from(key).readBigUInt64BE(1)))
    expect(heights).toEqual(heights.map((_, i) => i + 1))
  })

  test('while the others are away it waits, and does not begin with less', async () => {
    const at = await scene(6)
    const { world, ledger } = at
    for (const index of [0, 1, 2, 3]) await world.crash(index)
    await loseBlock(ledger, (await keysOf(ledger, BLOCK))[2])
    await world.restart(0)
    await world.clock.pass(10_000)
    expect(world.members[0]?.group.status().state).toBe('damaged')
    expect(world.members[0]?.group.status().reason).toContain('block')
    for (const index of [1, 2, 3]) await world.restart(index)
    expect(await world.until(at.isVoting, A_MINUTE)).toBe(true)
    expect(world.members[0]?.tape.lines).toHaveLength(6)
  })

  test('its newest batches, which the journal outlived: it votes when it has them again', async () => {
    const at = await scene(3)
    const { world, member, ledger, order } = at
    const before: [Uint8Array, Uint8Array][] = []
    for await (const [key, value] of member.store.entries()) before.push([key, value])
    for (let i = 0; i < 3; i++) await order()
    await world.crash(0)
    const all: Uint8Array[] = []
    for await (const [key] of member.store.entries()) all.push(key)
    await member.store.batch(all.map((key) => ({ type: 'del' as const, key })))
    await member.store.batch(before.map(([key, value]) => ({ type: 'put' as const, key, value })))
    const lost = (await keysOf(ledger, BLOCK)).length
    await expectWhole(at)
    expect((await keysOf(ledger, BLOCK)).length).toBeGreaterThan(lost)
    const said = new Map<string, string>()
    for (const [key, what] of world.said(0)) {
      expect(said.get(key) ?? what).toBe(what)
      said.set(key, what)
    }
  })

  test('the floor: it is found again under the blocks that are there', async () => {
    const at = await scene(4)
    await at.world.crash(0)
    await at.ledger.batch([{ type: 'del', key: Buffer.from('final') }])
    expect(await expectWhole(at)).toContain('damaged')
  })

  test('a session or the membership: what took effect decides anew', async () => {
    for (const name of ['session', 'membership', 'total']) {
      const at = await scene(4)
      await at.world.crash(0)
      const [session = new Uint8Array()] = (await keysOf(at.ledger, SESSION)).filter((key) => key.length > 20)
      const key = name === 'session' ? session : Buffer.from(name)
      expect(await at.ledger.get(key)).toBeDefined()
      await at.ledger.batch([{ type: 'del', key }])
      expect(await expectWhole(at)).toContain('damaged')
    }
  })

  test('values that are not as they were written, of each kind, are written anew', { timeout: 60_000 }, async () => {
    const at = await scene(4, { pace: { epochBlocks: 2 } })
    await at.world.crash(0)
    const kinds = ['b\0\0\0\0\0\0\0\x02', 'final', 'membership', 'total', 'indexed', 'q\0\0\0', 's']
    const prefix = `quorum/${at.member.group.id}/`
    for (const kind of kinds) {
      const isBad = (key: string) => key.startsWith(prefix + kind)
      swapStore(at, damaged(at.member.store, isBad))
      await expectWhole(at)
      await at.world.crash(0)
    }
  })

  test('the blocks around the end of an epoch: how it ended is known again', async () => {
    const at = await scene(8, { pace: { epochBlocks: 3 } })
    await at.world.crash(0)
    const end = (await keysOf(at.ledger, 0x71)).at(-1) ?? new Uint8Array()
    const epoch = (await at.ledger.get(end))?.at(-1) ?? 0
    await at.ledger.batch([{ type: 'del', key: Uint8Array.of(0x6b, 0, 0, 0, 0, 0, 0, 0, epoch) }])
    await loseBlock(at.ledger, end)
    expect(await expectWhole(at)).toContain('damaged')
    expect(await at.ledger.get(end)).toBeDefined()
    const endsOf = async (member: Member | undefined) =>
      (await member?.group.ledger.closings(0))?.map(({ committee }) => Buffer.from(committee).toString('hex'))
    expect(await endsOf(at.world.members[0])).toEqual(await endsOf(at.world.members[1]))
  })

  test('everything below a checkpoint, gone with the others too: it goes on from that', async () => {
    const at = await scene(14, { pace: { checkpointBlocks: 4 }, durable: true })
    await at.world.crash(0)
    const kept = await keysOf(at.ledger, BLOCK)
    expect(Buffer.from(kept[0] ?? []).readBigUInt64BE(1)).toBeGreaterThan(4n)
    for (const key of kept.slice(0, 2)) await loseBlock(at.ledger, key)
    const forgotten = [...(await keysOf(at.ledger, 0x63)), ...(await keysOf(at.ledger, 0x67))]
    await at.ledger.batch(forgotten.map((key) => ({ type: 'del' as const, key })))
    expect(await expectWhole(at)).toContain('damaged')
  })

  test('a block that is lost while the group is at work: the program waits for it and goes on', async () => {
    const at = await scene(6)
    await at.world.crash(0)
    const key = `quorum/${at.member.group.id}/b\0\0\0\0\0\0\0\x03`
    let reads = 0
    const isBad = (name: string) => name === key && ++reads > 1
    swapStore(at, damaged(at.member.store, isBad))
    expect(await expectWhole(at)).not.toContain('damaged')
    expect(reads).toBeGreaterThan(1)
  })
})
