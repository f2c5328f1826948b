import { printError, sentenceOf } from '@brume/peer/output'
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { PROFILES } from './consensus/distances.ts'
import { BINDINGS } from './consensus/plan.ts'
import { BenchError } from './harness/errors.ts'
import { KINDS } from './idle/kinds.ts'
import { RUNTIME_PARTS, type RuntimePart } from './runtime/parts.ts'

/** testing.md 9: nothing was shown, either way. */
const EXIT_INCONCLUSIVE = 3
const EXIT_FAILED = 1
const EXIT_USAGE = 2

/** Fewer cannot lose one; a committee has no more. */
const MEMBERS_MIN = 4
const MEMBERS_MAX = 100

const OUT = 'results/bench'

/** Runs one command line and resolves with the exit status: 0 pass, 1 fail, 2 usage, 3 inconclusive. */
export async function run(args: readonly string[]): Promise<number> {
  let status = 0
  const program = new Command('brume bench')
    .description('Measure, as ratios from one run.')
    .exitOverride()
    // Printed below, in one form.
    .configureOutput({ outputError: () => undefined })
  addConsensus(program, (exit) => {
    status = exit
  })
  addPlot(program)
  addIdle(program, (exit) => {
    status = exit
  })
  addStep(program, (exit) => {
    status = exit
  })
  addRuntime(program, (exit) => {
    status = exit
  })
  addRecovery(program, (exit) => {
    status = exit
  })
  addCertificate(program, (exit) => {
    status = exit
  })
  addCheckpoint(program, (exit) => {
    status = exit
  })
  try {
    await program.parseAsync([...args], { from: 'user' })
    return status
  } catch (error) {
    if (error instanceof CommanderError) {
      // Help has been printed.
      if (error.exitCode !== 0 && error.code !== 'commander.help') printError('BRUME_BENCH_USAGE', sentenceOf(error))
      return error.exitCode === 0 ? 0 : EXIT_USAGE
    }
    if (!(error instanceof BenchError)) throw error
    printError(error.code, error.message)
    return error.code === 'BRUME_BENCH_USAGE' ? EXIT_USAGE : EXIT_FAILED
  }
}

function addConsensus(program: Command, done: (status: number) => void): void {
  program
    .command('consensus')
    .description('latency, throughput and cost of a quorum group over real sockets')
    .addOption(new Option('-n <list>', 'members').argParser(readSizes).default([4], '4'))
    .addOption(new Option('--journal <which>', 'without, with, or both').choices(['off', 'on', 'both']).default('both'))
    .addOption(
      new Option('--binding <list>', `of ${BINDINGS.join(', ')}`)
        .argParser((text) => readList(text, BINDINGS))
        .default(['streams', 'gossip'], 'streams,gossip')
    )
    .addOption(
      new Option('--profile <name>', 'how far members are from each other').choices(PROFILES).default('loopback')
    )
    .option('--processes <number>', 'for the members; default one each, above 31 members one for all', readCount)
    .option('--seconds <number>', 'of the open loop, for each variant', readPositive, 20)
    .option('--smoke', 'a few seconds, to see that it runs; judges nothing')
    .option('--cpu-profile', 'profile one member under saturation and list where its time goes')
    .option('--json <file>', 'where to write the results')
    .option('--out <folder>', 'where everything else goes', OUT)
    .action(async (given) => {
      const { benchConsensus } = await import('./consensus/command.ts')
      const { effortOf, SMOKE } = await import('./consensus/measure.ts')
      const smoke = given.smoke === true
      const { verdict } = await benchConsensus({
        sizes: given.n,
        processes: given.processes,
        profile: given.profile,
        bindings: given.binding,
        journals: journalsOf(given.journal),
        effort: smoke ? SMOKE : effortOf(given.seconds),
        out: given.out,
        json: given.json,
        cpuProfile: given.cpuProfile === true,
        say,
        progress
      })
      if (!smoke) done(statusOf(verdict.verdict))
    })
}

function addPlot(program: Command): void {
  program
    .command('plot')
    .description('draw the latencies of several runs of `consensus` over the number of members')
    .argument('<files...>', 'what `consensus --json` wrote; where two measured the same the later counts')
    .option('--svg <file>', 'where the plot goes', `${OUT}/consensus.svg`)
    .action(async (files: readonly string[], { svg }) => {
      const { redraw } = await import('./consensus/redraw.ts')
      await redraw({ files, svg, say })
    })
}

function addIdle(program: Command, done: (status: number) => void): void {
  program
    .command('idle')
    .description('memory and CPU of four peers that have nothing to do, without a group and with one')
    .addOption(new Option('--for <duration>', 'as 30s or 10m').argParser(readDuration).default(600_000, '10m'))
    .addOption(
      new Option('--sets <list>', `of ${KINDS.join(', ')}`)
        .argParser((text) => readList(text, KINDS))
        .default(KINDS, KINDS.join(','))
    )
    .option('--json <file>', 'where to write the results')
    .option('--out <folder>', 'where logs and data go', OUT)
    .action(async (given) => {
      const { benchIdle } = await import('./idle/command.ts')
      const { for: forMs, sets: kinds, out, json } = given
      const { verdict } = await benchIdle({ forMs, kinds, out, json, say, progress })
      done(statusOf(verdict))
    })
}

function addRecovery(program: Command, done: (status: number) => void): void {
  program
    .command('recovery')
    .description('the leader of four is killed: time until the next command is final')
    .option('--trials <number>', 'each with four processes of its own', readCount, 5)
    .option('--json <file>', 'where to write the results')
    .option('--out <folder>', 'where logs and data go', OUT)
    .action(async ({ trials, json, out }) => {
      const { benchRecovery } = await import('./recovery/command.ts')
      done(statusOf(await benchRecovery({ trials, json, out, say, progress })))
    })
}

