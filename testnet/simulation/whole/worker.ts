import { createWriteStream } from 'node:fs'
import type { SeedReport, Task } from '../runs/swarm.ts'
import { seedOf } from '../world/streams.ts'
import { wholeMutantNamed } from './mutants.ts'
import type { WholeOptions } from './options.ts'
import { applyPatches, SIMULATED } from './patch.ts'
import type { WholeResult } from './run.ts'

/** Every so many seeds a run is made twice and must be the same. */
const TWICE_EVERY = 16

type Run = (seed: Uint8Array, given: Task['given']) => Promise<WholeResult & { readonly options: WholeOptions }>

/** A promise that was rejected while nobody listened: it would end a peer. */
let unheard: string | null = null
process.on('unhandledRejection', (error) => {
  unheard ??= error instanceof Error ? (error.stack ?? error.message) : String(error)
})

/** The patches come first: nothing of production is loaded here before they are there, so one process runs one mutant. */
async function load(mutantName: string | null): Promise<Run> {
  const mutant = mutantName === null ? null : wholeMutantNamed(mutantName)
  applyPatches([...SIMULATED, ...(mutant?.patches ?? [])])
  const [{ runWhole }, { drawWholeOptions }, { streamsOf }] = await Promise.all([
    import('./run.ts'),
    import('./options.ts'),
    import('../world/streams.ts')
  ])
  return async (seed, given) => {
    const drawn = { ...drawWholeOptions(streamsOf(seed)), ...mutant?.stage }
    const options = (given?.options as WholeOptions | undefined) ?? drawn
    const trace = given?.trace === undefined ? undefined : tracer(given.trace)
    unheard = null
    const result = await runWhole({ seed, options, trace, untilMs: given?.untilMs })
    if (result.violation !== null || unheard === null) return { ...result, options }
    return { ...result, options, violation: { check: 'exception', atUs: 0, what: `nobody heard ${unheard}` } }
  }
}

function tracer(path: string): (line: unknown) => void {
  const file = createWriteStream(path)
  const plain = (_: string, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value
  return (line) => void file.write(`${JSON.stringify(line, plain)}\n`)
}

async function report(run: Run, number: number, { mutant, given, twice }: Task): Promise<SeedReport> {
  const seed = given === undefined ? seedOf(number) : Uint8Array.from(Buffer.from(given.seed, 'hex'))
  const before = process.cpuUsage()
  const { violation, hash, virtualMs, events, ...more } = await run(seed, given)
  const { user, system } = process.cpuUsage(before)
  const isTwice = twice === true || (number % TWICE_EVERY === 0 && mutant === null && given === undefined)
  const isStable = !isTwice || (await run(seed, given)).hash === hash
  const cpuMs = (user + system) / 1_000
  return { number, seed: Buffer.from(seed).toString('hex'), violation, hash, virtualMs, events, cpuMs, isStable, more }
}

let loaded: Promise<Run> | null = null
async function carryOut(task: Task): Promise<void> {
  loaded ??= load(task.mutant)
  const run = await loaded
  const reports: SeedReport[] = []
  for (const number of task.numbers) reports.push(await report(run, number, task))
  process.send?.(reports)
}

process.on('message', (task: Task) => {
  // Here nobody else hears of it, and whoever asked would wait for ever: a patch that fits nowhere, say.
  carryOut(task).catch((error) => {
    console.error(error)
    process.exit(1)
  })
})
