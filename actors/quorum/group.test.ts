import { QUORUM_PROTOCOL } from '@brume/protocols/quorum'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { clientOf, person, World } from './samples.ts'

const ONES = (n: number) => Array.from({ length: n }, () => 1)
const HALF_A_MINUTE = 30_000

const voting = (world: World) => () => world.alive.every(({ group }) => group.status().state === 'voting')

/** No member said two things of one kind about a view, nor nullified what it finalized. */
function expectNoDoubleVotes(world: World): void {
  for (const { index } of world.members) {
    const said = new Map<string, string>()
    for (const [key, what] of world.said(index)) {
      expect(said.get(key) ?? what).toBe(what)
      said.set(key, what)
    }
    for (const key of said.keys()) if (key.endsWith('/2')) expect(said.has(`${key.slice(0, -1)}3`)).toBe(false)
  }
}

describe('a group', () => {
  test('delivers each command once, in one order, at every member', async () => {
    const world = await World.of(ONES(4))
    expect(await world.until(voting(world), HALF_A_MINUTE)).toBe(true)
    const command = clientOf(world.manifest, () => world.clock.wall())
    for (let i = 0; i < 40; i++) {
      const bytes = command(`line ${i}`)
      for (const { group } of world.members.slice(i % 3)) group.submit(bytes)
    }
    expect(await world.until(() => world.alive.every(({ tape }) => tape.lines.length >= 40), HALF_A_MINUTE)).toBe(true)
    await world.clock.pass(5_000)
    for (const { tape } of world.members) expect(tape.lines).toEqual(Array.from({ length: 40 }, (_, i) => `line ${i}`))
    expect(world.members.every(({ group }) => group.status().dormant)).toBe(true)
    expectNoDoubleVotes(world)
  })

  test('resolves a submission when its command is notarized and when it is final', async () => {
    const world = await World.of([3, 1, 1, 1, 1])
    await world.until(voting(world), HALF_A_MINUTE)
    const order: string[] = []
    const submission = world.members[1]?.group.submit(clientOf(world.manifest, () => world.clock.wall())('x'))
    void submission?.notarized.then(() => order.push('notarized'))
    void submission?.final.then(() => order.push('final'))
    await world.until(() => order.length === 2, HALF_A_MINUTE)
    expect(order).toEqual(['notarized', 'final'])
  })

  test('loses nothing and never contradicts itself through crashes of every member', { timeout: 60_000 }, async () => {
    const world = await World.of(ONES(4))
    await world.until(voting(world), HALF_A_MINUTE)
    const command = clientOf(world.manifest, () => world.clock.wall())
    const acknowledged: string[] = []
    for (let i = 0; i < 24; i++) {
      const victim = i % 4
      const line = `line ${i}`
      const submission = world.alive.find(({ index }) => index !== victim)?.group.submit(command(line))
      void submission?.final.then(() => acknowledged.push(line)).catch(() => {})
      await world.clock.pass(i * 0.7)
      await world.crash(victim)
      await world.until(() => acknowledged.includes(line), HALF_A_MINUTE)
      await world.restart(victim)
      expect(await world.until(voting(world), HALF_A_MINUTE)).toBe(true)
    }
    await world.until(() => world.alive.every(({ tape }) => tape.lines.length === 24), HALF_A_MINUTE)
    expect(acknowledged.length).toBe(24)
    for (const { tape } of world.members) expect(tape.lines).toEqual(acknowledged)
    expectNoDoubleVotes(world)
  })

  test('all members down at once: they go on where they were', async () => {
    const world = await World.of(ONES(4))
    await world.until(voting(world), HALF_A_MINUTE)
    const command = clientOf(world.manifest, () => world.clock.wall())
    world.members[0]?.group.submit(command('one'))
    await world.until(() => world.alive.every(({ tape }) => tape.lines.length === 1), HALF_A_MINUTE)
    for (const { index } of world.members) await world.crash(index)
    for (const { index } of world.members) await world.restart(index)
    await world.until(voting(world), HALF_A_MINUTE)
    world.members[2]?.group.submit(command('two'))
    expect(await world.until(() => world.alive.every(({ tape }) => tape.lines.length === 2), HALF_A_MINUTE)).toBe(true)
    expectNoDoubleVotes(world)
  })

  test('members that were greeted before they joined hear what follows', async () => {
    const world = await World.of(ONES(4))
    await world.until(voting(world), HALF_A_MINUTE)
    for (const index of [0, 1]) await world.crash(index)
    for (const index of [0, 1]) await world.restart(index, 3_000)
    expect(await world.until(voting(world), HALF_A_MINUTE)).toBe(true)
    world.members[2]?.group.submit(clientOf(world.manifest, () => world.clock.wall())('x'))
    expect(await world.until(() => world.alive.every(({ tape }) => tape.lines.length === 1), HALF_A_MINUTE)).toBe(true)
  })

  test('a member far behind fetches blocks by height before it votes', async () => {
    const world = await World.of(ONES(4))
    await world.until(voting(world), HALF_A_MINUTE)
    const command = clientOf(world.manifest, () => world.clock.wall())
    await world.crash(3)
    for (let i = 0; i < 100; i++) {
      const done = world.members[0]?.group.submit(command(`${i}`)).final
      let final = false
      void done?.then(() => (final = true))
      await world.until(() => final, HALF_A_MINUTE)
    }
    await world.restart(3)
    expect(await world.until(() => world.members[3]?.tape.lines.length === 100, HALF_A_MINUTE)).toBe(true)
    expect(world.members[3]?.tape.heights).toEqual(world.members[0]?.tape.heights)
  })
})

