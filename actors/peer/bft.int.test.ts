import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import reader from './fixtures/reader.machine.ts'
import type tally from './fixtures/tally.machine.ts'
import { createPeer, type Logic, type Peer, type Ref, verifyProof } from './index.ts'

const url = new URL('./fixtures/tally.machine.ts', import.meta.url)
/** Of nobody. */
const SAMPLE = 'brume://12D3KooWAM8Yzir4DStcFSBjFRL7Qwbmb2sq5MzyA8f6ggpt9hnw/reader'
const network = `test-${randomBytes(8).toString('hex')}`
/** Five peers in one process, beside other tests. */
const PATIENCE = { timeout: 90_000, interval: 100 }
const LONG = { timeoutMs: 90_000 }

let folder: string
let peers: Peer[]
let readerRef: Ref<typeof reader>
let ref: Ref<typeof tally>

async function up(name: string): Promise<Peer> {
  const settings = { profile: 'local', mdns: false, network, logLevel: 'silent' } as const
  return createPeer({ ...settings, dataDir: join(folder, name) })
}

const install = (peer: Peer): Promise<Logic<typeof tally>> =>
  peer.register<typeof tally>(url, {
    ...{ name: 'tally', version: 1, samples: { add: [{ by: 1 }] } },
    sampleInput: { reader: SAMPLE }
  })

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'brume-bft-'))
  peers = await Promise.all(['a', 'b', 'c', 'd', 'outside'].map(up))
  const [a, b, c, d, outside] = peers as [Peer, Peer, Peer, Peer, Peer]
  for (const peer of peers.slice(1)) await peer.dial(a.addresses, LONG)
  const logic = await outside.register<typeof reader>(reader, { name: 'reader', version: 1 })
  readerRef = await outside.spawn(logic, { id: 'reader' })
  const [tallied] = await Promise.all([a, b, c, d].map(install))
  const quorum = { members: [a.id, b.id, c.id, d.id] }
  const input = { reader: readerRef.address }
  const spawned = await a.spawn(tallied as Logic<typeof tally>, { id: 'tally', input, mode: 'bft', quorum })
  ref = outside.ref<typeof tally>(spawned.address)
}, 240_000)
afterAll(async () => {
  await Promise.all(peers.map((peer) => peer.stop()))
  await rm(folder, { recursive: true, force: true })
})

it('acts on an actor outside, and an actor outside on it, each exactly once', { timeout: 240_000 }, async () => {
  expect(await ref.ask({ type: 'add', by: 1 }, LONG)).toBe(1)
  await readerRef.submit({ type: 'have', group: ref.address, add: 2 })
  const sums = async () => (await readerRef.snapshot()).context.sums
  await expect.poll(sums, PATIENCE).toEqual([1, 3])
  expect((await ref.waitFor(({ context }) => context.sum === 3, LONG)).context).toEqual({
    ...{ sum: 3, reader: readerRef.address }
  })
})

it('proves what it was, to whoever knows the address', { timeout: 240_000 }, async () => {
  const { proof, context, seq } = await ref.snapshot({ read: 'certified' })
  const proved = verifyProof(proof, ref.address)
  expect(proved).toMatchObject({ height: seq, snapshot: { context } })
  expect(proved.finalizers.length).toBeGreaterThanOrEqual(3)
  expect(() => verifyProof(proof, ref.address.replace('tally', 'other'))).toThrow()
})

it('gives the living one to who founds it again, and says why it cannot be founded', { timeout: 240_000 }, async () => {
  const [a, b, , , outside] = peers as [Peer, Peer, Peer, Peer, Peer]
  const logic = await install(a)
  const input = { reader: readerRef.address }
  expect((await a.spawn(logic, { id: 'tally', input, mode: 'bft' })).address).toBe(ref.address)
  await expect(a.spawn(logic, { id: 'new', input, mode: 'bft' })).rejects.toMatchObject({ code: 'BRUME_PEER_USAGE' })
  const quorum = { members: [a.id, b.id, outside.id] }
  await expect(a.spawn(logic, { id: 'new', input, mode: 'bft', quorum })).rejects.toMatchObject({
    code: 'BRUME_RUNTIME_REJECTED',
    message: expect.stringContaining(outside.id)
  })
})

it('goes on without a member, which takes up its part again once its logic is registered', {
  timeout: 240_000
}, async () => {
  const [a, , , d] = peers as [Peer, Peer, Peer, Peer]
  await d.stop()
  expect(await ref.ask({ type: 'add', by: 4 }, LONG)).toBe(7)
  const again = await up('d')
  peers[3] = again
  await again.dial(a.addresses, LONG)
  expect(again.groups()).toEqual([])
  await install(again)
  const own = async () => (await again.ref<typeof tally>(ref.address).snapshot()).context.sum
  await expect.poll(() => own().catch(() => 0), PATIENCE).toBe(7)
  expect(await ref.ask({ type: 'add', by: 1 }, LONG)).toBe(8)
  const sums = async () => (await readerRef.snapshot()).context.sums
  await expect.poll(sums, PATIENCE).toEqual([1, 3, 7, 8])
})
