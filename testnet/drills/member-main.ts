/**
 * One member of a drill, a process of its own: `node member-main.ts <data folder> <network> <honest | liar>`. Prints where it
 * is as one line of JSON, dials what it is told by lines of JSON, and ends with its input.
 */
import { createInterface } from 'node:readline'
import { createPeer } from '@brume/peer'
import type counter from './counter.machine.ts'
import { lyingExecutor } from './lying-executor.ts'

const [dataDir = '', network = '', character] = process.argv.slice(2)
const peer = await createPeer({
  dataDir,
  network,
  profile: 'local',
  mdns: false,
  logLevel: 'error',
  ...(character === 'liar' ? { ports: { executor: lyingExecutor } } : {})
})
const url = new URL('counter.machine.ts', import.meta.url)
await peer.register<typeof counter>(url, { name: 'counter', version: 1, samples: { add: [{ by: 1 }] } })
process.stdout.write(`${JSON.stringify({ id: peer.id, addresses: peer.addresses })}\n`)

const lines = createInterface({ input: process.stdin })
lines.on('line', (line) => {
  const { dial } = JSON.parse(line) as { readonly dial: readonly string[] }
  // One that is down itself is dialled again by whoever starts later.
  peer.dial(dial).catch(() => {})
})
lines.on('close', () => void peer.stop().then(() => process.exit(0)))
