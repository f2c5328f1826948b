import { toHex } from '@brume/codec'
import { KIND } from '@brume/consensus'
import { RESULT, type SlotKind, signedSlotBytes } from '@brume/consensus/slot'
import { DOMAIN, deriveSeed, type Identity, identityFromSeed, sha256 } from '@brume/crypto'
import { createNet, type NetNode } from '@brume/net'
import { createLog, createRegistry } from '@brume/observe'
import { systemClock, systemRandom } from '@brume/ports/system'
import {
  committeeOf,
  DEFAULT_PACE,
  decodeSlotCertificate,
  encodeManifest,
  encodeSlotFrame,
  groupIdOf,
  SLOT_PROTOCOL
} from '@brume/protocols/quorum'
import { createSystem } from '@brume/runtime'
import { memoryJournal, memoryStore } from '@brume/testkit'
import { afterEach, expect, test } from 'vitest'
import { createQuorum, type SlotGroup } from '../index.ts'

const ends: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

const identities = [0, 1, 2, 3].map((i) => identityFromSeed(sha256(Uint8Array.of(i, 77))))
const manifest = encodeManifest({
  name: 'slots',
  kind: 'slot',
  nonce: sha256(Uint8Array.of(5)),
  pace: { ...DEFAULT_PACE, deltaMs: 100 },
  members: identities.map(({ peerId, publicKey, seed }) => ({
    peer: peerId,
    key: publicKey,
    vrfKey: identityFromSeed(deriveSeed(seed, DOMAIN.vrf)).publicKey,
    weight: 1,
    operator: '',
    site: '',
    hardware: ''
  })),
  program: new Uint8Array()
})
const groupId = groupIdOf(manifest)
const log = createLog({ level: 'silent' })
const clock = systemClock()

async function connected(): Promise<readonly NetNode[]> {
  const nets: NetNode[] = []
  for (const { seed } of identities) {
    const net = await createNet({
      seed,
      networkId: sha256(manifest),
      profile: 'local',
      discovery: { mdns: false, bootstrap: [] },
      clock,
      random: systemRandom(),
      log,
      registry: createRegistry()
    })
    await net.start()
    ends.push(() => net.stop())
    nets.push(net)
  }
  const all = nets.map((net) => ({ peer: net.self, addresses: net.addresses(), priority: 'committee' as const }))
  for (const net of nets) net.want(all.filter(({ peer }) => peer !== net.self))
  return nets
}

function slotsOf(identity: Identity, net: NetNode): SlotGroup {
  const quorum = createQuorum({
    identity,
    net,
    store: memoryStore(),
    journal: memoryJournal({ clock }),
    clock,
    log,
    registry: createRegistry(),
    kernel: createSystem({ clock, random: systemRandom(), log, self: identity.peerId }),
    keepConnected: () => () => {}
  })
  ends.push(() => quorum.stop())
  return quorum.slots(manifest)
}

/** Says one thing to each of the others, and everything that excludes it. */
function startLiar(identity: Identity, net: NetNode): void {
  const committee = { ...committeeOf(manifest), epoch: 4 }
  const signer = committee.members.findIndex(({ key }) => toHex(key) === toHex(identity.publicKey))
  const digest = (of: string) => toHex(sha256(Buffer.from(of)))
  const vote = (kind: SlotKind, of: string) => {
    const statement = { kind, epoch: 4, view: 0, digest: of }
    return { ...statement, signer, signature: identity.sign(signedSlotBytes(committee, statement)) }
  }
  const channel = net.channel(SLOT_PROTOCOL, {
    frame: () => {},
    opened: (peer) => {
      const own = digest(`for ${peer} alone`)
      const votes = [vote(RESULT, own), vote(KIND.nullify, ''), vote(KIND.finalize, own), vote(RESULT, digest('other'))]
      channel.send(peer, encodeSlotFrame({ groupId, message: { type: 'votes', votes } }))
      const forged = { ...vote(RESULT, digest('odd')), signer: (signer + 1) % 4 }
      channel.send(peer, encodeSlotFrame({ groupId, message: { type: 'votes', votes: [forged] } }))
    }
  })
  channel.connect(identities.map(({ peerId }) => peerId).filter((peer) => peer !== identity.peerId))
  ends.push(() => channel.close())
}

test('three honest members over real sockets decide beside a liar; one that computed nothing gets the value', async () => {
  const nets = await connected()
  const [a, b, c] = [0, 1, 2].map((i) => slotsOf(identities[i] as Identity, nets[i] as NetNode)) as [
    SlotGroup,
    SlotGroup,
    SlotGroup
  ]
  startLiar(identities[3] as Identity, nets[3] as NetNode)
  const value = Buffer.from('what all of us computed')
  const slots = [a, b, c].map((group) => group.open(4))
  for (const slot of slots) slot.decide(value)
  for (const outcome of await Promise.all(slots.map((slot) => slot.outcome))) {
    if (outcome.type !== 'decided') throw new Error(outcome.type)
    expect(Buffer.from(outcome.value).toString()).toBe('what all of us computed')
    const { kind, epoch, signers } = decodeSlotCertificate(outcome.certificate)
    expect([kind, epoch, signers.length >= 3]).toEqual([KIND.finalize, 4, true])
  }

  const others = [a, b, c].map((group) => group.open(5, { resultMs: 500 }))
  others[0]?.decide(Buffer.from('one'))
  others[1]?.decide(Buffer.from('one'))
  others[2]?.decide(Buffer.from('two'))
  const outcomes = await Promise.all(others.map((slot) => slot.outcome))
  expect(new Set(outcomes.map(({ type }) => type)).size).toBe(1)
  if (outcomes[0]?.type === 'decided') {
    for (const outcome of outcomes) {
      expect(outcome.type === 'decided' && Buffer.from(outcome.value).toString()).toBe('one')
    }
  }
}, 60_000)
