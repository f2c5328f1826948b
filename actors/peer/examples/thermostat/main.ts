import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createPeer } from '@brume/peer'
import thermostat from './thermostat.machine.ts'

const disk = await mkdtemp(join(tmpdir(), 'brume-thermostat-'))

async function open() {
  const peer = await createPeer({ profile: 'local', network: 'thermostat', dataDir: disk })
  const logic = await peer.register<typeof thermostat>(thermostat, { name: 'thermostat', version: 1 })
  return { peer, ref: await peer.spawn(logic, { id: 'living-room' }) }
}

const before = await open()
await before.ref.submit({ type: 'measured', celsius: 17 })
console.log('it is cold:', (await before.ref.snapshot()).value)
await before.peer.stop()

const { peer, ref } = await open()
const { value, context } = await ref.waitFor('resting', { timeoutMs: 60_000 })
console.log('after a restart, and the rest of the time:', value, context.heated)

await peer.stop()
await rm(disk, { recursive: true })
