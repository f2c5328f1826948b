import { certifies } from '@brume/consensus'
import { verify } from '@brume/crypto'
import {
  ATTEST,
  type AttestationCertificate,
  attestedBytes,
  committeeOf,
  decodeAttestationCertificate
} from '@brume/protocols/quorum'
import { describe, expect, test } from 'vitest'
import type { Block, LeafOutcome } from '../index.ts'
import { clientOf, World } from '../samples.ts'

const A_WHILE_MS = 60_000
const PACE = { checkpointBlocks: 8 }
const DOMAIN = 'brume/tape-attest/1'

async function voting(weights: readonly number[]): Promise<World> {
  const world = await World.of(weights, [], { pace: PACE })
  expect(await world.until(() => states(world).every((state) => state === 'voting'), A_WHILE_MS)).toBe(true)
  return world
}

const states = (world: World) => world.alive.map(({ group }) => group.status().state)
const executions = (world: World) => world.members.map(({ group }) => group.status().execution.state)
const lines = (world: World) => world.alive.map(({ tape }) => tape.lines.length)

/** So many blocks with one command each, submitted at one member. */
async function grow(world: World, command: (line: string) => Uint8Array, count: number, at = 0): Promise<void> {
  for (let i = 0; i < count; i++) {
    let isFinal = false
    void world.members[at]?.group.submit(command(`line ${i}`)).final.then(() => (isFinal = true))
    expect(await world.until(() => isFinal, A_WHILE_MS)).toBe(true)
  }
}

/** Settles what waits for virtual time. */
async function settled<T>(world: World, promise: Promise<T> | undefined): Promise<T | unknown> {
  let result: { readonly value: unknown } | null = null
  promise?.then(
    (value) => (result = { value }),
    (value: unknown) => (result = { value })
  )
  await world.until(() => result !== null, A_WHILE_MS)
  return (result as { readonly value: unknown } | null)?.value
}

const clientIn = (world: World, session = 1) => clientOf(world.manifest, () => world.clock.wall(), session)
const astray = (_: Block, { answers }: LeafOutcome): LeafOutcome => ({ changes: [['line/astray', null]], answers })

describe('attestations', { timeout: 60_000 }, () => {
  test('members of more than F sign what came of a block, and it verifies by their keys alone', async () => {
    const world = await voting([3, 1, 1, 1, 1])
    await grow(world, clientIn(world), 3)
    const { height } = world.members[2]?.group.status() ?? { height: 0 }
    const found = (await settled(world, world.members[2]?.group.execution?.attestation(height, 5_000))) as {
      readonly statement: Uint8Array
      readonly certificate: AttestationCertificate
    }
    const { certificate, statement } = found
    const committee = committeeOf(world.manifest)
    expect(certifies(committee, ATTEST, certificate.signers)).toBe(true)
    certificate.signers.forEach((signer, i) => {
      const key = committee.members[signer]?.key ?? new Uint8Array()
      const signature = certificate.signatures[i] ?? new Uint8Array()
      expect(verify(key, attestedBytes(DOMAIN, certificate.statement), signature)).toBe(true)
    })
    expect(Buffer.from(statement).toString('hex')).toContain(world.members[2]?.group.status().digest)
  })

  test('who lacks some asks, also members that have restarted and execute nothing anew', async () => {
    const world = await World.of([1, 1, 1, 1], [], { pace: PACE, durable: true })
    expect(await world.until(() => states(world).every((state) => state === 'voting'), A_WHILE_MS)).toBe(true)
    await grow(world, clientIn(world), 8)
    expect(await world.until(() => lines(world).every((count) => count === 8), A_WHILE_MS)).toBe(true)
    await world.clock.pass(1_000)
    for (const index of [0, 1, 2, 3]) await world.crash(index)
    for (const index of [0, 1, 2, 3]) await world.restart(index)
    await world.until(() => states(world).every((state) => state === 'voting'), A_WHILE_MS)
    expect(world.members.flatMap(({ tape }) => tape.heights)).toEqual([])
    const found = await settled(world, world.members[3]?.group.execution?.attestation(8, 20_000))
    expect(found).toMatchObject({ certificate: { signers: expect.any(Array) } })
  })

  test('no certificate comes of a lie that weighs F', async () => {
    const world = await voting([1, 1, 1, 1])
    const liar = world.members[1]
    if (liar !== undefined) liar.tape.bend = astray
    await grow(world, clientIn(world), 1)
    const { height } = world.members[0]?.group.status() ?? { height: 0 }
    expect(await world.until(() => liar?.group.status().execution.state === 'resyncing', A_WHILE_MS)).toBe(true)
    const lie = await settled(world, liar?.group.execution?.attestation(height, 3_000))
    expect(lie).toMatchObject({ code: 'BRUME_QUORUM_HALTED' })
    expect(await settled(world, world.members[0]?.group.execution?.attestation(height, 3_000))).toHaveProperty(
      'certificate'
    )
  })
})

