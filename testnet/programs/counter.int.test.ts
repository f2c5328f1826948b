import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createQuorum, type Group } from '@brume/actors/quorum'
import { deriveSeed, identityFromSeed, sha256 } from '@brume/crypto'
import { createNet } from '@brume/net'
import { createRegistry } from '@brume/observe'
import type { Log } from '@brume/ports'
import { systemClock, systemRandom } from '@brume/ports/system'
import { DEFAULT_PACE, encodeManifest, groupIdOf } from '@brume/protocols/quorum'
import { createSystem } from '@brume/runtime'
import { openJournal, openStore } from '@brume/store'
import { afterEach, test } from 'vitest'
import { Counter, CounterClient } from './counter.ts'

const log: Log = { debug() {}, info() {}, warn: console.warn, error: console.error, child: () => log }
const ends: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function startMember(directory: string, index: number, manifest: Uint8Array) {
  const clock = systemClock()
  const random = systemRandom()
  const identity = identityOf(index)
  const store = await openStore(join(directory, `${index}`, 'store'))
  const journal = await openJournal({
    directory: join(directory, `${index}`, 'journal'),
    owner: identity.publicKey,
    store,
    expected: false
  })
  const registry = createRegistry()
  const net = await createNet({
    seed: identity.seed,
    networkId: sha256(manifest),
    profile: 'local',
    discovery: { mdns: true, bootstrap: [] },
    store,
    clock,
    random,
    log,
    registry
  })
  const kernel = createSystem({ clock, random, log, self: identity.peerId })
  const keepConnected = (_: string, peers: readonly string[]) => {
    net.want(peers.map((peer) => ({ peer, addresses: [], priority: 'committee' as const })))
    return () => {}
  }
  const quorum = createQuorum({ identity, net, store, journal, clock, log, registry, kernel, keepConnected })
  const counter = new Counter()
  const group = quorum.open(manifest, counter)
  await net.start()
  await group.start()
  ends.push(async () => {
    await quorum.stop()
    await net.stop()
    await journal.close()
    await store.close()
  })
  return { net, group, counter, registry }
}

const identityOf = (index: number) => identityFromSeed(sha256(Uint8Array.of(index)))

async function until(condition: () => boolean, deadlineMs: number): Promise<void> {
  const end = performance.now() + deadlineMs
  while (!condition()) {
    if (performance.now() > end) throw new Error('not in time')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

test('four members over real sockets finalize a counter, then fall silent', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'brume-quorum-'))
  ends.push(() => rm(directory, { recursive: true, force: true }))
  const members = [0, 1, 2, 3].map((i) => {
    const { peerId, publicKey, seed } = identityOf(i)
    const vrfKey = identityFromSeed(deriveSeed(seed, 'brume/vrf/1')).publicKey
    return { peer: peerId, key: publicKey, vrfKey, weight: 1, operator: '', site: '', hardware: '' }
  })
  const manifest = encodeManifest({
    name: 'counter',
    nonce: sha256(Uint8Array.of(9)),
    pace: { ...DEFAULT_PACE, minViewMs: 0 },
    members,
    program: new Uint8Array()
  })
  const all = await Promise.all([0, 1, 2, 3].map((i) => startMember(directory, i, manifest)))
  const groups: Group[] = all.map(({ group }) => group)
  await until(() => groups.every((group) => group.status().state === 'voting'), 15_000)
  const client = new CounterClient(identityOf(100), groupIdOf(manifest), 1)
  for (let i = 0; i < 50; i++) {
    const submission = groups[i % 4]?.submit(client.add(2, Date.now() + 60_000))
    await submission?.final
  }
  await until(() => all.every(({ counter }) => counter.state.value === 100), 5_000)
  await until(() => groups.every((group) => group.status().dormant), 5_000)
}, 60_000)
