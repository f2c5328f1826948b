import { Command, Option } from 'commander'
import { type ConfigKey, flagName, KNOBS, variableName } from '../config/index.ts'
import { PeerError } from '../errors.ts'
import { version } from '../version.ts'
import { addActors } from './actors/commands.ts'
import { createOutput, type Output } from './output.ts'
import { pathOf } from './paths.ts'
import { addQuorum } from './quorum/commands.ts'

/** Shape of `brume peers --json`, word for word as people read it in its help. */
const PEERS_SHAPE = `
With --json, one object:
  { "peers": [ {
      "peer": "12D3KooW...", "self": false, "connected": true,
      "state": "up" | "suspect" | "dead", "rttMs": 0.4 | null,
      "firstSeenMs": 0, "lastSeenMs": 0,        milliseconds since 1970
      "addresses": ["/ip4/..."],
      "host": { "architecture", "class", "tier", "cores", "memoryMiB", "storageMiB", "gpu" },
      "power": { "battery": 0..100 | null, "charging", "thermal": 0..3, "mode", "load": 0..100 },
      "place": { "operator", "site", "region" },
      "capabilities": ["container.docker", ...], "roles": ["relay", ...],
      "vrfKey": "<64 hex digits>"
  } ] }`

/** The commands of this package. Each loads its own code when it is called: `brume id` needs no network. */
export function buildProgram(others: readonly string[]): Command {
  const program = new Command('brume')
    .description('A peer-to-peer runtime for fog computing.')
    .version(version(), '-V, --version', 'print the version')
    .option('--data-dir <path>', 'where the peer keeps its identity and data (BRUME_DATA_DIR)', pathOf('--data-dir'))
    .option('--json', 'print JSON: one object, or for `up` one a line')
    .configureHelp({ showGlobalOptions: true })
    // Errors are thrown and printed once, in one form, by main.ts.
    .configureOutput({ outputError: () => undefined })
    .exitOverride()
  addUp(program)
  addQueries(program)
  addActors(program)
  addQuorum(program)
  if (others.length > 0)
    program.addHelpText('after', `\nFound beside it:\n${others.map((name) => `  ${name}`).join('\n')}`)
  return program
}

function addUp(program: Command): void {
  const up = program
    .command('up')
    .description('run a peer until Ctrl-C')
    .option('--keep-identity', 'the disk was moved to this machine: stay the same peer')
    .option('--for <duration>', 'stop after 500ms, 20s, 5m or 1h')
  for (const key of Object.keys(KNOBS)) addKnob(up, key as ConfigKey)
  up.addHelpText(
    'after',
    '\nSettings are looked up in flags, BRUME_* variables, config.json in the data directory, preset.'
  )
  up.action(async () => {
    const { up: run } = await import('./up.ts')
    const { json, dataDir, keepIdentity, for: duration, ...flags } = up.optsWithGlobals()
    await run({ dataDir, keepIdentity, duration, flags }, createOutput(json === true))
  })
}

function addKnob(command: Command, key: ConfigKey): void {
  const { argument, doc } = KNOBS[key]
  const flag = flagName(key)
  const text = `${doc} (${variableName(key)})`
  if (argument !== undefined) {
    command.addOption(new Option(`--${flag} ${argument}`, text))
    return
  }
  // A switch goes both ways, so that a flag can undo a file; help shows the way that does something.
  const onByDefault = key === 'mdns'
  command.addOption(new Option(`--${flag}`, text).hideHelp(onByDefault))
  command.addOption(new Option(`--no-${flag}`, `do not ${text}`).hideHelp(!onByDefault))
}

function addQueries(program: Command): void {
  query(program, 'status', 'show what the peer on this data directory is doing')
  query(program, 'peers', 'list the members it knows, with what their machines can do').addHelpText(
    'after',
    PEERS_SHAPE
  )
  query(program, 'id', 'print its peer id, also while it is stopped')
  program
    .command('version')
    .description('print the version')
    .action((_options, command: Command) => {
      const output = outputOf(command)
      output.say(version())
      output.tell({ version: version(), node: process.versions.node })
    })
}

function query(program: Command, name: 'status' | 'peers' | 'id', description: string): Command {
  return program
    .command(name)
    .description(description)
    .action(async (_options, command: Command) => {
      const queries = await import('./queries.ts')
      await queries[name](command.optsWithGlobals().dataDir, outputOf(command))
    })
}

function outputOf(command: Command): Output {
  // commander takes surplus words silently only where asked to; a peer has no use for them.
  if (command.args.length > 0)
    throw new PeerError('BRUME_PEER_USAGE', `${command.args.join(' ')} is not understood here`)
  return createOutput(command.optsWithGlobals().json === true)
}
