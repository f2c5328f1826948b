import { identityFromSeed } from '@brume/crypto'
import { peerIdFromString } from '@libp2p/peer-id'
import { afterEach, expect, test } from 'vitest'
import { host, stopHosts } from '../test/hosts.ts'
import { PeerStoreKeeper } from './peer-store.ts'

afterEach(stopHosts)

test('libp2p takes the ranks: committee before gossip mesh before bootstrap, and nothing for the rest', async () => {
  const node = await host()
  const keeper = new PeerStoreKeeper(node)
  const { peerId: peer } = identityFromSeed(new Uint8Array(32).fill(5))
  const worth = async () => {
    const { tags } = await node.peerStore.get(peerIdFromString(peer))
    return [...tags.values()].reduce((sum, { value }) => sum + value, 0)
  }
  for (const [priority, value] of [
    ['committee', 1_000],
    ['bootstrap', 50],
    ['member', 200],
    ['discovered', 0]
  ] as const) {
    await keeper.rank([{ peer, addresses: [], priority }])
    expect(await worth()).toBe(value)
  }
  await keeper.rank([{ peer, addresses: [], priority: 'committee' }])
  await keeper.rank([])
  expect(await worth()).toBe(0)
})
