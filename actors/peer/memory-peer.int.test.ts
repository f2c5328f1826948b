import { randomBytes } from 'node:crypto'
import { afterEach, expect, it, vi } from 'vitest'
import { createPeer, type Peer } from './index.ts'

const WAIT = { timeout: 30_000, interval: 20 }
const network = `test-${randomBytes(8).toString('hex')}`
const peers: Peer[] = []

async function up(): Promise<Peer> {
  const peer = await createPeer({ profile: 'local', store: 'memory', mdns: false, network, logLevel: 'silent' })
  peers.push(peer)
  return peer
}

afterEach(async () => {
  for (const peer of peers.splice(0)) await peer.stop()
})

it('runs without a data directory, and is reached at its addresses', async () => {
  const [a, b] = await Promise.all([up(), up()])
  expect(a.status()).toMatchObject({ state: 'running', dataDir: null, id: a.id })
  await b.dial(a.addresses)
  const seen = (by: Peer, other: Peer) => by.members().some(({ peer, connected }) => connected && peer === other.id)
  await vi.waitFor(() => expect([seen(a, b), seen(b, a)]).toEqual([true, true]), WAIT)
})

it('says that nobody is there, and what is no address', async () => {
  const [a, b] = await Promise.all([up(), up()])
  await b.stop()
  await expect(
    a.dial(b.addresses.length > 0 ? b.addresses : [`/ip4/127.0.0.1/tcp/1/p2p/${b.id}`], { timeoutMs: 200 })
  ).rejects.toMatchObject({
    code: 'BRUME_PEER_UNREACHABLE'
  })
  await expect(a.dial(['/ip4/127.0.0.1/tcp/1'])).rejects.toMatchObject({ code: 'BRUME_PEER_USAGE' })
})
