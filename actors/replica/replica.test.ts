import type { Block, ProgramEvent } from '@brume/actors/quorum'
import { toHex, Writer } from '@brume/codec'
import { addressOf, encodeProof, SendProofs, verifyProof } from '@brume/protocols/actors/proof'
import { commandId, decodeCall, encodeCall, groupIdOf } from '@brume/protocols/quorum'
import {
  type Bundle,
  bundleLogic,
  decodeAnswer,
  type Event,
  type Executor,
  encodeCommand,
  Items,
  inlineExecutor,
  queryPath,
  readLeaf,
  SNAPSHOT_PATHS,
  selectPath,
  snapshotOf
} from '@brume/runtime/replica'
import { memoryStore } from '@brume/testkit'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { createReplica } from './index.ts'
import { person, World } from './test/world.ts'

let bundle: Bundle
beforeAll(async () => {
  bundle = await bundleLogic(new URL('./test/ledger.machine.ts', import.meta.url))
}, 60_000)

const PACE = { checkpointBlocks: 8 }
/** Of real time: what settles by promises alone. */
const SOON = { timeout: 60_000 }

async function certified(world: World, atLeast: number) {
  const found = await world.done(world.client.read(SNAPSHOT_PATHS, 'certified', { atLeast }))
  if (found.leaves === null || found.bundle === null || found.places === null) throw new Error('nothing was found')
  const items = new Items(found.leaves.map(readLeaf).map(({ path, bytes }) => [path, bytes]))
  return { snapshot: snapshotOf(items), proof: encodeProof(world.manifest, found.bundle, found.places.slice(1)) }
}

