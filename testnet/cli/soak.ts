import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { TestnetError } from '../errors.ts'
import { drawOptions } from '../simulation/faults/options.ts'
import { runSeed } from '../simulation/runs/seed-run.ts'
import { runTwins } from '../simulation/runs/twins.ts'
import { seedOf, streamsOf } from '../simulation/world/streams.ts'

export interface SoakOptions {
  readonly count: number
  readonly from: number
  /** Folder for `<what>-<from>.json`, written as the run goes. */
  readonly out?: string
}

interface Sums {
  readonly what: 'seeds' | 'twins'
  readonly from: number
  done: number
  violations: number
  virtualMs: number
  cpuMs: number
  readonly failures: string[]
}

/** Between two looks at how far it is. */
const REPORT_EVERY_MS = 10_000
/** Enough to begin with; more of the same kind would only fill the disk. */
const FAILURES_KEPT = 50
/** Twins have numbers of their own, so that both kinds of run draw from different seeds. */
const TWINS_FROM = 1_000_000_000

const say = (line: string): void => void process.stdout.write(`${line}\n`)

/** Seeds of the swarm, one after the other in this process, until the count is reached or it is ended. */
export function soakSeeds(options: SoakOptions): void {
  soak('seeds', options, (number) => {
    const seed = seedOf(number)
    const { violation, virtualMs } = runSeed({ seed, options: drawOptions(streamsOf(seed)) })
    const replay = `npm run sim -- --seed ${Buffer.from(seed).toString('hex')}`
    return { virtualMs, failure: violation === null ? null : `${violation.check}: ${violation.what} (${replay})` }
  })
}

/** Scenarios of Twins: every run must finalize after its prefix, and nobody but twins may be blamed. */
export function soakTwins(options: SoakOptions): void {
  soak('twins', options, (number) => {
    const { violation } = runTwins(seedOf(TWINS_FROM + number))
    const failure = violation === null ? null : `scenario ${number}: ${violation.check}: ${violation.what}`
    return { virtualMs: 0, failure }
  })
}

function soak(
  what: Sums['what'],
  { count, from, out }: SoakOptions,
  run: (number: number) => { readonly virtualMs: number; readonly failure: string | null }
): void {
  const sums: Sums = { what, from, done: 0, violations: 0, virtualMs: 0, cpuMs: 0, failures: [] }
  let reportedMs = performance.now()
  for (let number = from; number < from + count; number++) {
    const { virtualMs, failure } = run(number)
    sums.done += 1
    sums.virtualMs += virtualMs
    if (failure !== null) {
      sums.violations += 1
      if (sums.failures.length < FAILURES_KEPT) sums.failures.push(failure)
      say(failure)
    }
    if (performance.now() - reportedMs < REPORT_EVERY_MS) continue
    reportedMs = performance.now()
    write(sums, out)
  }
  write(sums, out)
  say(JSON.stringify({ ...sums, failures: sums.failures.length }))
  if (sums.violations > 0) {
    throw new TestnetError('BRUME_TESTNET_VIOLATION', `${sums.violations} of ${sums.done} ${what} broke a promise`)
  }
}

function write(sums: Sums, out: string | undefined): void {
  const { user, system } = process.cpuUsage()
  sums.cpuMs = Math.round((user + system) / 1_000)
  if (out === undefined) return
  mkdirSync(out, { recursive: true })
  writeFileSync(join(out, `${sums.what}-${sums.from}.json`), `${JSON.stringify(sums)}\n`)
}
