import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { createPeer, type Peer } from '@brume/peer'
import tally from './tally.machine.ts'

const [b, c, d] = await Promise.all([up(), up(), up()])
for (const peer of [c, d]) await peer.dial(b.addresses)

async function up(): Promise<Peer> {
  const peer = await createPeer({ profile: 'local', network: 'door', store: 'memory' })
  await peer.register<typeof tally>(tally, { name: 'tally', version: 1 })
  return peer
}

const others = [b, c, d].map((peer) => peer.id)
const told = JSON.stringify({ addresses: b.addresses, others })
const holder = fork(fileURLToPath(new URL('holder.ts', import.meta.url)), [told])
const [address] = await once(holder, 'message')

const door = d.ref<typeof tally>(address)
const count = () => door.ask({ type: 'count' }, { timeoutMs: 60_000 })
console.log(await count(), await count(), await count())

holder.kill('SIGKILL')
await once(holder, 'exit')
console.log('its holder is gone')
console.log(await count(), await count(), await count())

for (const peer of [b, c, d]) await peer.stop()
