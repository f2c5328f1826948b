import { toHex } from '@brume/codec'
import type { NetNode } from '@brume/net'
import { expect, test } from 'vitest'
import type counter from '../examples/quick-start/counter.machine.ts'
import { verifyProof } from '../index.ts'
import { type SimulationOptions, simulate } from './simulate.ts'

const url = new URL('../examples/quick-start/counter.machine.ts', import.meta.url)
const SEED = '00112233445566778899aabbccddeeff'

/** Five peers, four of them a group: what came of it, and when. */
async function counted(seed: string, more: Partial<SimulationOptions> = {}): Promise<readonly unknown[]> {
  const simulation = await simulate({ peers: 5, seed, net: { delayMs: 20 }, ...more })
  const { peers, until } = simulation
  const [a, b, c, d, client] = peers
  if (!a || !b || !c || !d || !client) throw new Error('they are five')
  const install = (peer: typeof a) =>
    peer.register<typeof counter>(url, { name: 'counter', version: 1, samples: { add: [{ by: 1 }] } })
  const [logic] = await Promise.all([install(a), install(b), install(c), install(d)])
  if (logic === undefined) throw new Error('it was registered')
  const quorum = { members: [a.id, b.id, c.id, d.id] }
  const { address } = await until(a.spawn(logic, { id: 'demo', mode: 'bft', quorum }))
  const ref = client.ref<typeof counter>(address)
  await until(ref.submit({ type: 'add', by: 2 }))
  const reply = await until(ref.ask({ type: 'add', by: 3 }))
  const { context, proof } = await until(ref.snapshot({ read: 'certified' }))
  const at = simulation.now()
  await simulation.stop()
  return [address, reply, context, verifyProof(proof, address).value, at, toHex(proof)]
}

test('the same peers in virtual time: the same seed is the same run', { timeout: 300_000 }, async () => {
  const first = await counted(SEED)
  expect(first.slice(1, 4)).toEqual([5, { n: 5 }, {}])
  expect(await counted(SEED)).toEqual(first)
  const [other] = await counted('ff112233445566778899aabbccddeeff')
  expect(other).not.toBe(first[0])
})

/** A member of the network that says nothing to any group: no vote, no answer to clients. */
const silent = (net: NetNode): NetNode => ({
  ...net,
  channel(protocol, handler) {
    const channel = net.channel(protocol, handler)
    return protocol.id.startsWith('/brume/quorum') ? { ...methodsOf(channel), send: () => 'queued' } : channel
  }
})

/** Those of its class too. */
function methodsOf<T extends object>(of: T): T {
  const found: Record<string, unknown> = {}
  for (let at: object = of; at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    for (const name of Object.getOwnPropertyNames(at)) {
      const value: unknown = Reflect.get(of, name)
      if (typeof value === 'function' && name !== 'constructor') found[name] ??= value.bind(of)
    }
  }
  return found as T
}

test('one of four members may say nothing at all', { timeout: 300_000 }, async () => {
  expect((await counted(SEED, { byzantine: { 2: silent } })).slice(1, 3)).toEqual([5, { n: 5 }])
})
