import { drawOptions } from '../faults/options.ts'
import { mutantNamed } from '../mutants/all.ts'
import { seedOf, streamsOf } from '../world/streams.ts'
import { runSeed } from './seed-run.ts'
import type { SeedReport, Task } from './swarm.ts'

/** Every so many seeds a run is made twice and must be the same. */
const TWICE_EVERY = 50

function report(number: number, mutantName: string | null): SeedReport {
  const seed = seedOf(number)
  const mutant = mutantName === null ? undefined : mutantNamed(mutantName)
  const before = process.cpuUsage()
  const result = runSeed({ seed, options: drawOptions(streamsOf(seed)), mutant })
  const { user, system } = process.cpuUsage(before)
  const twice = number % TWICE_EVERY === 0 && mutant === undefined
  const isStable = !twice || runSeed({ seed, options: drawOptions(streamsOf(seed)) }).hash === result.hash
  const { violation, hash, virtualMs, events } = result
  return {
    number,
    seed: Buffer.from(seed).toString('hex'),
    violation,
    hash,
    virtualMs,
    events,
    cpuMs: (user + system) / 1_000,
    isStable
  }
}

process.on('message', ({ numbers, mutant }: Task) => {
  process.send?.(numbers.map((number) => report(number, mutant)))
})
