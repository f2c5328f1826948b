import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { reply } from '@brume/runtime/logic'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { assign, emit, setup } from 'xstate'
import { createPeer, type Peer, type PeerOptions, type Replies } from './index.ts'

const network = `test-${randomBytes(8).toString('hex')}`
const peers: Peer[] = []
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'brume-solo-'))
})
afterEach(async () => {
  for (const peer of peers.splice(0)) await peer.stop()
  await rm(folder, { recursive: true, force: true })
})

async function up(where: PeerOptions): Promise<Peer> {
  const peer = await createPeer({ profile: 'local', mdns: false, network, logLevel: 'silent', ...where })
  peers.push(peer)
  return peer
}

const memory = { store: 'memory' } as const

const counter = setup({
  types: {} as {
    context: { n: number }
    events: { type: 'add'; by: number } | { type: 'end' }
    emitted: { type: 'grown'; to: number } | Replies<number, 'add'>
    tags: 'large'
    output: number
  }
}).createMachine({
  context: { n: 0 },
  initial: 'small',
  output: ({ context }) => context.n,
  states: {
    small: { always: { guard: ({ context }) => context.n >= 10, target: 'large' } },
    large: { tags: 'large' },
    over: { type: 'final' }
  },
  on: {
    add: {
      actions: [
        assign({ n: ({ context, event }) => context.n + event.by }),
        emit(({ context }) => ({ type: 'grown' as const, to: context.n })),
        reply(({ context }) => context.n)
      ]
    },
    end: { target: '.over' }
  }
})

const install = (peer: Peer) => peer.register<typeof counter>(counter, { name: 'counter', version: 1 })

it('runs an actor: tell, submit, ask, snapshot, emitted events, its end', async () => {
  const peer = await up(memory)
  const ref = await peer.spawn(await install(peer), { id: 'shop/counter' })
  expect(ref.address).toBe(`brume://${peer.id}/shop/counter`)
  const [grown, downs]: [number[], string[]] = [[], []]
  ref.on('grown', ({ to }) => grown.push(to))
  ref.watch(({ reason }) => downs.push(reason))
  expect(ref.tell({ type: 'add', by: 1 })).toBe('accepted')
  expect(await ref.submit({ type: 'add', by: 2 })).toEqual({ seq: 2 })
  expect(await ref.ask({ type: 'add', by: 3 })).toBe(6)
  expect(await ref.snapshot()).toMatchObject({ seq: 3, value: 'small', context: { n: 6 }, status: 'active' })
  const large = ref.waitFor('large', { timeoutMs: 60_000 })
  ref.tell({ type: 'add', by: 4 })
  expect(await large).toMatchObject({ value: 'large', tags: ['large'] })
  expect(peer.actors()).toMatchObject([{ path: 'shop/counter', kind: 'counter', status: 'active' }])
  ref.tell({ type: 'end' })
  expect(await ref.waitFor('done', { timeoutMs: 60_000 })).toMatchObject({ output: 10 })
  expect(grown).toEqual([1, 3, 6, 10])
  await expect.poll(() => downs, { timeout: 60_000 }).toEqual(['done'])
})

it('reaches an actor of another peer by its address', async () => {
  const [home, away] = await Promise.all([up(memory), up(memory)])
  await away.dial(home.addresses, { timeoutMs: 60_000 })
  const { address } = await home.spawn(await install(home), { id: 'counter' })
  const ref = away.ref<typeof counter>(address)
  expect(await ref.ask({ type: 'add', by: 3 }, { timeoutMs: 60_000 })).toBe(3)
  const large = ref.waitFor('large', { timeoutMs: 60_000 })
  const emitted = new Promise((done) => ref.on('grown', done))
  await expect.poll(async () => (await ref.snapshot()).context.n, { timeout: 60_000 }).toBe(3)
  await ref.submit({ type: 'add', by: 8 })
  expect(await emitted).toEqual({ type: 'grown', to: 11 })
  expect(await large).toMatchObject({ context: { n: 11 } })
})

it('keeps an actor over a restart of its peer, and gives the living one to who spawns it again', async () => {
  const first = await up({ dataDir: folder })
  await (await first.spawn(await install(first), { id: 'counter', durability: 'journal' })).submit({
    type: 'add',
    by: 5
  })
  await first.stop()
  const second = await up({ dataDir: folder })
  const ref = await second.spawn(await install(second), { id: 'counter', durability: 'journal' })
  expect(await ref.ask({ type: 'add', by: 1 })).toBe(6)
  const events = []
  for await (const { event } of ref.history()) events.push(event)
  expect(events).toEqual([
    { type: 'add', by: 5 },
    { type: 'add', by: 1 }
  ])
  expect(await ref.snapshotAt(1)).toMatchObject({ context: { n: 5 } })
})

it('says with a code what it refuses', async () => {
  const peer = await up(memory)
  const ref = await peer.spawn(await install(peer), { id: 'counter' })
  await expect(ref.snapshot({ read: 'certified' })).rejects.toMatchObject({ code: 'BRUME_PEER_USAGE' })
  await expect(peer.ref('nobody').submit({ type: 'x' })).rejects.toMatchObject({ code: 'BRUME_RUNTIME_NOACTOR' })
  expect(() => peer.ref('brume://nowhere/x')).toThrow(expect.objectContaining({ code: 'BRUME_RUNTIME_ADDRESS' }))
  for await (const letter of peer.deadLetters()) {
    expect(letter).toMatchObject({ reason: 'noactor', event: { type: 'x' } })
    break
  }
})
