import { CommanderError } from 'commander'
import { nearest } from '../config/index.ts'
import { EXIT, exitStatus, PeerError } from '../errors.ts'
import { createOutput, sentenceOf } from './output.ts'
import { buildProgram } from './program.ts'
import { findSubcommand, listSubcommands, runSubcommand } from './subcommands.ts'

/** Runs one command line and resolves with the exit status. `scriptPath` is how brume was called. */
export async function main(args: readonly string[], scriptPath: string): Promise<number> {
  try {
    return await run(args, scriptPath)
  } catch (error) {
    // Help and version are thrown as well, with status 0.
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok
    const isUsage = error instanceof CommanderError
    const failure = isUsage ? new PeerError('BRUME_PEER_USAGE', sentenceOf(error), error) : error
    createOutput(args.includes('--json')).fail(failure)
    return exitStatus(failure)
  }
}

async function run(args: readonly string[], scriptPath: string): Promise<number> {
  const program = buildProgram(listSubcommands(scriptPath))
  const known = program.commands.map((command) => command.name()).concat('help')
  if (args.length === 0) {
    program.outputHelp()
    return EXIT.ok
  }
  const [before, name, ...rest] = split(args)
  if (name !== undefined && !known.includes(name)) return runOther(name, before, rest, scriptPath, known)
  await program.parseAsync([...args], { from: 'user' })
  return EXIT.ok
}

/** The options of all commands that stand before a command's name, the name, and what follows; no name after any other option. */
function split(args: readonly string[]): readonly [readonly string[], string?, ...string[]] {
  let at = 0
  while (GLOBAL_OPTION.test(args[at] ?? '')) at += args[at] === '--data-dir' ? 2 : 1
  const [name, ...rest] = args.slice(at)
  return name === undefined || name.startsWith('-') ? [args] : [args.slice(0, at), name, ...rest]
}

/** See `buildProgram`. */
const GLOBAL_OPTION = /^(--json|--data-dir(=.*)?)$/s

function runOther(
  name: string,
  before: readonly string[],
  args: readonly string[],
  scriptPath: string,
  known: readonly string[]
): Promise<number> {
  const path = findSubcommand(name, scriptPath)
  if (path !== undefined) {
    const json = before.filter((option) => option === '--json')
    if (json.length === before.length) return runSubcommand(path, [...args, ...json])
    throw new PeerError(
      'BRUME_PEER_USAGE',
      `--data-dir means nothing to brume ${name}; brume ${name} --help says what does`
    )
  }
  const meant = nearest(name, [...known, ...listSubcommands(scriptPath)])
  const hint = meant === undefined ? 'brume help lists what there is' : `did you mean ${meant}?`
  throw new PeerError(
    'BRUME_PEER_UNKNOWN_COMMAND',
    `${name} is no command, and no executable brume-${name} was found; ${hint}`
  )
}
