import { createLog, createRegistry } from '@brume/observe'
import type { Net } from '@brume/ports'
import { createSystem } from '@brume/runtime'
import { memoryStore, SimRandom } from '@brume/testkit'
import { createQuorum, type Quorum, type QuorumClient } from '../../index.ts'
import { person, type World } from '../../samples.ts'

/** Domain of what `Tape` says of its blocks. */
export const TAPE_DOMAIN = 'brume/tape-attest/1'

/** How many each world has, so that no two have one key. */
const clients = new WeakMap<World, number>()

/** A peer that is connected to the members and is none of them. */
export function outsider(world: World, number: number): { readonly net: Net; readonly quorum: Quorum } {
  const { clock } = world
  const identity = person(number)
  const log = createLog({ level: 'silent' })
  const random = new SimRandom(new Uint8Array(16).fill(number), 'outsider')
  const net = world.net.start(identity.peerId)
  const kernel = createSystem({ clock, random, log, self: identity.peerId })
  const registry = createRegistry()
  const quorum = createQuorum({
    ...{ identity, net, clock, log, registry, kernel, journal: null },
    store: memoryStore(),
    keepConnected: () => () => {}
  })
  return { net, quorum }
}

/** A client on a peer of its own. */
export function outsideClient(world: World): QuorumClient {
  const number = 150 + (clients.get(world) ?? 0)
  clients.set(world, number - 149)
  return outsider(world, number).quorum.client(world.manifest, { domain: TAPE_DOMAIN })
}

/** Steps virtual time until the promise is settled. */
export async function settled<T>(
  world: World,
  promise: Promise<T>,
  limitMs = 60_000
): Promise<PromiseSettledResult<T>> {
  let result: PromiseSettledResult<T> | undefined
  void Promise.allSettled([promise]).then(([one]) => (result = one))
  await world.until(() => result !== undefined, limitMs)
  if (result === undefined) throw new Error(`nothing came of it within ${limitMs} ms`)
  return result
}

/** As `settled`, where it is to succeed. */
export async function done<T>(world: World, promise: Promise<T>, limitMs?: number): Promise<T> {
  const result = await settled(world, promise, limitMs)
  if (result.status === 'rejected') throw result.reason
  return result.value
}