describe('without its journal', () => {
  test.each(['lost', 'damaged'] as const)('%s: the member follows and does not vote', async (verdict) => {
    const world = await World.of(ONES(4))
    await world.until(voting(world), HALF_A_MINUTE)
    await world.crash(0)
    const medium = world.members[0]?.medium
    if (medium !== undefined) medium.verdict = verdict
    const votes = world.said(0).length
    const records = world.members[0]?.medium.records.length
    await world.restart(0)
    await world.until(() => world.members[0]?.group.status().state === 'observing', HALF_A_MINUTE)
    const command = clientOf(world.manifest, () => world.clock.wall())
    world.members[1]?.group.submit(command('x'))
    expect(await world.until(() => world.alive.every(({ tape }) => tape.lines.length === 1), HALF_A_MINUTE)).toBe(true)
    expect(world.said(0).length).toBe(votes)
    expect(world.members[0]?.medium.records.length).toBe(records)
    expect(world.members[0]?.group.status().reason).toContain(verdict)
  })

  test('a sync that fails halts the member for good, the others go on', async () => {
    const world = await World.of(ONES(4))
    await world.until(voting(world), HALF_A_MINUTE)
    const medium = world.members[0]?.medium
    if (medium !== undefined) medium.failNext = true
    const command = clientOf(world.manifest, () => world.clock.wall())
    world.members[1]?.group.submit(command('x'))
    const rest = world.members.slice(1)
    expect(await world.until(() => rest.every(({ tape }) => tape.lines.length === 1), HALF_A_MINUTE)).toBe(true)
    expect(world.members[0]?.group.status().state).toBe('halted')
    expect(() => world.members[0]?.group.submit(command('y'))).toThrow(
      expect.objectContaining({ code: 'BRUME_QUORUM_HALTED' })
    )
  })
})

describe('a stranger and a hostile peer', () => {
  test('frames of garbage, of strangers and of other groups leave the group as it was', async () => {
    const world = await World.of(ONES(4))
    await world.until(voting(world), HALF_A_MINUTE)
    const stranger = world.net.start(person(77).peerId)
    const channel = stranger.channel(QUORUM_PROTOCOL, { frame: () => {} })
    const peers = world.members.map(({ index }) => person(index).peerId)
    channel.connect(peers)
    await world.until(() => peers.every((peer) => channel.isOpen(peer)), HALF_A_MINUTE)
    const before = world.members.map(({ group }) => group.status())
    for (const bytes of fc.sample(fc.uint8Array({ minLength: 1, maxLength: 300 }), 500)) {
      for (const peer of peers) channel.send(peer, bytes)
      await world.clock.pass(3)
    }
    await world.clock.pass(5_000)
    const after = world.members.map(({ group }) => group.status())
    expect(after.map(({ view, height, state }) => [view, height, state])).toEqual(
      before.map(({ view, height, state }) => [view, height, state])
    )
    const metrics = await world.members[0]?.registry.metrics()
    expect(metrics).toMatch(/brume_quorum_stream_faults_total\{cause="(malformed|unknown-handle)"\} [1-9]/)
    world.members[0]?.group.submit(clientOf(world.manifest, () => world.clock.wall())('x'))
    expect(await world.until(() => world.alive.every(({ tape }) => tape.lines.length === 1), HALF_A_MINUTE)).toBe(true)
  })
})
