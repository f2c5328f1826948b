import { openStore } from '../index.ts'

/** A process that opens the store in the folder named first and holds it until it is killed. */
await openStore(process.argv[2] ?? '')
process.send?.('open')
setInterval(() => undefined, 60_000)
