import { printError, sentenceOf } from '@brume/peer/output'
import { Command, CommanderError, Option } from 'commander'
import { TestnetError, type TestnetErrorCode } from '../errors.ts'
import { DEFAULT_RUNS_DIRECTORY } from '../runner/run-folder.ts'
import { GATE_SEEDS } from '../simulation/runs/trial.ts'
import { check } from './check.ts'
import { demo } from './demo.ts'
import { drill } from './drill.ts'
import { parseCount, parseDuration, parsePath } from './duration.ts'
import { requireMutant } from './mutant.ts'
import { down, logs, perturb, status } from './remote.ts'
import { run } from './run.ts'
import { sim } from './sim.ts'
import { soakSeeds, soakTwins } from './soak.ts'
import { STATUS_HELP } from './status-help.ts'
import { up } from './up.ts'

/** Members of one group, and thereby of a run (quorum.md 2). */
const PEERS_MAX = 100
/** What a laptop's two cores take beside the peers themselves. */
const RATE_MAX = 1_000
/** A night's worth and more; numbers beyond are still seeds. */
const SEEDS_MAX = 100_000_000
/** Exit codes of testing.md 3.6. */
export const EXIT = { ok: 0, failed: 1, argument: 2, inconclusive: 3, cleanup: 4 } as const

const EXIT_BY_CODE: { readonly [K in TestnetErrorCode]?: number } = {
  BRUME_TESTNET_ARGUMENT: EXIT.argument,
  BRUME_TESTNET_MANIFEST: EXIT.argument,
  BRUME_TESTNET_INCONCLUSIVE: EXIT.inconclusive,
  BRUME_TESTNET_NO_VOTES: EXIT.inconclusive,
  BRUME_TESTNET_CLEANUP: EXIT.cleanup
}

function runOption(): Option {
  return new Option('--run <id>', 'the run (default: the newest that is up)')
}

function addUp(program: Command): void {
  program
    .command('up')
    .description('start peers, each in a process of its own, and show them until q or Ctrl-C')
    .option('-n, --peers <count>', 'how many peers', parseCount('-n', 1, PEERS_MAX), 4)
    .addOption(
      new Option('--group <program>', 'what all peers replicate').choices(['counter', 'none']).default('counter')
    )
    .option('--rate <per second>', 'increments submitted a second', parseCount('--rate', 0, RATE_MAX), 5)
    .addOption(
      new Option('--discovery <how>', 'mdns, or list: the first peers are told to the rest')
        .choices(['mdns', 'list'])
        .default('mdns')
    )
    .option('--for <duration>', 'end by itself after this long: 500ms, 20s, 5m', parseDuration)
    .option('--votes', 'keep the votes that each peer receives, for `check`', false)
    .option('--json', 'one JSON object a line instead of the view', false)
    .option('--plain', 'one line of text an event, also on a terminal', false)
    .option('--detach', 'leave the run in the background; `status` and `down` reach it', false)
    .addOption(new Option('--detached', 'it was left there').default(false).hideHelp())
    .action((options, command: Command) => up({ ...options, directory: command.optsWithGlobals().dir }))
}

function addDemo(program: Command): void {
  program
    .command('demo')
    .description('start four peers, let them agree on a counter, report, end; fails if they do not')
    .option('-n, --peers <count>', 'how many peers', parseCount('-n', 1, PEERS_MAX), 4)
    .option('--height <blocks>', 'final blocks to wait for', parseCount('--height', 1, 100_000), 20)
    .option('--json', 'JSON lines; the last one is the result', false)
    .option('--keep', 'keep the run folder', false)
    .action((options, command: Command) => demo({ ...options, directory: command.optsWithGlobals().dir }))
}

function addDrill(program: Command): void {
  program
    .command('drill')
    .description(
      'processes replicate a machine; some lie, some are killed and return; every answer and proof is checked'
    )
    .option('-n, --members <count>', 'how many members', parseCount('-n', 1, PEERS_MAX), 4)
    .option('--liars <count>', 'members that sign wrong outcomes', parseCount('--liars', 0, PEERS_MAX), 1)
    .option('--kill <count>', 'honest members that are killed with SIGKILL', parseCount('--kill', 0, PEERS_MAX), 0)
    .option('--seconds <count>', 'of each part: all up, some killed, all back', parseCount('--seconds', 1, 3_600), 10)
    .option('--json', 'JSON lines: events, then verdicts, then the result', false)
    .action((options, command: Command) => drill({ ...options, directory: command.optsWithGlobals().dir }))
}

