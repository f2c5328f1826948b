import { type Identity, sha256 } from '@brume/crypto'
import { createNet, type NetNode } from '@brume/net'
import { createLog, createRegistry } from '@brume/observe'
import { systemClock, systemRandom } from '@brume/ports/system'
import { createSystem } from '@brume/runtime'
import { memoryJournal, memoryStore } from '@brume/testkit'
import { afterEach, expect, test } from 'vitest'
import { createQuorum, type Group } from '../index.ts'
import { clientOf, manifestOf, person, Tape } from '../samples.ts'

const ends: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

const DEADLINE_MS = 60_000
const FOR_EVER_MS = 3_600_000
const log = createLog({ level: 'silent' })
const clock = systemClock()
const manifest = manifestOf([1, 1, 1, 1])

async function until(what: string, holds: () => boolean): Promise<void> {
  const endMs = clock.now() + DEADLINE_MS
  while (!holds()) {
    if (clock.now() > endMs) throw new Error(`not within ${DEADLINE_MS} ms: ${what}`)
    await new Promise<void>((resolve) => void clock.after(20, resolve))
  }
}

async function nodeOf({ seed }: Identity): Promise<NetNode> {
  const net = await createNet({
    ...{ seed, clock, log },
    networkId: sha256(manifest),
    profile: 'local',
    discovery: { mdns: false, bootstrap: [] },
    random: systemRandom(),
    registry: createRegistry()
  })
  await net.start()
  ends.push(() => net.stop())
  return net
}

async function memberOf(identity: Identity, net: NetNode): Promise<{ readonly group: Group; readonly tape: Tape }> {
  const quorum = createQuorum({
    ...{ identity, net, clock, log },
    store: memoryStore(),
    journal: memoryJournal({ clock }),
    registry: createRegistry(),
    kernel: createSystem({ clock, random: systemRandom(), log, self: identity.peerId }),
    keepConnected: () => () => {}
  })
  ends.push(() => quorum.stop())
  const tape = new Tape()
  const group = quorum.open(manifest, tape)
  await group.start()
  return { group, tape }
}

test('four members over real sockets, two of which refuse each other, decide under every leader', async () => {
  const identities = [0, 1, 2, 3].map(person)
  const nets = await Promise.all(identities.map(nodeOf))
  const [first, second] = nets as [NetNode, NetNode]
  first.drop(second.self, { banMs: FOR_EVER_MS })
  second.drop(first.self, { banMs: FOR_EVER_MS })
  const members = await Promise.all(nets.map((net, i) => memberOf(identities[i] as Identity, net)))
  const all = nets.map((net) => ({ peer: net.self, addresses: net.addresses(), priority: 'committee' as const }))
  for (const net of nets) net.want(all.filter(({ peer }) => peer !== net.self))
  await until('all vote', () => members.every(({ group }) => group.status().state === 'voting'))

  const leaders = new Set<number>()
  members[0]?.group.onEvent((event) => {
    if (event.type === 'final') leaders.add(event.leader)
  })
  const command = clientOf(manifest, () => clock.wall())
  for (let i = 0; i < 12 || leaders.size < 4; i++) {
    members[i % 4]?.group.submit(command(`line ${i}`))
    await until(`line ${i} everywhere`, () => members.every(({ tape }) => tape.lines.length === i + 1))
  }
  expect(first.links().some(({ peer }) => peer === second.self)).toBe(false)
  expect(members[0]?.group.status().members.filter(({ connected }) => connected)).toHaveLength(3)
}, 180_000)