test('a program gets the certificates it wants, verified, though a member is down', { timeout: 60_000 }, async () => {
  const world = await voting([1, 1, 1, 1])
  for (const { tape } of world.members) tape.bend = (_, outcome) => ({ ...outcome, want: true })
  await world.crash(3)
  await grow(world, clientIn(world), 3)
  const isThere = () => world.alive.every(({ tape }) => tape.certificates.size === 3)
  expect(await world.until(isThere, A_WHILE_MS)).toBe(true)
  const committee = committeeOf(world.manifest)
  for (const bytes of world.members[0]?.tape.certificates.values() ?? []) {
    const { signers, signatures, statement } = decodeAttestationCertificate(bytes)
    expect(certifies(committee, ATTEST, signers)).toBe(true)
    const keys = signers.map((signer) => committee.members[signer]?.key ?? new Uint8Array())
    const isSigned = (key: Uint8Array, i: number) =>
      verify(key, attestedBytes(DOMAIN, statement), signatures[i] ?? new Uint8Array())
    expect(keys.every(isSigned)).toBe(true)
  }
})

describe('a program that goes wrong', { timeout: 60_000 }, () => {
  test('at so many that nothing is certified: the last certified state waits for them', async () => {
    const world = await World.of([1, 1, 1, 1], [], { pace: { checkpointBlocks: 2 } })
    expect(await world.until(() => states(world).every((state) => state === 'voting'), A_WHILE_MS)).toBe(true)
    const command = clientIn(world)
    await grow(world, command, 12)
    const failing = [2, 3]
    for (const index of failing) {
      const { tape } = world.members[index] ?? {}
      if (tape !== undefined) {
        tape.bend = () => {
          throw new Error('out of order')
        }
      }
    }
    await grow(world, command, 20)
    expect(failing.map((index) => executions(world)[index])).toEqual(['stopped', 'stopped'])
    for (const index of failing) {
      await world.crash(index)
      await world.restart(index)
    }
    const isMended = () => executions(world).every((state) => state === 'running') && new Set(lines(world)).size === 1
    expect(await world.until(isMended, A_WHILE_MS)).toBe(true)
    expect(lines(world)[0]).toBe(32)
  })

  test('at one member: it halts there, the order goes on, and a certified state mends it once', async () => {
    const world = await voting([1, 1, 1, 1])
    const command = clientIn(world)
    await grow(world, command, 10)
    const liar = world.members[1]
    if (liar === undefined) return
    liar.tape.bend = astray
    await grow(world, command, 1)
    expect(await world.until(() => liar.group.status().execution.state === 'resyncing', A_WHILE_MS)).toBe(true)
    expect(await settled(world, liar.group.execution?.read(['line/*'], 0, false))).toMatchObject({
      code: 'BRUME_QUORUM_HALTED'
    })
    expect(liar.group.status().state).toBe('voting')
    liar.tape.bend = (_, outcome) => outcome
    await grow(world, command, 10)
    expect(await world.until(() => liar.group.status().execution.state === 'running', A_WHILE_MS)).toBe(true)
    expect(await world.until(() => lines(world).every((count) => count === 21), A_WHILE_MS)).toBe(true)
    liar.tape.bend = astray
    await grow(world, command, 2)
    expect(await world.until(() => liar.group.status().execution.state === 'stopped', A_WHILE_MS)).toBe(true)
    await grow(world, command, 10)
    expect(executions(world)).toEqual(['running', 'stopped', 'running', 'running'])
    expect(states(world)).toEqual(['voting', 'voting', 'voting', 'voting'])
  })

  test('at more than F: no checkpoint is certified, and the order keeps going', async () => {
    const world = await voting([1, 1, 1, 1])
    for (const index of [0, 1]) {
      const member = world.members[index]
      if (member !== undefined) member.tape.bend = astray
    }
    await grow(world, clientIn(world), 20)
    expect(world.members.map(({ group }) => group.status().execution.checkpoint)).toEqual([0, 0, 0, 0])
    expect(executions(world)).not.toContain('running')
    expect(states(world)).toEqual(['voting', 'voting', 'voting', 'voting'])
  })

  test('by a throw: it halts there and is restored', async () => {
    const world = await voting([1, 1, 1, 1])
    const command = clientIn(world)
    await grow(world, command, 12)
    const member = world.members[2]
    if (member === undefined) return
    member.tape.bend = () => {
      throw new Error('out of order')
    }
    await grow(world, command, 1)
    expect(await world.until(() => member.group.status().execution.state === 'resyncing', A_WHILE_MS)).toBe(true)
    member.tape.bend = (_, outcome) => outcome
    expect(await world.until(() => lines(world).every((count) => count === 13), A_WHILE_MS)).toBe(true)
    expect(member.group.status().execution.state).toBe('running')
  })
})

