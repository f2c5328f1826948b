import { KIND } from '@brume/consensus'
import type { PeerId, Topic } from '@brume/ports'
import {
  committeeOf,
  encodeGossipFrame,
  type GossipFrame,
  gossipTopic,
  groupIdOf,
  readGossip
} from '@brume/protocols/quorum'
import { describe, expect, test } from 'vitest'
import { clientOf, type Member, person, World } from '../samples.ts'

const HALF_A_MINUTE = 30_000
const FOR_EVER_MS = 1e12
const ONES = (n: number) => Array.from({ length: n }, () => 1)

type Pair = readonly [number, number]

/** Some pairs refuse each other from the start. */
function worldWithout(n: number, pairs: readonly Pair[]): Promise<World> {
  return World.of(ONES(n), [], {}, (index, outside) => {
    for (const [a, b] of pairs) if (a === index) outside.net.drop(person(b).peerId, { banMs: FOR_EVER_MS })
    return outside
  })
}

function member(world: World, index: number): Member {
  const found = world.members[index]
  if (found === undefined) throw new Error(`no member ${index}`)
  return found
}

/** Its index in the committee, which is ordered by key. */
function signerOf(world: World, index: number): number {
  const { members } = committeeOf(world.manifest)
  return members.findIndex(({ key }) => Buffer.compare(key, person(index).publicKey) === 0)
}

const voting =
  (world: World, n = 4) =>
  () =>
    world.members.slice(0, n).every(({ group }) => group.status().state === 'voting')

const lines = (world: World, count: number) => () => world.alive.every(({ tape }) => tape.lines.length === count)

const commandsOf = (world: World) => clientOf(world.manifest, () => world.clock.wall())

async function dropped(at: Member, cause: string): Promise<number> {
  const text = await at.registry.metrics()
  return Number(new RegExp(`brume_quorum_dropped_total\\{[^}]*cause="${cause}"\\} (\\d+)`).exec(text)?.[1] ?? 0)
}

/** A peer that is in the topic and in no group. */
function outsider(world: World, number: number, strangers: readonly number[] = []) {
  const net = world.net.start(person(number).peerId)
  for (const stranger of strangers) net.drop(person(stranger).peerId, { banMs: FOR_EVER_MS })
  const groupId = groupIdOf(world.manifest)
  const heard: { readonly from: PeerId; readonly frame: GossipFrame }[] = []
  const topic: Topic = net.topic(gossipTopic(groupId), (from, data) => {
    const message = readGossip(groupId, data)
    if (message.type === 'frame') heard.push({ from, frame: message.frame })
    return 'ignore'
  })
  const publish = (frame: GossipFrame, attempt: number) =>
    topic.publish(encodeGossipFrame({ attempt, isDirect: false }, frame))
  return { heard, publish }
}

function forged(signer: number, view: number): GossipFrame {
  const said = { epoch: 0, view, parentView: view - 1, digest: 'ab'.repeat(32) }
  const vote = { ...said, kind: KIND.notarize, signer, signature: new Uint8Array(64).fill(view) }
  return { type: 'votes', view, final: 0, votes: [vote] }
}

describe('members that have no stream to each other', () => {
  test('in a ring decide together, led by each of them', async () => {
    const world = await worldWithout(4, [
      [0, 2],
      [1, 3]
    ])
    const leaders = new Set<number>()
    expect(await world.until(voting(world), HALF_A_MINUTE)).toBe(true)
    member(world, 0).group.onEvent((event) => {
      if (event.type === 'final') leaders.add(event.leader)
    })
    const command = commandsOf(world)
    for (let i = 0; i < 16; i++) {
      member(world, i % 4).group.submit(command(`line ${i}`))
      expect(await world.until(lines(world, i + 1), HALF_A_MINUTE)).toBe(true)
    }
    expect([...leaders].sort()).toEqual([0, 1, 2, 3])
  })

  test.each([4, 7])('around one hub, of %i, begin by themselves and decide', { timeout: 60_000 }, async (n) => {
    const leaves = Array.from({ length: n - 1 }, (_, i) => i + 1)
    const pairs = leaves.flatMap((a) => leaves.filter((b) => b > a).map((b) => [a, b] as const))
    const world = await worldWithout(n, pairs)
    expect(await world.until(voting(world, n), HALF_A_MINUTE)).toBe(true)
    const command = commandsOf(world)
    for (let i = 0; i < 2 * n; i++) {
      member(world, i % n).group.submit(command(`line ${i}`))
      expect(await world.until(lines(world, i + 1), HALF_A_MINUTE)).toBe(true)
    }
    await world.crash(1)
    await world.restart(1)
    expect(await world.until(voting(world, n), HALF_A_MINUTE)).toBe(true)
    member(world, 1).group.submit(command('last'))
    expect(await world.until(lines(world, 2 * n + 1), HALF_A_MINUTE)).toBe(true)
  })

  test('whose blocks are too large to be sent whole decide on those too', async () => {
    const world = await worldWithout(4, [
      [0, 2],
      [1, 3]
    ])
    expect(await world.until(voting(world), HALF_A_MINUTE)).toBe(true)
    const command = commandsOf(world)
    for (let i = 0; i < 40; i++) member(world, i % 4).group.submit(command(`${i} `.padEnd(1_000, 'x')))
    expect(await world.until(lines(world, 40), HALF_A_MINUTE)).toBe(true)
  })

  test('say nothing in the topic while all are connected and nobody else is there', async () => {
    let published = 0
    const world = await World.of(ONES(4), [], {}, (_, outside) => {
      const join = outside.net.topic.bind(outside.net)
      outside.net.topic = (name, judge) => {
        const topic = join(name, judge)
        const publish: Topic['publish'] = (data, options) => {
          published += 1
          return topic.publish(data, options)
        }
        return { ...topic, publish }
      }
      return outside
    })
    expect(await world.until(voting(world), HALF_A_MINUTE)).toBe(true)
    const command = commandsOf(world)
    for (let i = 0; i < 4; i++) member(world, i).group.submit(command(`line ${i}`))
    expect(await world.until(lines(world, 4), HALF_A_MINUTE)).toBe(true)
    await world.clock.pass(5_000)
    expect(published).toBe(0)
    outsider(world, 60)
    await world.clock.pass(100)
    member(world, 0).group.submit(command('x'))
    expect(await world.until(lines(world, 5), HALF_A_MINUTE)).toBe(true)
    await world.clock.pass(1_000)
    expect(published).toBeGreaterThan(0)
  })
})

