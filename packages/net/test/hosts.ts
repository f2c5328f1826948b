import { createRegistry } from '@brume/observe'
import { createHost, type Host } from '../host/libp2p.ts'
import { profileOf } from '../host/profiles.ts'
import { random } from './nodes.ts'

const started: Host[] = []

/** A bare libp2p host with this room's settings, ended by `stopHosts`. Started. */
export async function host(topics: readonly string[] = []): Promise<Host> {
  const made = await createHost({
    seed: random.bytes(32),
    profile: profileOf('local', false),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    announce: [],
    topics,
    topicLabels: new Map(),
    registry: createRegistry(),
    mayAnnounce: () => true,
    mayDial: () => true,
    isBanned: () => false
  })
  started.push(made)
  await made.start()
  return made
}

export async function stopHosts(): Promise<void> {
  await Promise.all(started.splice(0).map((one) => one.stop()))
}