describe('checkpoints', { timeout: 60_000 }, () => {
  test('all members certify the same, and forget the blocks below the older of two', async () => {
    const world = await voting([3, 1, 1, 1, 1])
    await grow(world, clientIn(world), 40)
    const newest = () => world.members.map(({ group }) => group.status().execution.checkpoint)
    expect(await world.until(() => newest().every((height) => height === 40), A_WHILE_MS)).toBe(true)
    const kept = world.members.map(({ group }) => group.execution?.checkpoints.map(({ certificate }) => certificate))
    const said = kept.map((two) => two?.map(({ height, record, stateRoot }) => [height, record, stateRoot]))
    expect(new Set(said.map((each) => JSON.stringify(each))).size).toBe(1)
    expect(said[0]?.map(([height]) => height)).toEqual([32, 40])
    for (const { group } of world.members) expect(await group.ledger.prunedTo()).toBe(32)
  })

  test('every block that closes an epoch is one, signed by the members that it ends', async () => {
    const world = await World.of([1, 1, 1, 1], [], { pace: { checkpointBlocks: 1_000, epochBlocks: 4 } })
    expect(await world.until(() => states(world).every((state) => state === 'voting'), A_WHILE_MS)).toBe(true)
    await grow(world, clientIn(world), 14)
    const kept = (index: number) =>
      world.members[index]?.group.execution?.checkpoints.map(({ certificate }) => certificate) ?? []
    const [first = 0] = [world.members[0]?.group.status().epoch]
    expect(first).toBeGreaterThan(1)
    expect(await world.until(() => kept(3).at(-1)?.epoch === first - 1, A_WHILE_MS)).toBe(true)
    for (const index of [0, 1, 2, 3]) expect(kept(index).map(({ epoch }) => epoch)).toEqual([first - 2, first - 1])
    expect(await world.members[0]?.group.ledger.closing(0)).toHaveProperty('header')
  })

  test('a restarted member without a disk of its own has its state restored by others', async () => {
    const world = await voting([1, 1, 1, 1])
    await grow(world, clientIn(world), 30)
    await world.crash(3)
    await world.restart(3)
    expect(await world.until(() => lines(world).every((count) => count === 30), A_WHILE_MS)).toBe(true)
    expect(world.members[3]?.tape.heights[0]).toBeGreaterThan(16)
    expect(executions(world)).toEqual(['running', 'running', 'running', 'running'])
  })
})

describe('a program with a timer', { timeout: 60_000 }, () => {
  test('gets a block when the time has come, though nobody has a command, and then the group rests', async () => {
    const world = await voting([1, 1, 1, 1])
    const times: number[] = []
    for (const { index, tape } of world.members) {
      tape.bend = (block, outcome) => {
        if (index === 0) times.push(block.timeMs)
        return { ...outcome, dueMs: block.commands.length > 0 ? block.timeMs + 20_000 : null }
      }
    }
    await grow(world, clientIn(world), 1)
    const { height } = world.members[0]?.group.status() ?? { height: 0 }
    await world.clock.pass(60_000)
    const [first = 0, ...later] = times
    expect(later).toHaveLength(1)
    expect(later[0]).toBeGreaterThanOrEqual(first + 20_000)
    for (const { group } of world.members) expect(group.status()).toMatchObject({ height: height + 1, dormant: true })
  })

  test('that takes its time holds leaders up, and nothing is lost by it', async () => {
    const world = await voting([1, 1, 1, 1])
    const command = clientIn(world)
    const waiting: (() => void)[] = []
    for (const { tape } of world.members) {
      const deliver = tape.deliver.bind(tape)
      tape.deliver = (block) => void waiting.push(() => deliver(block))
    }
    let final = 0
    for (let i = 0; i < 60; i++) {
      void world.members[i % 4]?.group.submit(command(`${i}`)).final.then(() => (final += 1))
      await world.clock.pass(60)
    }
    await world.clock.pass(20_000)
    expect(final).toBeGreaterThan(16)
    expect(final).toBeLessThan(60)
    for (let turn = 0; turn < 1_000 && final < 60; turn++) {
      for (const go of waiting.splice(0)) go()
      await world.clock.pass(50)
    }
    expect(final).toBe(60)
  })
})
