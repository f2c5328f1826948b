import { runCommand } from './commands.ts'

process.exitCode = await runCommand(process.argv)
