import { toHex } from '@brume/codec'
import { type Committee, KIND, type Statement, signedBytes, type Vote } from '@brume/consensus'
import {
  committeeOf,
  encodeEvidence,
  encodeFrame,
  encodeGossip,
  encodeHello,
  GOSSIP,
  gossipTopic,
  groupIdOf,
  makeEvidence,
  QUORUM_PROTOCOL
} from '@brume/protocols/quorum'
import { expect, test } from 'vitest'
import { clientOf, person, World } from '../samples.ts'

const HALF_A_MINUTE = 30_000
const TWIN = 0
const MEMBER = 4
const STRANGER = 60
/** Later than any view this run reaches. */
const LATE_VIEW = 1_000

const stateOf = (world: World, index: number) => world.members[index]?.group.status()

/** Five members, and a bare node by which what another process with the key of member 0 said comes around. */
async function withTwin(relay: number) {
  const world = await World.of([1, 1, 1, 1, 1])
  await world.until(() => world.alive.every(({ group }) => group.status().state === 'voting'), HALF_A_MINUTE)
  if (relay === MEMBER) await world.crash(relay)
  const blamed: string[] = []
  for (const { group } of world.alive) {
    group.onEvent((event) => {
      if (event.type === 'warrant') blamed.push(toHex(event.key))
    })
  }
  return { world, blamed, node: world.net.start(person(relay).peerId), committee: committeeOf(world.manifest) }
}

function twinVote(committee: Committee, byte: number, view: number): Vote {
  const identity = person(TWIN)
  const signer = committee.members.findIndex(({ key }) => Buffer.compare(key, identity.publicKey) === 0)
  const digest = Buffer.alloc(32, byte).toString('hex')
  const statement: Statement = { kind: KIND.notarize, epoch: 0, view, parentView: view - 1, digest }
  return { ...statement, signer, signature: identity.sign(signedBytes(committee, statement)) }
}

async function goesOn(world: World): Promise<void> {
  world.members[1]?.group.submit(clientOf(world.manifest, () => world.clock.wall())('x'))
  const rest = world.alive.filter(({ index }) => index !== TWIN)
  const done = () => rest.every(({ tape }) => tape.lines.includes('x'))
  expect(await world.until(done, HALF_A_MINUTE)).toBe(true)
}

test('a certificate with an own signature that was never given halts, and blames nobody', async () => {
  const { world, blamed, node, committee } = await withTwin(MEMBER)
  const channel = node.channel(QUORUM_PROTOCOL, { frame: () => {} })
  const { peerId } = person(TWIN)
  channel.connect([peerId])
  await world.until(() => channel.isOpen(peerId), HALF_A_MINUTE)
  const { signer, signature, ...statement } = twinVote(committee, 1, LATE_VIEW)
  const hello = encodeHello([{ groupId: groupIdOf(world.manifest), epoch: 0, handle: 1, restarted: false }])
  const tell = (bytes: Uint8Array) =>
    channel.send(
      peerId,
      encodeFrame(1, { type: 'certificate', certificate: { ...statement, signers: [signer], signatures: [bytes] } })
    )
  channel.send(peerId, hello)
  // A signature that is none accuses nobody: anyone could send it.
  tell(new Uint8Array(64))
  await world.clock.pass(1_000)
  expect(stateOf(world, TWIN)?.state).toBe('voting')
  tell(signature)
  expect(await world.until(() => stateOf(world, TWIN)?.state === 'halted', HALF_A_MINUTE)).toBe(true)
  expect(stateOf(world, TWIN)?.reason).toContain('another process')
  expect(blamed).toEqual([])
})

test('proof against the own key halts; everybody else blames that key alone', async () => {
  const { world, blamed, node, committee } = await withTwin(STRANGER)
  const signed = [1, 2].map((byte) => {
    const vote = twinVote(committee, byte, LATE_VIEW)
    return { statement: signedBytes(committee, vote), signature: vote.signature }
  })
  const [a, b] = signed
  const evidence = a === undefined || b === undefined ? undefined : makeEvidence(person(TWIN).publicKey, a, b)
  if (evidence === undefined) throw new Error('no contradiction')
  const topic = node.topic(gossipTopic(committee.groupId), () => 'accept')
  await world.until(() => topic.subscribers().length === 5, HALF_A_MINUTE)
  void topic.publish(encodeGossip(GOSSIP.evidence, encodeEvidence(evidence)))
  expect(await world.until(() => blamed.length === 4, HALF_A_MINUTE)).toBe(true)
  expect(await world.until(() => stateOf(world, TWIN)?.state === 'halted', HALF_A_MINUTE)).toBe(true)
  const said = world.said(TWIN).length
  await goesOn(world)
  expect(new Set(blamed)).toEqual(new Set([toHex(person(TWIN).publicKey)]))
  expect(world.said(TWIN).length).toBe(said)
  // What it said is written down: it is muted after a restart as well.
  await world.crash(TWIN)
  await world.restart(TWIN)
  expect(await world.until(() => stateOf(world, TWIN)?.state === 'observing', HALF_A_MINUTE)).toBe(true)
  expect(stateOf(world, TWIN)?.reason).toContain('another process')
})
