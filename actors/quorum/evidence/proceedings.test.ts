import { toHex } from '@brume/codec'
import { KIND, NO_DIGEST, type Statement, signedBytes, type Vote, type VoteKind } from '@brume/consensus'
import type { Net } from '@brume/ports'
import {
  checkpointBytes,
  committeeOf,
  decodeEvidence,
  EVIDENCE_KIND,
  encodeFrame,
  encodeHello,
  groupIdOf,
  QUORUM_PROTOCOL,
  verifyEvidence
} from '@brume/protocols/quorum'
import { replace } from '@brume/testkit'
import { describe, expect, test } from 'vitest'
import type { GroupEvent } from '../index.ts'
import { clientOf, person, World, type Wrap } from '../samples.ts'
import { RECORD } from '../votes/records.ts'

const ONES = (n: number) => Array.from({ length: n }, () => 1)
const HALF_A_MINUTE = 30_000
const LIAR = 4
const DEAF = 3
const HANDLE = 9

type Warrant = Extract<GroupEvent, { type: 'warrant' }>

/** Five members of whom the last is in hostile hands: a node with its key that says whatever it is told. */
async function withLiar(wrap?: Wrap) {
  const world = await World.of(ONES(5), [], {}, wrap)
  await world.until(() => world.alive.every(({ group }) => group.status().state === 'voting'), HALF_A_MINUTE)
  await world.crash(LIAR)
  const warrants = new Map<number, Warrant[]>()
  const watch = () => {
    for (const { index, group } of world.alive) {
      group.onEvent((event) => {
        if (event.type === 'warrant') warrants.set(index, [...(warrants.get(index) ?? []), event])
      })
    }
  }
  watch()
  const { identity, say, sayState } = await hostile(world, LIAR)
  return { world, warrants, watch, identity, say, sayState, honest: world.alive.map(({ index }) => index) }
}

/** Nothing by gossip reaches it. */
const deaf = (net: Net) => replace<Net>(net, { topic: (name) => net.topic(name, () => 'ignore') })

async function hostile(world: World, index: number) {
  const identity = person(index)
  const committee = committeeOf(world.manifest)
  const signer = committee.members.findIndex(({ key }) => Buffer.compare(key, identity.publicKey) === 0)
  const channel = world.net.start(identity.peerId).channel(QUORUM_PROTOCOL, { frame: () => {} })
  const peers = world.alive.map((member) => person(member.index).peerId)
  channel.connect(peers)
  await world.until(() => peers.every((peer) => channel.isOpen(peer)), HALF_A_MINUTE)
  const groupId = groupIdOf(world.manifest)
  for (const peer of peers) channel.send(peer, encodeHello([{ groupId, epoch: 0, handle: HANDLE, restarted: false }]))
  const vote = (kind: VoteKind, view: number, byte: number): Vote => {
    const names = kind !== KIND.nullify
    const digest = names ? Buffer.alloc(32, byte).toString('hex') : NO_DIGEST
    const statement: Statement = { kind, epoch: 0, view, parentView: names ? view - 1 : 0, digest }
    return { ...statement, signer, signature: identity.sign(signedBytes(committee, statement)) }
  }
  const say = (to: readonly number[], ...votes: readonly (readonly [VoteKind, view: number, byte: number])[]) => {
    const frame = encodeFrame(HANDLE, { type: 'votes', view: 1, final: 0, votes: votes.map((args) => vote(...args)) })
    for (const member of to) channel.send(person(member).peerId, frame)
  }
  const sayState = (to: readonly number[], height: number, byte: number) => {
    const digest = Buffer.alloc(32, byte).toString('hex')
    const said = { epoch: 0, height, block: digest, record: digest, stateRoot: digest }
    const vote = { ...said, signer, signature: identity.sign(checkpointBytes(committee, said)) }
    const frame = encodeFrame(HANDLE, { type: 'outcomes', checkpoints: [vote], attestations: [] })
    for (const member of to) channel.send(person(member).peerId, frame)
  }
  return { identity, say, sayState }
}