function addRun(program: Command): void {
  program
    .command('run <file>')
    .description(
      'carry out a scenario and judge it: 0 passed, 1 failed, 2 not a scenario, 3 inconclusive, 4 not cleaned up'
    )
    .option('--cycles <count>', 'repeat faults so often, not as the file says', parseCount('--cycles', 1, 100_000))
    .option('--json', 'JSON lines: events, then verdicts, then the result', false)
    .action((file: string, options, command: Command) =>
      run({ ...options, file, directory: command.optsWithGlobals().dir })
    )
}

function addPerturbations(program: Command): void {
  const verbs = {
    kill: 'SIGKILL peers; they stay dead until `restart`',
    restart: 'start dead peers on their old data; living ones are ended cleanly first',
    pause: 'SIGSTOP peers',
    resume: 'SIGCONT paused peers'
  } as const
  for (const verb of ['kill', 'restart', 'pause', 'resume'] as const) {
    program
      .command(`${verb} <peer...>`)
      .description(`${verbs[verb]} (a name, all, random:<k>)`)
      .addOption(runOption())
      .action((peers: string[], options, command: Command) =>
        perturb({ ...options, verb, peers, directory: command.optsWithGlobals().dir })
      )
  }
}

function addQuestions(program: Command): void {
  program
    .command('status')
    .description('what the run looks like now')
    .addOption(runOption())
    .option('--json', 'the whole state as one JSON object', false)
    .addHelpText('after', STATUS_HELP)
    .action((options, command: Command) => status({ ...options, directory: command.optsWithGlobals().dir }))
  program
    .command('logs [peer]')
    .description("what a peer wrote; without a name the last lines of every peer's log")
    .addOption(runOption())
    .option('-n, --lines <count>', 'how many last lines', parseCount('-n', 1, 100_000), 20)
    .action((peer: string | undefined, options, command: Command) =>
      logs({ ...options, peer, directory: command.optsWithGlobals().dir })
    )
  program
    .command('check')
    .description('read the journals and received votes of a run and look for contradictions')
    .addOption(runOption())
    .option('--json', 'the report as one JSON object', false)
    .action((options, command: Command) => check({ ...options, directory: command.optsWithGlobals().dir }))
  program
    .command('down')
    .description('end a run and every process it started, also one whose runner is gone')
    .addOption(runOption())
    .action((options, command: Command) => down({ ...options, directory: command.optsWithGlobals().dir }))
}

/** A set of JavaScript holds 2^24 things; four walks share these. */
const STATES_MAX = 64_000_000

function addSim(program: Command): void {
  program
    .command('sim')
    .description('groups in virtual time under faults, judged by an oracle; the same seed gives the same run')
    .option('--actors', 'whole groups and their clients, not their reducers alone', false)
    .option('--seeds <count>', 'how many seeds (default: as many as the gate)', parseCount('--seeds', 1, SEEDS_MAX))
    .option('--from <number>', 'the first one', parseCount('--from', 0, SEEDS_MAX), 0)
    .option('--jobs <count>', 'worker processes', parseCount('--jobs', 1, 64), 2)
    .option('--json', 'the last line is one JSON object', false)
    .option('--no-mutants', 'leave out the known bugs, each to be noticed within the seeds of the gate')
    .option('--determinism <count>', 'so many seeds twice', parseCount('--determinism', 1, 1_000))
    .option('--seed <hex>', 'one run again, by its 32 hex digits')
    .option('--options <file>', 'with these options instead of those the seed draws', parsePath('--options'))
    .option('--mutant <name>', 'with this bug in it')
    .option('--trace <file>', 'everything that happens, one JSON object a line', parsePath('--trace'))
    .option('--until <duration>', 'end there: 12.5s', parseDuration)
    .option('--shrink', 'leave out what a failing run does not need to fail', false)
    .option('--explore', 'all orders of messages among four members, one a liar, in the first views', false)
    .option('--views <count>', 'with --explore: how many (default: 2, with --states 3)', parseCount('--views', 1, 3))
    .option('--restarts', 'with --explore: members also end at any time and begin again', false)
    .option('--seconds <count>', 'with --explore: of processor time at most', parseCount('--seconds', 1, 1_000_000), 60)
    .option(
      '--states <count>',
      'with --explore: so many, not all, at most two letters overtaking',
      parseCount('--states', 1, STATES_MAX)
    )
    .option(
      '--latency <bar>',
      'aws: 50 members in ten regions; lossy: 10 % loss, 50 ms, one of 7 silent; flood: --seeds frames'
    )
    .option('--golden', 'whether this engine computes what replicated machines need, 4,096 cases', false)
    .addOption(
      new Option('--suite <name>', 'another simulation: messages between peers, or actors with copies').choices([
        'delivery',
        'standby'
      ])
    )
    .action((options) => {
      requireMutant(options)
      return sim(options)
    })
}

