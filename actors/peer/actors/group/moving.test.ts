import { afterAll, beforeAll, expect, test } from 'vitest'
import type reader from '../../fixtures/reader.machine.ts'
import type tally from '../../fixtures/tally.machine.ts'
import type tallyTwo from '../../fixtures/tally-two.machine.ts'
import { type Logic, type Machine, type Peer, type Ref, type RegisterOptions, verifyProof } from '../../index.ts'
import { type Simulation, simulate } from '../../testing/simulate.ts'

const READER = new URL('../../fixtures/reader.machine.ts', import.meta.url)
const TALLY = new URL('../../fixtures/tally.machine.ts', import.meta.url)
const TALLY_TWO = new URL('../../fixtures/tally-two.machine.ts', import.meta.url)
const SEED = '0123456789abcdef0123456789abcdef'
/** Of nobody. */
const SAMPLE = 'brume://12D3KooWAM8Yzir4DStcFSBjFRL7Qwbmb2sq5MzyA8f6ggpt9hnw/reader'

let simulation: Simulation
let members: readonly Peer[]
let client: Peer
let founder: Peer
let reading: Ref<typeof reader>
let counting: Ref<typeof tally>
let moved: Ref<typeof tallyTwo>

const ADD = { add: [{ by: 1 }] }

/** On all members. */
async function install<M extends Machine>(url: URL, options: RegisterOptions<M>): Promise<Logic<M>> {
  const [logic] = await Promise.all(members.map((peer) => peer.register<M>(url, options)))
  if (logic === undefined) throw new Error('there are members')
  return logic
}

const sums = async (): Promise<readonly number[]> => (await reading.snapshot({ read: 'final' })).context.sums
const eventually = async (wanted: readonly number[]): Promise<void> => {
  const { until } = simulation
  for (let i = 0; i < 100 && (await until(sums())).length < wanted.length; i++) await simulation.run(100)
  // Long enough for a second one of each to come.
  await simulation.run(3_000)
  expect(await until(sums())).toEqual(wanted)
}

beforeAll(async () => {
  simulation = await simulate({ peers: 5, seed: SEED })
  const { peers, until } = simulation
  members = peers.slice(0, 4)
  const [first] = members
  const last = peers[4]
  if (first === undefined || last === undefined) throw new Error('they are five')
  founder = first
  client = last
  const quorum = { members: members.map(({ id }) => id) }
  const samples = { sum: [{ is: 1 }], have: [{ group: SAMPLE, add: 1 }] }
  const reads = await install<typeof reader>(READER, { name: 'reader', version: 1, samples })
  const sampleInput = { reader: SAMPLE }
  const tallies = await install<typeof tally>(TALLY, { name: 'tally', version: 1, samples: ADD, sampleInput })
  const spawned = await until(founder.spawn(reads, { id: 'reader', mode: 'bft', quorum }))
  reading = client.ref<typeof reader>(spawned.address)
  const input = { reader: spawned.address }
  const { address } = await until(founder.spawn(tallies, { id: 'tally', mode: 'bft', quorum, input }))
  counting = client.ref<typeof tally>(address)
}, 240_000)
afterAll(() => simulation.stop(), 60_000)

test('a group acts on a group, each send once and in order', { timeout: 240_000 }, async () => {
  const { until } = simulation
  for (const by of [1, 2, 2]) await until(counting.submit({ type: 'add', by }))
  await eventually([1, 3, 5])
  await until(reading.submit({ type: 'have', group: counting.address, add: 2 }))
  await eventually([1, 3, 5, 7])
  expect((await until(counting.snapshot({ read: 'certified' }))).context.sum).toBe(7)
})

test('another version goes on in a group of its own, and refs go with it', { timeout: 240_000 }, async () => {
  const { until } = simulation
  const logic = await install<typeof tallyTwo>(TALLY_TWO, { name: 'tally', version: 2, samples: ADD })
  const [, other = client] = members
  await expect(until(other.upgrade(counting, logic))).rejects.toMatchObject({
    code: 'BRUME_RUNTIME_FORBIDDEN'
  })
  expect(await until(counting.ask({ type: 'add', by: 1 }))).toBe(8)
  const asked = counting.ask({ type: 'add', by: 0 })
  moved = await until(founder.upgrade(counting, logic))
  await until(asked)
  expect(moved.address).not.toBe(counting.address)
  expect((await until(founder.upgrade(counting, logic))).address).toBe(moved.address)
  // Whoever has the old address alone.
  const old = client.ref<typeof tallyTwo>(counting.address)
  const { context, proof, tags } = await until(old.snapshot({ read: 'certified' }))
  // What was asked on the way was taken before the move or after it: nothing orders two peers.
  expect(context).toEqual({ total: 8, times: expect.toSatisfy((n) => n === 0 || n === 1), reader: reading.address })
  expect(verifyProof(proof, moved.address)).toMatchObject({ snapshot: { context: { total: 8 }, frozen: false } })
  expect(tags).toEqual(['counting'])
  expect(await until(old.ask({ type: 'add', by: 1 }))).toBe(9)
  expect(await until(counting.submit({ type: 'add', by: 1 }))).toMatchObject({ seq: expect.any(Number) })
  await eventually([1, 3, 5, 7, 8, 8, 9, 10])
})

test('what others send to the old address comes to the new one, once', { timeout: 240_000 }, async () => {
  const { until } = simulation
  await until(reading.submit({ type: 'have', group: counting.address, add: 2 }))
  await eventually([1, 3, 5, 7, 8, 8, 9, 10, 12])
})

test('what it emits is heard by whoever follows its old address', { timeout: 240_000 }, async () => {
  const { until } = simulation
  const heard: unknown[] = []
  const stop = client.ref<typeof tallyTwo>(counting.address).on('added', (event) => heard.push(event))
  await simulation.run(1_000)
  await until(moved.submit({ type: 'add', by: 3 }))
  await simulation.run(1_000)
  stop()
  expect(heard).toEqual([{ type: 'added', by: 3 }])
})
