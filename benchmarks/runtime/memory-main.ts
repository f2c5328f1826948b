/** `node --expose-gc memory-main.ts <resident | packed> <count>`: prints what so many counters weigh, in bytes each. */
import { startKernel } from './kernels.ts'

const [kind, text] = process.argv.slice(2)
const count = Number(text)
const kernel = await startKernel()
const settle = async (): Promise<number> => {
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setTimeout(resolve, 50))
    globalThis.gc?.()
  }
  return process.memoryUsage().rss
}
for (let i = 0; i < 1_000; i++) kernel.spawn(`warm/${i}`, 'counter', { durability: 'memory' })
const before = await settle()
for (let i = 0; i < count; i++) {
  const packed = kind === 'packed' ? { passivate: true, passivateMs: 0 } : {}
  kernel.spawn(`c/${i}`, 'counter', { durability: 'memory', ...packed })
  kernel.tell(`c/${i}`, { type: 'add', by: i })
  // Passivation is a timer's: give it the loop.
  if (i % 1_024 === 0) await new Promise((resolve) => setImmediate(resolve))
}
const after = await settle()
const last = await kernel.ask(`c/${count - 1}`, { type: 'get' })
if (last !== count - 1) throw new Error(`the last counter says ${String(last)}`)
process.stdout.write(`${JSON.stringify({ bytesEach: (after - before) / count })}\n`)
process.exit(0)
