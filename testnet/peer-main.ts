/** One peer of a testnet in its own process; see peer/run-peer.ts. */
import { compose } from './peer/compose.ts'
import { runPeer } from './peer/run-peer.ts'

runPeer(compose)
