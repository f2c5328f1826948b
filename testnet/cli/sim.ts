import { createWriteStream, readFileSync } from 'node:fs'
import { goldenFaults, goldenHashes } from '@brume/runtime/replica'
import { TestnetError } from '../errors.ts'
import { drawOptions, type RunOptions } from '../simulation/faults/options.ts'
import { mutantNamed } from '../simulation/mutants/all.ts'
import { measureFlood } from '../simulation/runs/flood.ts'
import { measureLossy } from '../simulation/runs/lossy.ts'
import { type RunResult, runSeed } from '../simulation/runs/seed-run.ts'
import { shrink } from '../simulation/runs/shrink.ts'
import { runAlone, runSwarm } from '../simulation/runs/swarm.ts'
import { CORE, WHOLE } from '../simulation/runs/tiers.ts'
import { GATE_SEEDS, tryMutants, trySeeds, WHOLE_GATE_SEEDS } from '../simulation/runs/trial.ts'
import { measureWideArea } from '../simulation/runs/wide-area.ts'
import { DELIVERY } from '../simulation/suites/delivery/suite.ts'
import { STANDBY } from '../simulation/suites/standby/suite.ts'
import { playSuite, type SuiteOptions } from '../simulation/suites/suite.ts'
import { seedOf, streamsOf } from '../simulation/world/streams.ts'
import { exploreOrders, type OrdersOptions } from './orders.ts'

export interface SimOptions extends OrdersOptions {
  /** Whole groups, not their reducers alone. */
  readonly actors: boolean
  /** Undefined: as many as the gate runs. */
  readonly seeds?: number
  readonly from: number
  readonly jobs: number
  readonly mutants: boolean
  readonly determinism?: number
  readonly seed?: string
  readonly options?: string
  readonly trace?: string
  /** Milliseconds. */
  readonly until?: number
  readonly shrink: boolean
  readonly latency?: string
  readonly explore: boolean
  readonly suite?: 'delivery' | 'standby'
  readonly golden: boolean
}

const say = (line: string): void => void process.stdout.write(`${line}\n`)

/** Rejects with `BRUME_TESTNET_VIOLATION` where a promise was broken, or a mutant went unnoticed. */
export async function sim(options: SimOptions): Promise<void> {
  if (options.golden) return golden()
  if (options.suite !== undefined) return suite(options.suite, options)
  if (options.latency !== undefined) return latencyOf(options)
  if (options.explore) return exploreOrders(options)
  const { seed, determinism: twice, actors } = options
  if (seed !== undefined) return actors ? replayWhole(options, seed) : replay(options, seed)
  if (twice !== undefined) return actors ? determinismOfWhole(options, twice) : determinism(twice)
  return swarm(options)
}

/** Other engines and machines print the same lines. */
function golden(): void {
  for (const [kind, hash] of Object.entries(goldenHashes())) say(`${kind} ${hash}`)
  const faults = goldenFaults()
  if (faults.length > 0) throw failed(`this engine differs in ${faults.join(', ')}`)
  say(`${process.version} ${process.arch}: as all others`)
}

const SUITES = {
  delivery: { run: (options: SuiteOptions) => playSuite(DELIVERY, options), gateSeeds: DELIVERY.gateSeeds },
  standby: { run: (options: SuiteOptions) => playSuite(STANDBY, options), gateSeeds: STANDBY.gateSeeds }
} as const

function suite(name: keyof typeof SUITES, { from, seeds: wanted, mutants }: SimOptions): void {
  const { run, gateSeeds } = SUITES[name]
  const seeds = wanted ?? gateSeeds
  const result = run({ from, seeds, mutants, say })
  say(JSON.stringify(result))
  if (result.violations > 0) throw failed(`${result.violations} of ${seeds} seeds broke a promise`)
  if (result.mutantsCaught < result.mutants) throw failed('a known bug went unnoticed')
}

/** Seeds without bugs, and bugs without mercy: neither says much without the other. */
async function swarm({ actors, from, jobs, seeds: wanted, mutants, json }: SimOptions): Promise<void> {
  const [tier, gate] = actors ? [WHOLE, WHOLE_GATE_SEEDS] : [CORE, GATE_SEEDS]
  const { result } = await trySeeds({ tier, from, count: wanted ?? gate, jobs, say })
  say(sentence(result))
  const known = mutants ? await tryMutants({ tier, count: gate, jobs, say }) : []
  const caught = known.filter(({ seeds }) => seeds !== null).length
  if (json) {
    const { seeds, violations, virtualSecondsPerSecond, hash } = result
    const found = { mutantsCaught: caught, mutants: known.length }
    say(JSON.stringify({ seeds, violations, ...found, virtualSecondsPerSecond, hash }))
  }
  if (result.violations > 0) throw failed(`${result.violations} of ${result.seeds} seeds broke a promise`)
  if (caught < known.length) throw failed(`${known.length - caught} known bugs went unnoticed`)
}

const sentence = ({
  seeds,
  violations,
  virtualSecondsPerSecond,
  hash
}: Awaited<ReturnType<typeof trySeeds>>['result']) =>
  `${seeds} seeds, ${violations} broke a promise; ${virtualSecondsPerSecond} virtual seconds a second; ${hash}`