describe('a replicated machine', { timeout: 120_000 }, () => {
  test('replies, and what it replied and became is proven to whoever knows its address', async () => {
    const world = await World.of({ bundle, input: { start: 10 } })
    expect(await world.event('add', { by: 2 })).toMatchObject({ outcome: 'ok', value: 12 })
    const { value, height, bundle: proven } = await world.event('add', { by: 3 })
    expect(value).toBe(15)
    const address = addressOf(world.manifest)
    const answered = verifyProof(encodeProof(world.manifest, proven, []), address)
    expect(answered).toMatchObject({ value: 15, height, answer: { outcome: 'ok', value: 15 } })
    const { snapshot, proof } = await certified(world, height)
    expect(snapshot).toMatchObject({ status: 'active', value: 'open', context: { n: 15, late: 0 }, frozen: false })
    const proved = verifyProof(proof, address)
    expect(proved).toMatchObject({ snapshot: { context: { n: 15 } }, height })
    expect(proved.finalizers.length).toBeGreaterThanOrEqual(3)
    expect(proved.attesters.length).toBeGreaterThanOrEqual(2)
    const peers = [0, 1, 2, 3].map((index) => person(index).peerId)
    for (const peer of [...proved.finalizers, ...proved.attesters]) expect(peers).toContain(peer)
  })

  test('says of each command what became of it, and keeps its state where nothing did', async () => {
    const world = await World.of({ bundle, admins: [person(77)] })
    await world.event('add', { by: 1 })
    expect(await world.event('nothing')).toMatchObject({ outcome: 'unhandled', value: null })
    expect(await world.event('xstate.done.actor.x')).toMatchObject({ outcome: 'refused', value: 'type' })
    expect(await world.event('fail')).toMatchObject({ outcome: 'threw', value: 'threw' })
    expect(await world.event('add', { by: 'x' })).toMatchObject({ outcome: 'ok', value: '1x' })
    expect(await world.order({ kind: 'query', name: 'nope', args: 1 })).toMatchObject({ outcome: 'refused' })
    expect(await world.order({ kind: 'freeze', successor: null })).toMatchObject({
      outcome: 'refused',
      value: 'forbidden'
    })
    expect(await world.order({ kind: 'freeze', successor: null }, person(77))).toMatchObject({ outcome: 'ok' })
    const { height, outcome } = await world.event('add', { by: 1 })
    expect(outcome).toBe('moved')
    expect((await certified(world, height)).snapshot).toMatchObject({ context: { n: '1x' }, frozen: true })
  })

  test('answers selectors: as leaves, by query of one member, and at a place in the order', async () => {
    const world = await World.of({ bundle })
    const { height } = await world.event('add', { by: 21 })
    const leaf = await world.done(world.client.read([selectPath('double')], 'certified', { atLeast: height }))
    expect(
      new Items([[selectPath('double'), readLeaf(leaf.leaves?.[0] ?? new Uint8Array()).bytes]]).get(
        selectPath('double')
      )
    ).toBe(42)
    const asked = await world.done(world.client.read([queryPath('times', 3)], 'local', { atLeast: height }))
    expect(decodeAnswer(readLeaf(asked.leaves?.[0] ?? new Uint8Array()).bytes)).toMatchObject({
      outcome: 'ok',
      value: 63
    })
    expect(await world.order({ kind: 'query', name: 'times', args: 2 })).toMatchObject({ outcome: 'ok', value: 42 })
  })

  test('draws the same numbers on all members, and others at the next place', async () => {
    const world = await World.of({ bundle })
    const [one, other] = [await world.event('draw'), await world.event('draw')]
    expect(one.value).not.toBe(other.value)
    expect(world.members.map(({ group }) => group.status().execution.state)).toEqual(Array(4).fill('running'))
  })

  test('fires its timers in group time, though nobody sends anything', async () => {
    const world = await World.of({ bundle })
    await world.event('wait')
    const late = () =>
      world.members.map(({ program }) => Buffer.from(program.leaves.get('context/late') ?? []).toString('hex'))
    expect(late()).toEqual(Array(4).fill('00'))
    await world.until(() => late().every((value) => value === '01'))
    const { height } = await world.event('add', { by: 1 })
    expect((await certified(world, height)).snapshot).toMatchObject({ value: 'open', context: { late: 1 } })
  })

  test('grows over many leaves, and stops growing where a state ends', async () => {
    const world = await World.of({ bundle })
    const answers = []
    for (let i = 0; i < 14; i++) answers.push(await world.event('grow'))
    const grown = answers.filter(({ outcome }) => outcome === 'ok').length
    expect(grown).toBeGreaterThan(10)
    expect(answers.at(-1)).toMatchObject({ outcome: 'unfit', value: 'size' })
    const { snapshot } = await certified(world, answers.at(-1)?.height ?? 0)
    expect((snapshot.context as { readonly text: string }).text.length).toBe(grown * 20_000)
  })

  test('sends to others what proves itself, whoever of the members hands it on', async () => {
    const world = await World.of({ bundle })
    await world.event('add', { by: 4 })
    const to = 'brume://12D3KooWAHoEkEqnKzM5PXFygh2movVBCSX3k8tDsT2cneU68Gyt/shop'
    const { height } = await world.event('tell', { to })
    const later = await world.event('tell', { to })
    const [first, second] = [height * 16_384, later.height * 16_384]
    const sequences = () => world.sent.map(({ seq }) => seq)
    await world.until(() => sequences().includes(first) && sequences().includes(second))
    await world.clock.pass(5_000)
    // By the members in turn, of which no one sends what was taken from it already.
    for (const seq of [first, second]) {
      const times = sequences().filter((one) => one === seq).length
      expect(times).toBeGreaterThanOrEqual(2)
      expect(times).toBeLessThanOrEqual(4)
    }
    const proofs = new SendProofs()
    const from = addressOf(world.manifest)
    for (const { proof, seq } of world.sent) {
      const prev = seq === second ? first : 0
      expect(proofs.verify(proof)).toMatchObject({ from, seq, prev, to, event: { type: 'sum', n: 4 } })
    }
    const { proof } = world.sent[0] ?? { proof: new Uint8Array() }
    for (let at = 0; at < proof.length; at += 5) {
      expect(() => new SendProofs().verify(proof.with(at, (proof[at] ?? 0) ^ 1))).toThrow()
    }
  })

  test('is restored on a member from leaves, and goes on the same', async () => {
    const world = await World.of({ bundle, pace: PACE })
    for (let i = 0; i < 10; i++) await world.event('add', { by: 1 })
    const [member] = world.members
    const leaves = [...(member?.program.leaves.values() ?? [])]
    const fresh = inlineExecutor(bundle, {
      address: `${addressOf(world.manifest)}#1`,
      input: null,
      legacy: null,
      admins: []
    })
    const state = await fresh.restore(leaves)
    expect(new Map(await fresh.leaves(state))).toEqual(new Map(leaves))
  })
})

