import { createPeer, type Peer, verifyProof } from '@brume/peer'
import type ledger from './ledger.machine.ts'
import { lying } from './liar.ts'

const url = new URL('./ledger.machine.ts', import.meta.url)
const up = (ports = {}) => createPeer({ profile: 'local', network: 'ledger', store: 'memory', ports })
const install = (p: Peer) =>
  p.register<typeof ledger>(url, {
    ...{ name: 'ledger', version: 1, sampleInput: { ana: 100, ben: 0 } },
    samples: { give: [{ from: 'ana', to: 'ben', amount: 1 }] }
  })

// Four members, one of which lies in all it says of the ledger, and a client that trusts none of them.
const [a, b, c, mallory, client] = await Promise.all([up(), up(), up(), up({ executor: lying }), up()])
for (const p of [b, c, mallory, client]) await p.dial(a.addresses)
const [logic] = await Promise.all([a, b, c, mallory].map(install))
if (logic === undefined) throw new Error('nobody has registered it')

const quorum = { members: [a.id, b.id, c.id, mallory.id] }
const input = { ana: 100, ben: 0 }
const { address } = await a.spawn(logic, { id: 'ledger', input, mode: 'bft', quorum })

const ref = client.ref<typeof ledger>(address)
console.log(await ref.ask({ type: 'give', from: 'ana', to: 'ben', amount: 30 }, { timeoutMs: 60_000 }))
console.log(await ref.ask({ type: 'give', from: 'mallory', to: 'ben', amount: 1 }, { timeoutMs: 60_000 }))

const read = await ref.snapshot({ read: 'certified' })
const { snapshot, attesters } = verifyProof(read.proof, address)
console.log(snapshot?.context, attesters.includes(mallory.id) ? 'by mallory, too' : 'and mallory could prove nothing')

for (const p of [client, a, b, c, mallory]) await p.stop()