const failed = (message: string): TestnetError => new TestnetError('BRUME_TESTNET_VIOLATION', message)

function requireSeed(hex: string): void {
  if (!/^[0-9a-f]{32}$/.test(hex)) throw new TestnetError('BRUME_TESTNET_ARGUMENT', '--seed takes 32 hex digits')
}

/** As `replay`, of a whole group: in a process of its own, whose production code is patched as it is loaded. */
async function replayWhole({ options: file, mutant, trace, until }: SimOptions, hex: string): Promise<void> {
  requireSeed(hex)
  const options = file === undefined ? undefined : readOptions(file)
  const report = await runAlone(WHOLE, { seed: hex, options, trace, untilMs: until }, mutant ?? null)
  say(JSON.stringify(report))
  const { violation } = report
  if (violation !== null) throw failed(`${violation.check}: ${violation.what}`)
}

/** Seeds of whole groups twice each. */
async function determinismOfWhole({ jobs }: SimOptions, count: number): Promise<void> {
  const unstable: string[] = []
  const hashes = new Set<string>()
  const numbers = Array.from({ length: count }, (_, i) => i)
  await runSwarm({
    ...{ tier: WHOLE, numbers, jobs, twice: true },
    onReport: ({ seed, hash, isStable }) => {
      if (!isStable) unstable.push(seed)
      hashes.add(hash)
      say(`${seed} ${hash}`)
      return true
    }
  })
  if (unstable.length > 0) throw failed(`seeds that gave two hashes: ${unstable.join(', ')}`)
  if (hashes.size < count) throw failed('two seeds gave one hash')
}

/** One run again, from its printed line; with a trace, all of it line by line. */
function replay(flags: SimOptions, hex: string): void {
  requireSeed(hex)
  const seed = Uint8Array.from(Buffer.from(hex, 'hex'))
  const mutant = flags.mutant === undefined ? undefined : mutantNamed(flags.mutant)
  const options = flags.options === undefined ? drawOptions(streamsOf(seed)) : readOptions(flags.options)
  const file = flags.trace === undefined ? null : createWriteStream(flags.trace)
  const trace = file === null ? undefined : (line: unknown) => void file.write(`${JSON.stringify(line, plain)}\n`)
  const result = runSeed({ seed, options, mutant, trace, untilMs: flags.until })
  file?.end()
  say(`options ${JSON.stringify(options)}`)
  say(JSON.stringify(result))
  const { violation } = result
  if (violation === null) return
  if (flags.shrink) {
    const shrunk = shrink(seed, options, violation.check, mutant)
    say(`shrunk in ${shrunk.runs} runs`)
    say(JSON.stringify({ name: '', seed: hex, options: shrunk.options, check: violation.check, what: violation.what }))
  }
  throw failed(`${violation.check}: ${violation.what}`)
}

/** A regression, or the options of one. */
function readOptions<T extends object = RunOptions>(path: string): T {
  const parsed = JSON.parse(readFileSync(path, 'utf8')) as T | { readonly options: T }
  return 'options' in parsed ? parsed.options : parsed
}

/** Bytes as hex; configurations and bodies left out, they would be most of a trace. */
const plain = (key: string, value: unknown): unknown => {
  if (key === 'config' || key === 'body') return undefined
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value
}

/** The same seeds twice: equal hashes, and no two seeds alike. */
function determinism(count: number): void {
  const hashes = new Set<string>()
  for (let number = 0; number < count; number++) {
    const seed = seedOf(number)
    const once = (): RunResult => runSeed({ seed, options: drawOptions(streamsOf(seed)) })
    const { hash } = once()
    if (once().hash !== hash) throw failed(`seed ${number} gave two hashes`)
    hashes.add(hash)
    say(`${Buffer.from(seed).toString('hex')} ${hash}`)
  }
  if (hashes.size < count) throw failed('two seeds gave one hash')
}

/** To each member from each of two: every other one is a command, so 8,000 of these. */
const FLOOD_FRAMES = 8_000

async function floodOf(frames: number, json: boolean): Promise<void> {
  const flooded = await measureFlood(frames)
  say(JSON.stringify(flooded, null, json ? 0 : 2))
  if (!flooded.ok) throw failed(flooded.violation ?? 'beside a flood commands wait longer than they should')
}

/** Commands of the lossy bar: its 99.9th percentile is the worst but one. */
const LOSSY_COMMANDS = 2_000

async function latencyOf({ latency, json, seeds }: SimOptions): Promise<void> {
  if (latency === 'lossy') {
    const lossy = measureLossy(LOSSY_COMMANDS)
    say(JSON.stringify(lossy, null, json ? 0 : 2))
    if (!lossy.ok) throw failed('a lossy network is slower than it should be')
    return
  }
  if (latency === 'flood') return floodOf(seeds ?? FLOOD_FRAMES, json)
  if (latency !== 'aws') throw new TestnetError('BRUME_TESTNET_ARGUMENT', "--latency takes 'aws', 'lossy' or 'flood'")
  const result = measureWideArea()
  if (result === null)
    return say('SKIP sim/aws: the table aws-latency-p50-ms.json is not here; BRUME_VECTORS names its folder')
  say(JSON.stringify(result, null, json ? 0 : 2))
  if (!result.ok) throw failed('the wide area is slower than it should be')
}
