/**
 * One contender in a process of its own: `node --expose-gc member-main.ts <name> <folder of what is installed>`. Says
 * `ready`, then reads lines `<tell | ask | idle | rest> <count>` and answers each with a number; ends with its input.
 */
import { createInterface } from 'node:readline'
import type { Contender } from './contender.ts'
import { effect, nact } from './others.ts'
import { brume, xstate } from './own.ts'

const SETTLE_MS = 50
const [name = '', folder = ''] = process.argv.slice(2)

async function make(): Promise<Contender> {
  if (name === 'machine') return brume('counter')
  if (name === 'reducer') return brume('reducer')
  if (name === 'xstate') return xstate()
  return name === 'nact' ? nact(folder) : effect(folder)
}

/** What is garbage goes, so that what is left can be weighed. */
async function rest(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
    globalThis.gc?.()
  }
  return 0
}

const contender = await make()
process.stdout.write('ready\n')
for await (const line of createInterface({ input: process.stdin })) {
  const [operation, count] = line.split(' ')
  const times = Number(count)
  const answer = operation === 'rest' ? rest() : contender[operation as keyof Contender](times)
  process.stdout.write(`${await answer}\n`)
}
process.exit(0)
