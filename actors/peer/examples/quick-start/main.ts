import { createPeer, type Peer, verifyProof } from '@brume/peer'
import type counter from './counter.machine.ts'

const url = new URL('./counter.machine.ts', import.meta.url)
const up = () => createPeer({ profile: 'local', store: 'memory' })
const install = (p: Peer) =>
  p.register<typeof counter>(url, { name: 'counter', version: 1, samples: { add: [{ by: 1 }] } })

const [a, b, c, d, client] = await Promise.all([up(), up(), up(), up(), up()])
for (const p of [b, c, d, client]) await p.dial(a.addresses)
const [logic] = await Promise.all([install(a), install(b), install(c), install(d)])

const quorum = { members: [a.id, b.id, c.id, d.id] }
const { address } = await a.spawn(logic, { id: 'demo', mode: 'bft', quorum })

const ref = client.ref<typeof counter>(address)
await ref.submit({ type: 'add', by: 2 })
console.log(await ref.ask({ type: 'add', by: 3 }))

const read = await ref.snapshot({ read: 'certified' })
const proof = verifyProof(read.proof, address)
console.log(read.context.n, proof.finalizers.length, proof.attesters.length)

for (const p of [client, a, b, c, d]) await p.stop()
