import { createNet, type NetNode } from '@brume/net'
import { createLog, createRegistry } from '@brume/observe'
import { systemClock, systemRandom } from '@brume/ports/system'
import { createDelivery } from '@brume/runtime/delivery'
import type { Kernel } from '@brume/runtime/kernel'
import { startKernel } from './kernels.ts'

/** Bare frames between the same two processes, over the same connection. */
export const BARE = { id: '/brume/bench-bare/1.0.0', class: 'data', frameBytesMax: 65_536 } as const
/** First byte of a bare frame of events in JSON. */
export const EVENTS = 2

export interface Side {
  readonly net: NetNode
  readonly kernel: Kernel
  stop(): Promise<void>
}

/** One end: a node on the loopback interface, with actors on it that the other end reaches. */
export async function startSide(networkId: Uint8Array): Promise<Side> {
  const world = {
    clock: systemClock(),
    random: systemRandom(),
    log: createLog({ level: 'error' }),
    registry: createRegistry()
  }
  const net = await createNet({
    ...world,
    seed: world.random.bytes(32),
    networkId,
    profile: 'local',
    listen: ['/ip4/127.0.0.1/tcp/0'],
    discovery: { mdns: false, bootstrap: [] }
  })
  const remote = createDelivery({ ...world, net })
  const kernel = await startKernel({ ...world, self: net.self, remote })
  remote.start(kernel)
  const stop = async (): Promise<void> => {
    await kernel.stop()
    remote.stop()
    await net.stop()
  }
  return { net, kernel, stop }
}
