import { createPeer } from '@brume/peer'
import pool from './pool.machine.ts'

const up = () => createPeer({ profile: 'local', network: 'worker-pool', store: 'memory' })
const [factory, office] = await Promise.all([up(), up()])
await office.dial(factory.addresses)

// A worker that fails begins anew, and the job that broke it is a dead letter; more than three within a minute are too many.
const children = { worker: { strategy: 'restart', max: 3 } } as const
const logic = await factory.register<typeof pool>(pool, { name: 'pool', version: 1, children })
const { address } = await factory.spawn(logic, { id: 'pool' })

// From elsewhere: told once for each life of the worker.
const down = new Promise<string>((told) => office.ref(`${address}/w1`).watch(({ reason }) => told(reason)))
const jobs = office.ref<typeof pool>(address)
for (const job of ['sow', 'broken', 'reap', 'bind']) await jobs.submit({ type: 'job', job })

const { context } = await jobs.waitFor(({ context: { did } }) => did.length === 3)
console.log('done:', context.did.toSorted().join(', '))
console.log('worker w1:', await down)
for await (const { to, event, reason } of factory.deadLetters()) {
  console.log('dead letter:', to.split('/').at(-1)?.replace(/#.*/, ''), event.job, reason)
  break
}

for (const peer of [office, factory]) await peer.stop()
