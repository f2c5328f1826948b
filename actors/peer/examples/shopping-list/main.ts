import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createPeer, type Peer, type Ref } from '@brume/peer'
import list from './list.machine.ts'

type List = Ref<typeof list>
interface Home {
  readonly peer: Peer
  readonly list: List
}

const disks = await mkdtemp(join(tmpdir(), 'brume-homes-'))

/** A home's peer with its list: a new one, or the one that is on its disk. */
async function open(name: string): Promise<Home> {
  const peer = await createPeer({ profile: 'local', network: 'three-homes', dataDir: join(disks, name) })
  const logic = await peer.register<typeof list>(list, { name: 'list', version: 1 })
  return { peer, list: await peer.spawn(logic, { id: 'list' }) }
}

const has = async ({ list }: Home, count: number): Promise<string> => {
  const { context } = await list.waitFor((snapshot) => snapshot.context.items.length === count, { timeoutMs: 60_000 })
  return context.items.toSorted().join(', ')
}

let ana = await open('ana')
const [ben, cem] = await Promise.all([open('ben'), open('cem')])
for (const { peer } of [ben, cem]) await peer.dial(ana.peer.addresses)

const homes = [ana, ben, cem].map((home) => home.list.address)
for (const { list } of [ana, ben, cem]) {
  await list.submit({ type: 'meet', homes: homes.filter((home) => home !== list.address) })
}

await ana.list.submit({ type: 'want', item: 'milk' })
await ben.list.submit({ type: 'want', item: 'bread' })
for (const [name, home] of Object.entries({ ana, ben, cem })) console.log(`${name}: ${await has(home, 2)}`)

await ana.peer.stop()
await cem.list.submit({ type: 'want', item: 'eggs' })
await ben.list.submit({ type: 'bought', item: 'milk' })
console.log(`cem, while ana is away: ${await has(cem, 2)}`)

ana = await open('ana')
await ana.peer.dial(ben.peer.addresses)
const { context } = await ana.list.waitFor(
  ({ context: { items } }) => items.includes('eggs') && !items.includes('milk'),
  { timeoutMs: 60_000 }
)
console.log(`ana, back again: ${context.items.toSorted().join(', ')}`)

for (const { peer } of [ana, ben, cem]) await peer.stop()
await rm(disks, { recursive: true })
