/** A process of its own, so that it can be killed: it holds the tally, and the others follow. */
import { createPeer } from '@brume/peer'
import tally from './tally.machine.ts'

const { addresses, others } = JSON.parse(process.argv[2] ?? '') as Record<'addresses' | 'others', readonly string[]>
const peer = await createPeer({ profile: 'local', network: 'door', store: 'memory' })
await peer.dial(addresses)
const logic = await peer.register<typeof tally>(tally, { name: 'tally', version: 1 })
const quorum = { members: [peer.id, ...others] }
const { address } = await peer.spawn(logic, { id: 'door', mode: 'standby', followers: 2, quorum })
process.send?.(address)