function addSoak(program: Command): void {
  const soak = program.command('soak').description('simulated runs by the ten thousand, one process, not in the gate')
  const out = ['--out <folder>', 'how far it is, as JSON, every 10 s', parsePath('--out')] as const
  soak
    .command('seeds')
    .description('seeds of the swarm')
    .option('--seeds <count>', 'how many', parseCount('--seeds', 1, SEEDS_MAX), 20_000)
    .option('--from <number>', 'the first one', parseCount('--from', 0, SEEDS_MAX), GATE_SEEDS)
    .option(...out)
    .action(({ seeds, from, out }) => soakSeeds({ count: seeds, from, out }))
  soak
    .command('twins')
    .description('one key in two processes, and for some rounds who hears whom is drawn')
    .option('--scenarios <count>', 'how many', parseCount('--scenarios', 1, SEEDS_MAX), 10_000)
    .option('--from <number>', 'the first one', parseCount('--from', 0, SEEDS_MAX), 0)
    .option(...out)
    .action(({ scenarios, from, out }) => soakTwins({ count: scenarios, from, out }))
  for (const command of soak.commands) command.exitOverride()
}

function makeProgram(): Command {
  const program = new Command('brume testnet')
    .description('a network of real peers on this machine: one process a peer, loopback only')
    .option(
      '--dir <folder>',
      'where runs are kept',
      parsePath('--dir'),
      process.env.BRUME_TESTNET_DIR || DEFAULT_RUNS_DIRECTORY
    )
    // Errors are thrown and printed once, in one form, by `runCommand`.
    .configureOutput({ outputError: () => undefined })
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
  addUp(program)
  addDemo(program)
  addRun(program)
  addDrill(program)
  addPerturbations(program)
  addQuestions(program)
  addSim(program)
  addSoak(program)
  for (const command of program.commands) command.exitOverride()
  return program
}

function codeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.argument
  if (!(error instanceof TestnetError)) return EXIT.failed
  return EXIT_BY_CODE[error.code] ?? EXIT.failed
}

function tell(error: unknown): void {
  if (error instanceof TestnetError) return printError(error.code, error.message)
  if (!(error instanceof CommanderError)) {
    printError('BRUME_TESTNET_INTERNAL', error instanceof Error ? error.message : String(error))
    // Nobody foresaw this one.
    if (error instanceof Error) process.stderr.write(`${error.stack}\n`)
    return
  }
  // Help, which was asked for or is told instead of an error, has been printed.
  if (error.exitCode !== 0 && error.code !== 'commander.help') printError('BRUME_TESTNET_ARGUMENT', sentenceOf(error))
}

/** Runs one command line to its end; answers the exit code: 0 ok, 1 failed, 2 bad arguments, 3 inconclusive, 4 processes left. */
export async function runCommand(argv: readonly string[]): Promise<number> {
  try {
    await makeProgram().parseAsync(argv)
    return EXIT.ok
  } catch (error) {
    tell(error)
    return codeOf(error)
  }
}
