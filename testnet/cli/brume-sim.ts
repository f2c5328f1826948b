import { runCommand } from './commands.ts'

process.exitCode = await runCommand([...process.argv.slice(0, 2), 'sim', ...process.argv.slice(2)])
