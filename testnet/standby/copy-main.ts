/**
 * One member of a placement group, a process of its own: `node copy-main.ts <data folder> <network>`. Does what it is told by
 * its parent, and answers each by a message of the same field.
 */
import { createPeer } from '@brume/peer'
import counter from './counter.machine.ts'

/** What the runner says. */
export interface Order {
  readonly dial?: readonly string[]
  /** Begins the counter, to be held here first. */
  readonly spawn?: { readonly members: readonly string[]; readonly to: string }
  readonly role?: true
}

export interface Answer {
  readonly up?: { readonly id: string; readonly addresses: readonly string[] }
  readonly dial?: true
  readonly spawn?: string
  /** Of the counter on this peer, as far as it knows. */
  readonly role?: { readonly role: string; readonly inSync: number }
}

const [dataDir = '', network = ''] = process.argv.slice(2)
const peer = await createPeer({ dataDir, network, profile: 'local', mdns: false, logLevel: 'error' })
const logic = await peer.register<typeof counter>(counter, { name: 'counter', version: 1 })

const tell = (answer: Answer): void => void process.send?.(answer)

async function obey({ dial, spawn, role }: Order): Promise<void> {
  if (dial !== undefined) {
    await peer.dial(dial, { timeoutMs: 60_000 })
    tell({ dial: true })
  }
  if (spawn !== undefined) {
    const { members, to } = spawn
    const wish = { id: 'counter', input: { to }, mode: 'standby', followers: 2, quorum: { members } } as const
    tell({ spawn: (await peer.spawn(logic, wish)).address })
  }
  if (role) {
    const found = peer.actors().find(({ mode }) => mode === 'standby')
    tell({ role: { role: found?.role ?? 'none', inSync: found?.inSync ?? 0 } })
  }
}

process.on('message', (order) => void obey(order as Order))
process.on('disconnect', () => process.exit(0))
tell({ up: { id: peer.id, addresses: peer.addresses } })