describe('a member that contradicts itself', () => {
  test.each([
    ['two notarize', [KIND.notarize, 1, 1], [KIND.notarize, 1, 2]],
    ['two finalize', [KIND.finalize, 2, 1], [KIND.finalize, 2, 2]],
    ['nullify and finalize', [KIND.nullify, 1, 0], [KIND.finalize, 1, 1]]
  ] as const)('%s, towards one member alone: a warrant at every honest one, once', async (_, a, b) => {
    const { world, warrants, identity, say, honest } = await withLiar()
    say([0], a, b)
    expect(await world.until(() => warrants.size === honest.length, HALF_A_MINUTE)).toBe(true)
    say(honest, a, b)
    await world.clock.pass(HALF_A_MINUTE)
    for (const index of honest) {
      const [warrant, ...more] = warrants.get(index) ?? []
      expect(more).toEqual([])
      expect(toHex(warrant?.key ?? new Uint8Array())).toBe(toHex(identity.publicKey))
      expect(verifyEvidence(decodeEvidence(warrant?.evidence ?? new Uint8Array()))).toBe(true)
      const written = world.members[index]?.medium.records.filter(({ kind }) => kind === RECORD.evidence)
      expect(written).toHaveLength(1)
    }
  })

  test('two states of one height: a warrant too', async () => {
    const { world, warrants, identity, sayState, honest } = await withLiar()
    sayState([0], 7, 1)
    sayState([0], 7, 1)
    await world.clock.pass(1_000)
    expect(warrants.size).toBe(0)
    sayState([0], 7, 2)
    expect(await world.until(() => warrants.size === honest.length, HALF_A_MINUTE)).toBe(true)
    for (const [warrant] of warrants.values()) {
      expect(warrant?.kind).toBe(EVIDENCE_KIND.checkpoint)
      expect(toHex(warrant?.key ?? new Uint8Array())).toBe(toHex(identity.publicKey))
    }
  })

  test('loses its place two epochs on, though it goes on as if nothing had been', async () => {
    const { world, identity, say } = await withLiar()
    say([1], [KIND.notarize, 1, 1], [KIND.notarize, 1, 2])
    const isOut = () => world.alive.every(({ group }) => group.status().epoch >= 2)
    expect(await world.until(isOut, 4 * HALF_A_MINUTE)).toBe(true)
    for (const { group } of world.alive) {
      expect(group.status().members.map(({ peer }) => peer)).not.toContain(identity.peerId)
    }
    world.members[0]?.group.submit(clientOf(world.manifest, () => world.clock.wall())('x'))
    const done = () => world.alive.every(({ tape }) => tape.lines.includes('x'))
    expect(await world.until(done, HALF_A_MINUTE)).toBe(true)
  })

  test('is known to a member that no gossip reaches, by the block that takes its place away: on disk, a warrant, once', async () => {
    const { world, warrants, identity, say } = await withLiar((index, { net, ...outside }) => {
      return { ...outside, net: index === DEAF ? deaf(net) : net }
    })
    say([0], [KIND.notarize, 1, 1], [KIND.notarize, 1, 2])
    expect(await world.until(() => warrants.size === 4, HALF_A_MINUTE)).toBe(true)
    const seated = () => world.members[DEAF]?.group.status().members.map(({ peer }) => peer)
    expect(await world.until(() => seated()?.includes(identity.peerId) === false, 4 * HALF_A_MINUTE)).toBe(true)
    await world.crash(DEAF)
    expect(warrants.get(DEAF)?.map(({ key }) => toHex(key))).toEqual([toHex(identity.publicKey)])
    await world.restart(DEAF)
    const records = world.members[DEAF]?.medium.records.filter(({ kind }) => kind === RECORD.evidence)
    expect(records).toHaveLength(1)
    const isVoting = () => world.members[DEAF]?.group.status().state === 'voting'
    expect(await world.until(isVoting, HALF_A_MINUTE)).toBe(true)
  })

  test('is remembered by who learned it, across its restart', async () => {
    const { world, warrants, watch, say } = await withLiar()
    say([0], [KIND.finalize, 1, 1], [KIND.finalize, 1, 2])
    expect(await world.until(() => warrants.size === 4, HALF_A_MINUTE)).toBe(true)
    // Epochs that begin let older records go: evidence is written anew before.
    const written = () => world.members[1]?.medium.records.filter(({ kind }) => kind === RECORD.evidence) ?? []
    const [first, ...more] = written()
    expect(more).toEqual([])
    await world.crash(1)
    warrants.clear()
    await world.restart(1)
    watch()
    say([1], [KIND.finalize, 1, 1], [KIND.finalize, 1, 2])
    await world.clock.pass(HALF_A_MINUTE)
    expect(written().map(({ payload }) => payload)).toEqual([first?.payload])
  })

  test('the same vote twice, votes that may stand beside each other, and forgeries accuse nobody', async () => {
    const { world, warrants, say, honest } = await withLiar()
    say(honest, [KIND.notarize, 1, 1], [KIND.notarize, 1, 1])
    say(honest, [KIND.nullify, 1, 0])
    say(honest, [KIND.notarize, 2, 1], [KIND.finalize, 2, 2])
    await world.clock.pass(HALF_A_MINUTE)
    expect(warrants.size).toBe(0)
  })
})
