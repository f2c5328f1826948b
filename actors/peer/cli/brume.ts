import { main } from './main.ts'

/** A command that is done but held up by a forgotten handle ends after this time all the same. */
const LINGER_MS = 500

// `brume peers | head -1`: a reader that has had enough is no fault.
process.stdout.on('error', () => undefined)
process.exitCode = await main(process.argv.slice(2), process.argv[1] ?? '')
setTimeout(() => process.exit(), LINGER_MS).unref()
