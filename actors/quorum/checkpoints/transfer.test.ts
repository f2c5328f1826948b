import type { Net } from '@brume/ports'
import {
  decodeCheckpointAnswer,
  decodePageAnswer,
  decodeSyncAnswer,
  decodeSyncRequest,
  encodeCheckpointAnswer,
  encodePageAnswer,
  encodeSyncRequest,
  SYNC_PROTOCOL,
  type SyncRequest
} from '@brume/protocols/quorum'
import { replace } from '@brume/testkit'
import { describe, expect, test } from 'vitest'
import { clientOf, type Outside, person, World } from '../samples.ts'

const A_WHILE_MS = 60_000
/** Blocks with commands; together they make more lines than one page has leaves. */
const BATCHES = 5
const PER_BATCH = 60

type Answer = (bytes: Uint8Array, request: SyncRequest, index: number) => Uint8Array

/**
 * A group whose first blocks are gone at every member; what members answer to bulk requests goes through `answer`.
 *
 * @param away - a member that hears nothing of it
 */
async function grown(answer: Answer, away: number | null = null): Promise<World> {
  const wrap = (index: number, outside: Outside): Outside => ({
    ...outside,
    net: answering(outside.net, index, answer)
  })
  const world = await World.of([1, 1, 1, 1], [], { pace: { checkpointBlocks: 2 } }, wrap)
  const isVoting = () => world.alive.every(({ group }) => group.status().state === 'voting')
  expect(await world.until(isVoting, A_WHILE_MS)).toBe(true)
  if (away !== null) await world.crash(away)
  const command = clientOf(world.manifest, () => world.clock.wall())
  for (let batch = 0; batch < BATCHES; batch++) {
    let left = PER_BATCH
    for (let i = 0; i < PER_BATCH; i++) {
      void world.members[0]?.group.submit(command(`${batch}/${i}`)).final.then(() => (left -= 1))
    }
    expect(await world.until(() => left === 0, A_WHILE_MS)).toBe(true)
  }
  const pruned = await Promise.all(world.alive.map(({ group }) => group.ledger.prunedTo()))
  expect(Math.min(...pruned)).toBeGreaterThan(0)
  return world
}

function answering(net: Net, index: number, change: Answer): Net {
  return replace(net, {
    serve: (protocol, answer) =>
      net.serve(protocol, async (from, body) => {
        const bytes = await answer(from, body)
        return protocol.id === SYNC_PROTOCOL.id ? change(bytes, decodeSyncRequest(body), index) : bytes
      })
  })
}

const isRestored = (world: World) => () => world.members[3]?.tape.lines.length === BATCHES * PER_BATCH
const honest: Answer = (bytes) => bytes

/** A page with one leaf exchanged. */
function spoilt(bytes: Uint8Array): Uint8Array {
  const page = decodePageAnswer(bytes)
  return page === null ? bytes : encodePageAnswer({ ...page, leaves: page.leaves.toSpliced(0, 1, new Uint8Array(9)) })
}

async function droppedAt(world: World, index: number, cause: string): Promise<number> {
  const metrics = (await world.members[index]?.registry.metrics()) ?? ''
  const line = metrics.split('\n').find((text) => text.includes(`cause="${cause}"`))
  return Number(line?.split(' ').at(-1) ?? 0)
}

describe('a member whose state is gone', { timeout: 60_000 }, () => {
  test('takes pages from others, in spite of one that sends wrong ones, and knows which', async () => {
    const world = await grown((bytes, { type }, index) => (type === 'page' && index === 0 ? spoilt(bytes) : bytes))
    await world.crash(3)
    await world.restart(3)
    expect(await world.until(isRestored(world), A_WHILE_MS)).toBe(true)
    expect(await droppedAt(world, 3, 'bad hash')).toBeGreaterThan(0)
  })

  test('believes no checkpoint whose parts do not belong together', async () => {
    let isLying = true
    const world = await grown((bytes, { type }) => {
      const answer = type === 'checkpoint' && isLying ? decodeCheckpointAnswer(bytes) : null
      return answer === null ? bytes : encodeCheckpointAnswer({ ...answer, leaves: answer.leaves + 1 })
    })
    await world.crash(3)
    await world.restart(3)
    expect(await world.until(() => world.members[3]?.group.status().state === 'voting', A_WHILE_MS)).toBe(true)
    await world.clock.pass(10_000)
    expect(world.members[3]?.group.status().execution.state).toBe('resyncing')
    expect(await droppedAt(world, 3, 'bad hash')).toBeGreaterThan(2)
    isLying = false
    expect(await world.until(isRestored(world), A_WHILE_MS)).toBe(true)
  })

  test('goes on with others when a server dies midway', async () => {
    let died = false
    const world: World = await grown((bytes, { type }, index) => {
      if (type === 'page' && index === 0) {
        died = true
        world.kill(0)
      }
      return bytes
    })
    await world.crash(3)
    await world.restart(3)
    expect(await world.until(isRestored(world), A_WHILE_MS)).toBe(true)
    expect(died).toBe(true)
  })

  test('begins anew when it dies itself, at whichever page', async () => {
    const served: number[] = []
    let isFatal = true
    const world: World = await grown((bytes, request) => {
      if (request.type !== 'page') return bytes
      served.push(request.page)
      if (isFatal) world.kill(3)
      return bytes
    })
    for (const pages of [1, 2]) {
      await world.crash(3)
      await world.restart(3)
      expect(await world.until(() => served.length >= pages, A_WHILE_MS)).toBe(true)
    }
    isFatal = false
    await world.crash(3)
    await world.restart(3)
    expect(await world.until(isRestored(world), A_WHILE_MS)).toBe(true)
  })
})

