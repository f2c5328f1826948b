/**
 * One production peer in its own process, with a program for groups, which `brume up` has none of by itself.
 * Usage: peer-main.ts <data directory> <network name>; answers each IPC message with an `IdleAnswer`.
 */
import { preparePeer } from '@brume/peer'
import { NullProgram } from '../consensus/commands.ts'
import { total } from '../consensus/gauges.ts'
import type { IdleAnswer } from './peers.ts'

const [dataDir = '', network = ''] = process.argv.slice(2)
const peer = await preparePeer({
  dataDir,
  profile: 'local',
  network,
  programs: { bench: () => new NullProgram() }
})

async function answer(): Promise<IdleAnswer> {
  const { members, groups } = peer.status()
  return {
    connected: members.connected,
    groups: groups.map(({ state, dormant, height }) => ({ state, dormant, height })),
    quorumFrames: await total(peer.registry, 'brume_quorum_frames_total')
  }
}

async function end(): Promise<void> {
  await peer.stop()
  process.exit(0)
}

for (const name of ['SIGINT', 'SIGHUP'] as const) process.on(name, () => undefined)
process.on('SIGTERM', end).on('disconnect', end)
process.on('message', () => void answer().then((message) => process.connected && process.send?.(message)))
await peer.start()
