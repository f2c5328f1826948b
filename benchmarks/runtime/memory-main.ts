/** `node --expose-gc memory-main.ts <resident | packed | durable> <count>`: prints what so many counters weigh, as JSON. */
import type { Kernel, KernelOptions } from '@brume/runtime/kernel'
import { startKernel } from './kernels.ts'
import type { Weighed, Weight } from './memory.ts'
import { withStore } from './store.ts'

/** As often the loop is given to timers, and durable counters to the disk. */
const PAUSE_EACH = 1_000
const WARMING: Readonly<Record<Weighed, number>> = { resident: 1_000, packed: 1_000, durable: 50_000 }

const [kind, text] = process.argv.slice(2) as [Weighed, string]
const weight = await (kind === 'durable' ? withStore((store) => weigh({ store: store.sub('actors/') })) : weigh({}))
process.stdout.write(`${JSON.stringify(weight)}\n`)

async function weigh(options: Partial<KernelOptions>): Promise<Weight> {
  const kernel = await startKernel(options)
  await spawnAll(kernel, 'warm', WARMING[kind])
  const beforeBytes = await settledBytes()
  const count = Number(text)
  await spawnAll(kernel, 'c', count)
  const totalBytes = await settledBytes()
  const last = await kernel.ask(`c/${count - 1}`, { type: 'get' })
  if (last !== count - 1) throw new Error(`the last counter says ${String(last)}`)
  await kernel.stop()
  return { bytesEach: (totalBytes - beforeBytes) / count, totalBytes }
}

async function spawnAll(kernel: Kernel, name: string, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const path = `${name}/${i}`
    spawn(kernel, path)
    kernel.tell(path, { type: 'add', by: i })
    if (i % PAUSE_EACH !== PAUSE_EACH - 1) continue
    if (kind === 'durable') await kernel.submit(path, { type: 'add', by: 0 })
    else await new Promise((resolve) => setImmediate(resolve))
  }
}

function spawn(kernel: Kernel, path: string): void {
  if (kind === 'durable') kernel.spawn(path, 'counter', { durability: 'snapshot', passivateMs: 0 })
  else if (kind === 'packed') kernel.spawn(path, 'counter', { durability: 'memory', passivate: true, passivateMs: 0 })
  else kernel.spawn(path, 'counter', { durability: 'memory' })
}

async function settledBytes(): Promise<number> {
  for (let i = 0; i < 5; i++) {
    await new Promise((resolve) => setTimeout(resolve, 100))
    globalThis.gc?.()
  }
  return process.memoryUsage.rss()
}