describe('a peer that means ill', () => {
  test('takes nobody a slot with votes it made up, and they are counted', async () => {
    const world = await World.of(ONES(4))
    expect(await world.until(voting(world), HALF_A_MINUTE)).toBe(true)
    const { publish } = outsider(world, 60)
    await world.clock.pass(100)
    let accused = 0
    for (const { group } of world.members)
      group.onEvent(({ type }) => {
        if (type === 'warrant') accused += 1
      })
    for (let view = 1; view <= 8; view++) for (const signer of [0, 1, 2, 3]) void publish(forged(signer, view), view)
    await world.clock.pass(100)
    for (const at of world.members) expect(await dropped(at, 'gossip: forged')).toBe(32)
    const command = commandsOf(world)
    for (let i = 0; i < 6; i++) member(world, i % 4).group.submit(command(`line ${i}`))
    expect(await world.until(lines(world, 6), HALF_A_MINUTE)).toBe(true)
    expect(accused).toBe(0)
    for (const at of world.members) expect(await dropped(at, 'signature')).toBe(0)
  })

  test('has a vote of somebody else relayed no more often however often it says it', async () => {
    const world = await worldWithout(4, [[0, 1]])
    expect(await world.until(voting(world), HALF_A_MINUTE)).toBe(true)
    // Only what members relay reaches the witness.
    const witness = outsider(world, 61, [0])
    const thief = outsider(world, 60)
    world.net.node(person(60).peerId)?.drop(person(61).peerId, { banMs: FOR_EVER_MS })
    for (const index of [2, 3]) await world.crash(index)
    await world.clock.pass(3_000)
    member(world, 0).group.submit(commandsOf(world)('x'))
    const isOfZero = ({ frame }: { readonly frame: GossipFrame }) =>
      frame.type === 'votes' && frame.votes[0]?.signer === signerOf(world, 0)
    expect(await world.until(() => thief.heard.some(isOfZero), HALF_A_MINUTE)).toBe(true)
    const stolen = thief.heard.find(isOfZero)?.frame
    if (stolen === undefined) throw new Error('nothing to steal')
    const before = witness.heard.filter(isOfZero).length
    for (let attempt = 1_000; attempt < 1_500; attempt++) void thief.publish(stolen, attempt)
    await world.clock.pass(100)
    expect(witness.heard.filter(isOfZero).length - before).toBeLessThanOrEqual(2)
    expect(await dropped(member(world, 1), 'gossip: repeated')).toBeGreaterThan(450)
  })
})

describe('an observer', () => {
  test('follows as fast as the topic tells it, and has its commands taken', async () => {
    const world = await World.of(ONES(4))
    expect(await world.until(voting(world), HALF_A_MINUTE)).toBe(true)
    const observer = await world.observe()
    await world.clock.pass(2_100)
    const command = commandsOf(world)
    for (let i = 1; i <= 5; i++) {
      observer.group.submit(command(`line ${i}`))
      expect(await world.until(lines(world, i), 700)).toBe(true)
    }
  })

  test('that is connected to another observer alone follows through it', async () => {
    const world = await World.of(ONES(4))
    const first = await world.observe()
    expect(await world.until(voting(world), HALF_A_MINUTE)).toBe(true)
    const last = world.members.length
    for (const { index } of world.members.slice(0, 4))
      world.net.node(person(index).peerId)?.drop(person(last).peerId, { banMs: FOR_EVER_MS })
    const second = await world.observe()
    await world.clock.pass(1_000)
    const command = commandsOf(world)
    member(world, 0).group.submit(command('a'))
    expect(await world.until(() => first.tape.lines.length === 1, HALF_A_MINUTE)).toBe(true)
    member(world, 0).group.submit(command('b'))
    expect(await world.until(() => second.tape.lines.length === 2, HALF_A_MINUTE)).toBe(true)
  })

  test('hears at most four finalizations a second', async () => {
    const world = await World.of(ONES(4))
    expect(await world.until(voting(world), HALF_A_MINUTE)).toBe(true)
    const { heard } = outsider(world, 60)
    await world.clock.pass(100)
    const command = commandsOf(world)
    for (let i = 0; i < 100; i++) {
      member(world, i % 4).group.submit(command(`line ${i}`))
      await world.clock.pass(20)
    }
    expect(await world.until(lines(world, 100), HALF_A_MINUTE)).toBe(true)
    await world.clock.pass(1_000)
    const views = heard.flatMap(({ frame }) => (frame.type === 'certificate' ? [frame.certificate.view] : []))
    expect(views.length).toBeGreaterThan(2)
    expect(views.length).toBeLessThanOrEqual(4 * 4)
    expect(views.at(-1)).toBe(Math.max(...views))
  })
})
