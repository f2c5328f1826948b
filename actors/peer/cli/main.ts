import { CommanderError } from 'commander'
import { nearest } from '../config/index.ts'
import { EXIT, exitStatus, PeerError } from '../errors.ts'
import { createOutput } from './output.ts'
import { buildProgram } from './program.ts'
import { findSubcommand, listSubcommands, runSubcommand } from './subcommands.ts'

/** Runs one command line and resolves with the exit status. `scriptPath` is how brume was called. */
export async function main(args: readonly string[], scriptPath: string): Promise<number> {
  try {
    return await run(args, scriptPath)
  } catch (error) {
    // Help and version are thrown as well, with status 0.
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok
    const failure = error instanceof CommanderError ? usageError(error) : error
    createOutput(args.includes('--json')).fail(failure)
    return exitStatus(failure)
  }
}

async function run(args: readonly string[], scriptPath: string): Promise<number> {
  const program = buildProgram(listSubcommands(scriptPath))
  const known = program.commands.map((command) => command.name()).concat('help')
  const [first] = args
  if (first === undefined) {
    program.outputHelp()
    return EXIT.ok
  }
  if (!first.startsWith('-') && !known.includes(first)) return runOther(first, args.slice(1), scriptPath, known)
  await program.parseAsync([...args], { from: 'user' })
  return EXIT.ok
}

function runOther(
  name: string,
  args: readonly string[],
  scriptPath: string,
  known: readonly string[]
): Promise<number> {
  const path = findSubcommand(name, scriptPath)
  if (path !== undefined) return runSubcommand(path, args)
  const meant = nearest(name, [...known, ...listSubcommands(scriptPath)])
  const hint = meant === undefined ? 'brume help lists what there is' : `did you mean ${meant}?`
  throw new PeerError(
    'BRUME_PEER_UNKNOWN_COMMAND',
    `${name} is no command, and no executable brume-${name} was found; ${hint}`
  )
}

/** commander says `error: unknown option '--lisen'` and its guess on a line of its own. */
function usageError(error: CommanderError): PeerError {
  const message = error.message
    .replace(/^error: /, '')
    .replaceAll('\n', ' ')
    .trim()
  return new PeerError('BRUME_PEER_USAGE', message, error)
}