describe('an order whose blocks are gone', { timeout: 60_000 }, () => {
  test('is taken up at a checkpoint by a member that was away, which then votes', async () => {
    const world = await grown(honest, 3)
    await world.restart(3)
    const member = world.members[3]
    expect(await world.until(isRestored(world), A_WHILE_MS)).toBe(true)
    expect(member?.group.status()).toMatchObject({ state: 'voting', height: world.members[0]?.group.status().height })
    expect(member?.group.record?.digest()).toBe(world.members[0]?.group.record?.digest())
    // Without it there is no quorum any more.
    await world.crash(0)
    const command = clientOf(world.manifest, () => world.clock.wall(), 2)
    void member?.group.submit(command('after'))
    const isThere = () => world.alive.every(({ tape }) => tape.lines.length === BATCHES * PER_BATCH + 1)
    expect(await world.until(isThere, A_WHILE_MS)).toBe(true)
  })

  test('is taken up by an observer that was never there', async () => {
    const world = await grown(honest)
    const observer = await world.observe()
    expect(await world.until(() => observer.tape.lines.length === BATCHES * PER_BATCH, A_WHILE_MS)).toBe(true)
    expect(observer.tape.heights.length).toBeLessThan(world.members[0]?.tape.heights.length ?? 0)
  })

  test('goes on by another server where one dies midway', async () => {
    const world: World = await grown((bytes, { type }, index) => {
      if (type === 'checkpoint' && index === 0) world.kill(0)
      return bytes
    }, 3)
    await world.restart(3)
    await world.until(() => world.members[0]?.alive === false, A_WHILE_MS)
    await world.restart(0)
    expect(await world.until(isRestored(world), A_WHILE_MS)).toBe(true)
  })
})

test('what is too high, too low or of no group is answered, and nobody comes to harm', {
  timeout: 60_000
}, async () => {
  const world = await grown(honest)
  const stranger = world.net.start(person(77).peerId)
  const { groupId } = world.members[0]?.group ?? { groupId: new Uint8Array(32) }
  await world.clock.pass(1_000)
  const ask = async (request: SyncRequest) => {
    let answer: Uint8Array | null = null
    const body = encodeSyncRequest(request)
    void stranger.request(person(0).peerId, SYNC_PROTOCOL, body, { timeoutMs: 5_000 }).then((bytes) => (answer = bytes))
    expect(await world.until(() => answer !== null, A_WHILE_MS)).toBe(true)
    return answer ?? new Uint8Array()
  }
  const kept = world.members[0]?.group.execution?.checkpoints[0]?.certificate.height ?? 0
  expect(decodeSyncAnswer(groupId, await ask({ type: 'blocks', groupId, from: 10 ** 9 }))).toMatchObject({
    blocks: [],
    pruned: null
  })
  expect(decodeSyncAnswer(groupId, await ask({ type: 'blocks', groupId, from: 1 })).pruned).toBe(kept)
  expect(decodePageAnswer(await ask({ type: 'page', groupId, height: 10 ** 9, page: 0 }))).toBeNull()
  expect(decodePageAnswer(await ask({ type: 'page', groupId, height: kept, page: 10 ** 6 }))).toBeNull()
  expect(decodePageAnswer(await ask({ type: 'page', groupId, height: kept, page: 0 }))).not.toBeNull()
  const other = new Uint8Array(32)
  expect(decodeSyncAnswer(other, await ask({ type: 'blocks', groupId: other, from: 1 })).blocks).toEqual([])
})
