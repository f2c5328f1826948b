import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createPeer } from '@brume/peer'
import order from './order.machine.ts'

const disk = await mkdtemp(join(tmpdir(), 'brume-orders-'))

/** The warehouse: what is asked for twice under one id was asked for once. */
const stock = new Map<string, number>()
const booked = new Set<string>()
const allBooked = Promise.withResolvers<void>()
const book = (by: number) => (run: { readonly id: string; readonly params: unknown }) => {
  const { item } = run.params as { item: string }
  if (!booked.has(run.id)) stock.set(item, (stock.get(item) ?? 10) + by)
  if (booked.add(run.id).size === 5) allBooked.resolve()
  return null
}

async function open() {
  const peer = await createPeer({ profile: 'local', network: 'order-saga', dataDir: disk })
  const effects = { hold: book(-1), giveBack: book(1) }
  const logic = await peer.register<typeof order>(order, { name: 'order', version: 1, effects })
  return { peer, take: (id: string, item: string) => peer.spawn(logic, { id, input: { item } }) }
}

const before = await open()
const orders = await Promise.all(['tea', 'cups', 'honey'].map((item) => before.take(`orders/${item}`, item)))
await orders[0]?.submit({ type: 'pay', card: 'anas card' })
await orders[1]?.submit({ type: 'pay', card: 'empty' })
for (const one of orders.slice(0, 2)) {
  const { value, context } = await one.waitFor('over')
  console.log(`${context.item}: ${value} ${context.why}`.trim())
}
await before.peer.stop()

// Nobody pays for the honey, and its time runs out while or after the shop is closed.
const { peer, take } = await open()
const { value, context } = await (await take('orders/honey', 'honey')).waitFor('over', { timeoutMs: 60_000 })
console.log(`${context.item}: ${value} ${context.why}`)
await allBooked.promise
console.log(Object.fromEntries(stock))

await peer.stop()
await rm(disk, { recursive: true })
