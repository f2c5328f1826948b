import { createPeer, type Peer, verifyProof } from '@brume/peer'
import type escrow from './escrow.machine.ts'

const url = new URL('./escrow.machine.ts', import.meta.url)
const up = () => createPeer({ profile: 'local', network: 'escrow', store: 'memory' })
const sampleInput = { buyer: 'b', seller: 's', arbiter: 'a' }
const install = (p: Peer) =>
  p.register<typeof escrow>(url, { name: 'escrow', version: 1, sampleInput, samples: { pay: [{ amount: 100 }] } })

// Each party runs a peer of its own, and so does a bank. None of them can change what is held.
const [buyer, seller, arbiter, bank] = await Promise.all([up(), up(), up(), up()])
const all = [buyer, seller, arbiter, bank]
for (const p of all.slice(1)) await p.dial(buyer.addresses)
const [logic] = await Promise.all(all.map(install))
if (logic === undefined) throw new Error('nobody has registered it')

const input = { buyer: buyer.id, seller: seller.id, arbiter: arbiter.id }
const quorum = { members: all.map((p) => p.id) }
const { address } = await buyer.spawn(logic, { id: 'deal-17', input, mode: 'bft', quorum })
const at = (p: Peer) => p.ref<typeof escrow>(address)

const say = (told: unknown) => console.log(told)
const refused = (error: { readonly code: string }) => error.code
say(await at(buyer).ask({ type: 'pay', amount: 100 }, { timeoutMs: 60_000 }))
say(await at(seller).ask({ type: 'ship' }, { timeoutMs: 60_000 }))
say(await at(seller).ask({ type: 'accept' }, { timeoutMs: 60_000 }).catch(refused))
say(await at(buyer).ask({ type: 'accept' }, { timeoutMs: 60_000 }))

// Anybody who knows the address may check the receipt, without asking any of them. The bank sent nothing: it waits for the end.
await at(bank).waitFor('over', { timeoutMs: 60_000 })
const { value, snapshot } = verifyProof(await at(bank).proof(), address)
console.log(value, snapshot?.status)

for (const p of all) await p.stop()