/** Executes what everybody does, and says something else. */
const lying: (bundle: Bundle, assignment: Parameters<typeof inlineExecutor>[1]) => Executor = (of, assignment) => {
  const honest = inlineExecutor(of, assignment)
  const execute: Executor['execute'] = async (parent, batch) => {
    const executed = await honest.execute(parent, batch)
    return { ...executed, outcomes: executed.outcomes.map((outcome) => ({ ...outcome, value: 666 })) }
  }
  return { ...honest, execute }
}

const failing: typeof lying = (of, assignment) => {
  const honest = inlineExecutor(of, assignment)
  return { ...honest, execute: async () => Promise.reject(new Error('out of memory')) }
}

describe('members that are wrong', { timeout: 120_000 }, () => {
  test('one of four: no wrong answer is ever attested, and it halts its own execution', async () => {
    const world = await World.of({ bundle, executor: (index) => (index === 1 ? lying : undefined) })
    for (let sum = 1; sum <= 5; sum++) expect(await world.event('add', { by: 1 })).toMatchObject({ value: sum })
    await world.until(() => world.members[1]?.group.status().execution.state !== 'running')
    expect(world.members.filter(({ group }) => group.status().execution.state === 'running')).toHaveLength(3)
  })

  test('two of four: nothing is attested any more, and the order goes on', async () => {
    const world = await World.of({ bundle, executor: (index) => (index < 2 ? failing : undefined) })
    const order = world.client.submit(world.call({ kind: 'event', event: { type: 'add', by: 1 } }))
    order.attested.catch(() => {})
    const { height } = await world.done(order.final)
    expect(height).toBeGreaterThan(0)
    expect(world.members.map(({ group }) => group.status().state)).toEqual(Array(4).fill('voting'))
  })

  test('three of four: what was certified before can still be shown, by whom it is left to', async () => {
    let isBroken = false
    const breaking: typeof lying = (of, assignment) => {
      const honest = inlineExecutor(of, assignment)
      const broken = () => Promise.reject(new Error('out of memory'))
      return { ...honest, execute: (...args) => (isBroken ? broken() : honest.execute(...args)) }
    }
    const world = await World.of({ bundle, pace: PACE, executor: (index) => (index > 0 ? breaking : undefined) })
    for (let i = 0; i < 10; i++) await world.event('add', { by: 1 })
    await world.until(() => (world.members[0]?.group.status().execution.checkpoint ?? 0) > 0)
    isBroken = true
    const order = world.client.submit(world.call({ kind: 'event', event: { type: 'add', by: 1 } }))
    order.attested.catch(() => {})
    await world.done(order.final)
    const { bundle: shown, places } = await world.done(world.client.read(SNAPSHOT_PATHS, 'certified'))
    const proof = encodeProof(world.manifest, shown ?? new Uint8Array(), (places ?? []).slice(1))
    const { snapshot, attesters, height, timeMs } = verifyProof(proof, addressOf(world.manifest))
    expect([height % PACE.checkpointBlocks, attesters.length >= 3, timeMs]).toEqual([0, true, null])
    expect((snapshot?.context as { readonly n: number } | undefined)?.n).toBeGreaterThan(3)
  })

  test('one whose machine stops it: the state is restored from the others, once', async () => {
    let isBroken = false
    const breaking: typeof lying = (of, assignment) => {
      const honest = inlineExecutor(of, assignment)
      const execute: Executor['execute'] = (parent, batch) => {
        if (isBroken) return Promise.reject(new Error('out of memory'))
        return honest.execute(parent, batch)
      }
      return { ...honest, execute }
    }
    const world = await World.of({ bundle, pace: PACE, executor: (index) => (index === 2 ? breaking : undefined) })
    for (let i = 0; i < 10; i++) await world.event('add', { by: 1 })
    isBroken = true
    await world.event('add', { by: 1 })
    const execution = () => world.members[2]?.group.status().execution.state
    await world.until(() => execution() === 'resyncing')
    isBroken = false
    for (let i = 0; i < 10; i++) await world.event('add', { by: 1 })
    await world.until(() => execution() === 'running')
    const sums = () =>
      world.members.map(({ program }) => Buffer.from(program.leaves.get('context/n') ?? []).toString('hex'))
    await world.until(() => new Set(sums()).size === 1)
    expect(sums()[2]).toBe('15')
  })
})