function addCertificate(program: Command, done: (status: number) => void): void {
  program
    .command('certificate')
    .description('size of a certificate, and what checking one costs who has never seen its signatures')
    .addOption(new Option('-n <list>', 'signers').argParser(readSigners).default([4, 16, 67, 100], '4,16,67,100'))
    .option('--rounds <number>', 'of each size, each with keys of its own', readRounds, 60)
    .option('--json <file>', 'where to write the results')
    .option('--out <folder>', 'where they go otherwise', OUT)
    .action(async (given) => {
      const { benchCertificate } = await import('./certificate/command.ts')
      const { n: sizes, rounds, out, json } = given
      const { verdict } = await benchCertificate({ sizes, rounds, out, json, say, progress })
      done(statusOf(verdict))
    })
}

function addCheckpoint(program: Command, done: (status: number) => void): void {
  program
    .command('checkpoint')
    .description('how late the event loop of a member is while it keeps checkpoints of 16 MiB of state')
    .option('--seconds <number>', 'of each state, with checkpoints and without', readPositive, 30)
    .option('--cpu-profile', 'profile one member while it takes them')
    .option('--json <file>', 'where to write the results')
    .option('--out <folder>', 'where logs, data and profiles go', OUT)
    .action(async ({ seconds, cpuProfile, json, out }) => {
      const { benchCheckpoint } = await import('./checkpoint/command.ts')
      const options = { seconds, cpuProfile: cpuProfile === true, json, out, say, progress }
      done(statusOf(await benchCheckpoint(options)))
    })
}

function addStep(program: Command, done: (status: number) => void): void {
  program
    .command('step')
    .description('votes a second that the reducer of packages/consensus judges, beside events of an XState counter')
    .option('--seconds <number>', 'in all', readPositive, 10)
    .option('--json <file>', 'where to write the results')
    .option('--out <folder>', 'where they go otherwise', OUT)
    .action(async ({ seconds, json, out }) => {
      const { benchStep } = await import('./step/command.ts')
      const { verdict } = await benchStep({ seconds, json, out, say })
      done(statusOf(verdict))
    })
}

/** `actors` measures all; `runtime.<part>` one. */
function addRuntime(program: Command, done: (status: number) => void): void {
  const add = (name: string, about: string, parts: readonly RuntimePart[]) =>
    program
      .command(name)
      .description(about)
      .option('--seconds <number>', 'for each part that lasts as long as it is given', readPositive, 5)
      .option('--json <file>', 'where to write the results')
      .option('--out <folder>', 'where they go otherwise', OUT)
      .action(async ({ seconds, json, out }) => {
        // Read where the kernel is loaded: what is measured is what a peer in production does.
        process.env.NODE_ENV = 'production'
        const { benchRuntime } = await import('./runtime/command.ts')
        const { results } = await benchRuntime({ parts, seconds, json, out, say, progress })
        done(results.some(({ verdict }) => verdict === 'fail') ? EXIT_FAILED : 0)
      })
  add('actors', 'what actors cost, each part beside its floor in the same seconds', RUNTIME_PARTS)
  for (const part of RUNTIME_PARTS) add(`runtime.${part}`, `the part \`${part}\` of it`, [part])
}

function statusOf(verdict: 'pass' | 'fail' | 'inconclusive'): number {
  return verdict === 'pass' ? 0 : verdict === 'fail' ? EXIT_FAILED : EXIT_INCONCLUSIVE
}

const say = (line: string): void => void process.stdout.write(`${line}\n`)
const progress = (line: string): void => void process.stderr.write(`${line}\n`)

const journalsOf = (which: string): readonly boolean[] => (which === 'both' ? [false, true] : [which === 'on'])

function readSizes(text: string): readonly number[] {
  const sizes = text.split(',').map(Number)
  if (sizes.every((n) => Number.isInteger(n) && n >= MEMBERS_MIN && n <= MEMBERS_MAX)) return sizes
  throw new InvalidArgumentError(`numbers from ${MEMBERS_MIN} to ${MEMBERS_MAX}, as 4,7,10`)
}

/** Of one committee: its members are at most 100. */
const SIGNERS_MAX = 100

function readSigners(text: string): readonly number[] {
  const sizes = text.split(',').map(Number)
  if (sizes.every((n) => Number.isInteger(n) && n >= 1 && n <= SIGNERS_MAX)) return sizes
  throw new InvalidArgumentError(`numbers from 1 to ${SIGNERS_MAX}, as 4,16,67`)
}

function readRounds(text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 2 && value <= 10_000) return value
  throw new InvalidArgumentError('an integer from 2 to 10000')
}

/** Words of a list, in the list's own order. */
function readList<T extends string>(text: string, words: readonly T[]): readonly T[] {
  const asked: readonly string[] = text.split(',')
  const known = words.filter((word) => asked.includes(word))
  if (known.length === asked.length) return known
  throw new InvalidArgumentError(`of ${words.join(', ')}, separated by commas`)
}

function readCount(text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1 && value <= MEMBERS_MAX) return value
  throw new InvalidArgumentError(`a number from 1 to ${MEMBERS_MAX}`)
}

function readPositive(text: string): number {
  const value = Number(text)
  if (value > 0 && value <= 3_600) return value
  throw new InvalidArgumentError('seconds, from above 0 to 3600')
}

const UNITS_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 }

function readDuration(text: string): number {
  const [, amount, unit = ''] = /^(\d{1,5}(?:\.\d{1,3})?)([smh])$/.exec(text) ?? []
  const unitMs = UNITS_MS[unit]
  if (amount === undefined || unitMs === undefined) throw new InvalidArgumentError('a duration such as 30s, 10m or 1h')
  return Number(amount) * unitMs
}
