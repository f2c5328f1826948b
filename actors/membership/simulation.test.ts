import { createLog, createRegistry } from '@brume/observe'
import { createSystem } from '@brume/runtime'
import { memoryJournal, memoryStore, SimClock, SimNet, SimRandom } from '@brume/testkit'
import { describe, expect, it } from 'vitest'
import { createMembership, type HostDescription, type MemberChange, type Membership } from './index.ts'
import { LOCAL, NET, person, recordOf, START_MS } from './samples.ts'

const EPOCH_MS = 600_000
const log = createLog({ level: 'silent' })
const HOST: HostDescription = {
  host: recordOf(0).body.host,
  state: LOCAL.state,
  capabilities: [],
  details: {
    model: 'absent',
    vendor: 'absent',
    processor: 'absent',
    battery: 'absent',
    temperatureC: 'absent',
    gpu: 'absent',
    interfaces: [],
    containerRuntimes: 'absent',
    groupLimits: { cores: undefined, memoryBytes: undefined }
  }
}

interface SimPeer {
  readonly id: string
  readonly membership: Membership
  readonly changes: MemberChange[]
  /** Sum over the kinds of `brume_member_warrants_total`. */
  warrants(): Promise<number>
}

/** Peers in virtual time that know the first one's address and nothing else. */
async function world(count: number): Promise<{ clock: SimClock; net: SimNet; peers: readonly SimPeer[] }> {
  const clock = new SimClock({ wallMs: START_MS + 60_000 })
  const random = new SimRandom(new Uint8Array(16).fill(5), 'net')
  const net = new SimNet({ clock, random, discovery: false, pipe: { delayMs: 20 } })
  const bootstrap = [{ peer: person(1).peerId, addresses: [], priority: 'bootstrap' as const }]
  const peers: SimPeer[] = []
  for (let number = 1; number <= count; number++) {
    const identity = person(number)
    const registry = createRegistry()
    const membership = createMembership({
      identity,
      networkId: NET,
      net: net.start(identity.peerId),
      store: memoryStore(),
      journal: memoryJournal({ clock }),
      clock,
      random: random.stream(`node:${number}`),
      log,
      registry,
      kernel: createSystem({ clock, random, log, self: identity.peerId }),
      host: HOST,
      clockQuality: async () => 1,
      settings: { epochMs: EPOCH_MS, bootstrap }
    })
    const changes: MemberChange[] = []
    membership.onChange((change) => changes.push(change))
    await membership.start()
    const warrants = async (): Promise<number> => {
      const metric = await registry.getSingleMetric('brume_member_warrants_total')?.get()
      return (metric?.values ?? []).reduce((sum, { value }) => sum + value, 0)
    }
    peers.push({ id: identity.peerId, membership, changes, warrants })
  }
  return { clock, net, peers }
}

const upAt = ({ membership }: SimPeer): number => membership.members().filter(({ state }) => state === 'up').length
const roots = (peers: readonly SimPeer[]): number =>
  new Set(peers.map(({ membership }) => membership.status().digestRoot)).size

describe('in virtual time', () => {
  it('ten peers mesh from one address within 5 s', async () => {
    const { clock, peers } = await world(10)
    const isMesh = () => peers.every((peer) => upAt(peer) === 10 && peer.membership.status().connected === 9)
    expect(await clock.until(isMesh, 5_000)).toBe(true)
    expect(await clock.until(() => roots(peers) === 1, 5_000)).toBe(true)
  })

  it('halves that were apart for three epochs agree 90 s after they meet, without a warrant', async () => {
    const { clock, net, peers } = await world(8)
    expect(await clock.until(() => roots(peers) === 1 && peers.every((peer) => upAt(peer) === 8), 10_000)).toBe(true)
    const [left, right] = [peers.slice(0, 4), peers.slice(4)]
    net.partition([left.map(({ id }) => id), right.map(({ id }) => id)])
    await clock.pass(3 * EPOCH_MS)
    for (const half of [left, right]) {
      expect(roots(half)).toBe(1)
      for (const peer of half) expect(upAt(peer)).toBe(4)
    }
    net.heal()
    const healed = () => roots(peers) === 1 && peers.every((peer) => upAt(peer) === 8)
    expect(await clock.until(healed, 90_000)).toBe(true)
    for (const peer of peers) expect(await peer.warrants()).toBe(0)
  })

  it('a killed peer is suspected when its link breaks and dead 30 s later', async () => {
    const { clock, net, peers } = await world(4)
    await clock.until(() => peers.every((peer) => upAt(peer) === 4), 10_000)
    const [first, , , last] = peers
    if (first === undefined || last === undefined) throw new Error('four peers')
    net.stop(last.id)
    const stateOfLast = () => first.membership.members().find(({ peer }) => peer === last.id)?.state
    expect(await clock.until(() => stateOfLast() === 'suspect', 1_000)).toBe(true)
    expect(await clock.until(() => stateOfLast() === 'dead', 29_000)).toBe(false)
    expect(await clock.until(() => stateOfLast() === 'dead', 2_000)).toBe(true)
  })
})