test('goes on from its own disk after a restart, with its timers', async () => {
  const manifest = (await World.of({ bundle, members: 1 })).manifest
  const groupId = groupIdOf(manifest)
  const store = memoryStore()
  const start = async () => {
    const heard: ProgramEvent[] = []
    const program = createReplica({ bundle, input: null, executor: inlineExecutor, store })
    const height = await program.open({ groupId, manifest }, (event) => heard.push(event))
    return { program, heard, height }
  }
  const block = (height: number, timeMs: number, ...events: readonly Event[]): Block => ({
    ...{ epoch: 0, view: height, height, leader: 0, timeMs, seed: new Uint8Array(32), checkpoint: true },
    ...{ digest: '11'.repeat(32), previous: '22'.repeat(32) },
    commands: events.map((event, index) => {
      const body = encodeCommand({ kind: 'event', event })
      const call = { groupId, session: 1, sequence: height, expiresMs: timeMs + 60_000, body }
      const bytes = encodeCall(call, person(200))
      return { ...decodeCall(bytes), id: toHex(commandId(bytes)), bytes, index }
    })
  })
  const first = await start()
  first.program.deliver(block(1, 1_000, { type: 'add', by: 5 }, { type: 'wait', ms: 1 }))
  await vi.waitFor(() => expect(first.heard).toHaveLength(1), SOON)
  expect(first.heard[0]).toMatchObject({ type: 'executed', dueMs: 6_000 })
  first.program.certified([1])
  await vi.waitFor(async () => expect((await start()).height).toBe(1), SOON)
  const second = await start()
  second.program.deliver(block(2, 6_000))
  second.program.deliver(block(3, 6_000, { type: 'add', by: 2 }))
  await vi.waitFor(() => expect(second.heard).toHaveLength(2), SOON)
  expect(second.heard).toMatchObject([{ height: 2, dueMs: null, statement: expect.anything() }, { height: 3 }])
  const value = (path: string) => Buffer.from(second.program.leaves.get(path) ?? []).toString('hex')
  expect([value('context/n'), value('context/late')]).toEqual(['07', '01'])
})

test('a group of another logic, runtime or input is refused', async () => {
  const other = { ...bundle, logicId: new Writer(32).bytes(new Uint8Array(32)).finish() }
  const world = await World.of({ bundle, members: 1 })
  const open = (of: Bundle, input: number | null) =>
    createReplica({ bundle: of, input, executor: inlineExecutor }).open({
      groupId: new Uint8Array(32),
      manifest: world.manifest
    })
  await expect(open(other, null)).rejects.toMatchObject({ code: 'BRUME_RUNTIME_PROGRAM' })
  await expect(open(bundle, 1)).rejects.toMatchObject({ code: 'BRUME_RUNTIME_PROGRAM' })
  expect(await open(bundle, null)).toBe(0)
})
