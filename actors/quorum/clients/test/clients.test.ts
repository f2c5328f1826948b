import { toHex } from '@brume/codec'
import {
  type ClientAnswer,
  COMMAND_BYTES_MAX,
  commandId,
  decodeBundle,
  encodeCall,
  trustManifest,
  verifyFinal,
  verifyNotarized
} from '@brume/protocols/quorum'
import { describe, expect, test } from 'vitest'
import { readLeaf } from '../../index.ts'
import { clientOf, person, Tape, type Terms, World } from '../../samples.ts'
import { Client } from '../client.ts'
import { done, outsideClient, outsider, settled, TAPE_DOMAIN } from './outsiders.ts'

const HALF_A_MINUTE = 30_000
const ONES = [1, 1, 1, 1]

async function voting(weights: readonly number[] = ONES, terms: Terms = {}): Promise<World> {
  const world = await World.of(weights, [], terms)
  const isVoting = () => world.members.every(({ group }) => group.status().state === 'voting')
  expect(await world.until(isVoting, HALF_A_MINUTE)).toBe(true)
  return world
}

const commands = (world: World, session = 1) => clientOf(world.manifest, () => world.clock.wall(), session)
const textOf = (leaf: Uint8Array): string => Buffer.from(readLeaf(leaf).value).toString()
const code = (name: string) => expect.objectContaining({ code: `BRUME_QUORUM_${name}` })

describe('a command of a peer that is no member', () => {
  test('is notarized, final and attested, each with a proof that needs nobody', async () => {
    const world = await voting()
    const client = outsideClient(world)
    const command = commands(world)('hello')
    const order = client.submit(command)
    expect(order.id).toBe(toHex(commandId(command)))
    const notarized = await done(world, order.notarized)
    const final = await done(world, order.final)
    const attested = await done(world, order.attested)
    const trusted = trustManifest(world.manifest, { domain: TAPE_DOMAIN })
    expect(verifyNotarized(notarized.bundle, trusted).header.height).toBe(notarized.height)
    expect(verifyFinal(final.bundle, trusted).header.height).toBe(final.height)
    expect(verifyFinal(attested.bundle, trusted).leaf).toEqual(attested.answer)
    expect(textOf(attested.answer)).toBe('hello')
    expect(world.members[0]?.tape.lines).toEqual(['hello'])
  })

  test('sent again gets the answer that is kept, also from members that have forgotten its sender', async () => {
    const world = await voting()
    const command = commands(world)('once')
    const first = await done(world, outsideClient(world).submit(command).final)
    const again = await done(world, outsideClient(world).submit(command).attested)
    expect(again.height).toBe(first.height)
    expect(textOf(again.answer)).toBe('once')
    await world.clock.pass(5_000)
    for (const { tape } of world.members) expect(tape.lines).toEqual(['once'])
  })

  test('is the same for a member, who asks itself', async () => {
    const world = await voting()
    const client = world.members[2]?.quorum.client(world.manifest, { domain: TAPE_DOMAIN })
    if (client === undefined) throw new RangeError('three members')
    const { answer } = await done(world, client.submit(commands(world)('own')).attested)
    expect(textOf(answer)).toBe('own')
  })

  test('is refused, like all else, by a member that has not read its past yet', async () => {
    const world = await voting()
    const { quorum } = outsider(world, 140)
    const { desk } = quorum.open(world.manifest, new Tape()).serving
    const heard: ClientAnswer[] = []
    const of = { groupId: quorum.groups()[0]?.groupId ?? new Uint8Array(), epoch: 0 }
    const tell = (answer: ClientAnswer) => void heard.push(answer)
    desk.serve({ ...of, number: 1, type: 'order', everySigner: false, command: commands(world)('early') }, tell)
    desk.serve({ ...of, number: 2, type: 'read', level: 'local', atLeast: 0, paths: ['lines'] }, tell)
    desk.serve({ ...of, number: 3, type: 'blocks', from: 1 }, tell)
    desk.serve({ ...of, number: 4, type: 'fence' }, tell)
    expect(await world.until(() => heard.length === 4, HALF_A_MINUTE)).toBe(true)
    for (const answer of heard) expect(answer).toMatchObject({ type: 'refused', code: 'SYNCING', height: 0 })
  })

  test('survives members that are down, the first ones asked among them', async () => {
    const world = await voting([1, 1, 1, 1, 1, 1, 1])
    await world.crash(1)
    await world.crash(4)
    const client = outsideClient(world)
    for (const line of ['a', 'b', 'c', 'd']) {
      expect(
        textOf((await done(world, client.submit(commands(world, line.charCodeAt(0))(line)).attested)).answer)
      ).toBe(line)
    }
  })

  test('is final also where no two members came to the same, and its answer is what cannot be had', async () => {
    const world = await voting()
    for (const { index, tape } of world.members) {
      tape.bend = (_, outcome) => ({ ...outcome, answers: outcome.answers.map(([id]) => [id, Buffer.of(index)]) })
    }
    const order = outsideClient(world).submit(commands(world)('x'))
    expect((await done(world, order.final)).height).toBeGreaterThan(0)
    // A rejection that nobody heard would end the test, as it would end a peer.
    expect((await settled(world, order.attested)).status).toBe('rejected')
    await world.clock.pass(HALF_A_MINUTE)
  })

  test('ends when its signal is aborted, and when the client is closed', async () => {
    const world = await voting()
    const abort = new AbortController()
    const client = outsideClient(world)
    const command = commands(world)
    const order = client.submit(command('x'), { signal: abort.signal })
    abort.abort(new RangeError('enough'))
    expect(await settled(world, order.final)).toMatchObject({ reason: { message: 'enough' } })
    const other = client.submit(command('y'))
    client.close()
    expect(await settled(world, other.final)).toEqual({ status: 'rejected', reason: code('STOPPED') })
    expect(() => client.submit(command('z'))).toThrow(code('STOPPED'))
  })
})

describe('a member that lies to a client', () => {
  /** A client that hears the same answer whomever it asks, and a final command with its proof and payload. */
  async function misled() {
    const world = await voting()
    const honest = outsideClient(world)
    const command = commands(world)
    const attested = await done(world, honest.submit(command('other')).attested)
    const block = await done(world, honest.watch(attested.height)[Symbol.asyncIterator]().next())
    if (block.done === true) throw new RangeError('a block')
    const client = (answer: ClientAnswer) =>
      new Client({
        clock: world.clock,
        trusted: trustManifest(world.manifest, { domain: TAPE_DOMAIN }),
        start: 0,
        members: ({ members }) => members.map(({ peer }) => peer),
        ask: (_, __, hear) => {
          hear(answer)
          return () => {}
        },
        succeeded: () => {},
        closed: () => {}
      })
    return { world, command, client, attested, payload: block.value.payload }
  }

  test.each(['final', 'attested'] as const)(
    'by the true proof of another command, %s, is not believed',
    async (type) => {
      const { world, command, client, attested, payload } = await misled()
      const { bundle } = attested
      const lie = type === 'final' ? { number: 0, type, bundle, payload } : { number: 0, type, bundle }
      const { final, notarized } = client(lie).submit(command('mine'))
      for (const promise of [final, notarized]) {
        expect(await settled(world, promise, 200_000)).toEqual({ status: 'rejected', reason: code('UNANSWERED') })
      }
    }
  )

  test('by a state that is older than asked for, or leaves that were not asked for, is not believed', async () => {
    const { world, client, attested } = await misled()
    const { height, bundle } = attested
    const { proof } = decodeBundle(bundle)
    if (proof === null) throw new RangeError('a proof')
    const lie = client({ number: 0, type: 'leaves', height, leaves: [proof], bundle })
    const { path } = readLeaf(proof.leaf)
    expect((await done(world, lie.read([path], 'certified', { atLeast: height }))).leaves).toEqual([proof.leaf])
    const unbelieved = { code: 'BRUME_QUORUM_BUNDLE', reason: 'LEAF' }
    await expect(lie.read([path], 'certified', { atLeast: height + 1 })).rejects.toMatchObject(unbelieved)
    await expect(lie.read(['line/*'], 'certified')).rejects.toMatchObject(unbelieved)
  })
})

describe('a command that is refused', () => {
  const call = (world: World, fields: object, by = 200) => {
    const { groupId } = trustManifest(world.manifest).committee
    const expiresMs = Math.floor(world.clock.wall()) + 60_000
    return encodeCall({ groupId, session: 1, sequence: 1, expiresMs, body: Buffer.from('x'), ...fields }, person(by))
  }
  const refused = async (world: World, command: Uint8Array, name: string) =>
    expect(await settled(world, outsideClient(world).submit(command).final, 400_000)).toEqual({
      status: 'rejected',
      reason: code(name)
    })

  test('for what it is', async () => {
    const world = await voting()
    const good = call(world, {})
    await refused(world, good.with(-1, (good.at(-1) ?? 0) ^ 1), 'BAD_SIGNATURE')
    await refused(world, Uint8Array.of(1, 2, 3), 'MALFORMED')
    expect(() => outsideClient(world).submit(new Uint8Array(COMMAND_BYTES_MAX + 1))).toThrow(code('TOO_LARGE'))
    await refused(world, call(world, { groupId: new Uint8Array(32) }), 'NOT_ADMITTED')
    await refused(world, call(world, { sequence: 70 }), 'SEQUENCE_GAP')
    await refused(world, call(world, { expiresMs: Math.floor(world.clock.wall()) + 400_000 }), 'MALFORMED')
  })

  test('for another that took its place', async () => {
    const world = await voting()
    await done(world, outsideClient(world).submit(call(world, {})).final)
    await refused(world, call(world, { body: Buffer.from('other') }), 'SEQUENCE_OLD')
  })

  test('for another that was ordered in its place while both waited', async () => {
    const world = await voting()
    const [one, other] = [call(world, { body: Buffer.from('one') }), call(world, { body: Buffer.from('other') })]
    const orders = [outsideClient(world).submit(one), outsideClient(world).submit(other)]
    const outcomes = await Promise.all(orders.map(({ final }) => settled(world, final, 20_000)))
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(outcomes).toContainEqual({ status: 'rejected', reason: code('SEQUENCE_OLD') })
  })

  test('for who sends it, where the group lists its clients', async () => {
    const world = await voting(ONES, { admit: { type: 'listed', keys: [person(201).publicKey] } })
    await refused(world, call(world, {}), 'NOT_ADMITTED')
    const { height } = await done(world, outsideClient(world).submit(call(world, {}, 201)).final)
    expect(height).toBeGreaterThan(0)
  })

  test('as expired only when group time has passed it and no block holds it', async () => {
    const world = await voting()
    const late = call(world, { sequence: 2, expiresMs: Math.floor(world.clock.wall()) + 2_000 })
    const order = outsideClient(world).submit(late)
    let isOver = false
    void order.final.catch(() => (isOver = true))
    await world.clock.pass(8_000)
    expect(isOver).toBe(false)
    await done(world, outsideClient(world).submit(call(world, { session: 2 })).final)
    expect(await settled(world, order.final)).toEqual({ status: 'rejected', reason: code('EXPIRED') })
  })
})

describe('a client that wants more than the group', () => {
  const sites = ['north', 'north', 'north', 'south']
  const of = (signers: readonly { readonly site: string }[]) => new Set(signers.map(({ site }) => site)).size

  test('gets the signatures that came after the quorum', async () => {
    const world = await voting(ONES, { sites })
    for (let i = 0; i < 5; i++) {
      const order = outsideClient(world).submit(commands(world, i)(`${i}`), {
        predicate: (signers) => of(signers) === 2
      })
      const { bundle } = await done(world, order.final)
      expect(of(verifyFinal(bundle, trustManifest(world.manifest)).signers)).toBe(2)
    }
  })

  test('is told that it does not get them', async () => {
    const world = await voting(ONES, { sites })
    const order = outsideClient(world).submit(commands(world)('x'), { predicate: (signers) => of(signers) > 2 })
    expect(await settled(world, order.final)).toEqual({ status: 'rejected', reason: code('PREDICATE') })
    expect(world.members[0]?.tape.lines).toEqual(['x'])
  })
})

describe('reads', () => {
  test('of every level see what was final before', async () => {
    const world = await voting()
    const client = outsideClient(world)
    const command = commands(world)
    for (let i = 0; i < 5; i++) {
      const { height } = await done(world, client.submit(command(`${i}`)).final)
      const path = `line/0000000${i}`
      for (const level of ['final', 'certified'] as const) {
        const options = level === 'certified' ? { atLeast: height } : {}
        const found = await done(world, client.read([path], level, options))
        expect(found.leaves?.map(textOf)).toEqual([`${i}`])
        expect(found.height).toBeGreaterThanOrEqual(height)
        expect(found.bundle === null).toBe(level === 'final')
      }
      const all = await done(world, client.read(['line/*'], 'local', { atLeast: height }))
      expect(all.leaves).toHaveLength(i + 1)
    }
  })

  test('say what is not there', async () => {
    const world = await voting()
    const client = outsideClient(world)
    await done(world, client.submit(commands(world)('x')).attested)
    for (const level of ['local', 'final', 'certified'] as const) {
      expect((await done(world, client.read(['nowhere'], level))).leaves).toBeNull()
    }
  })
})

test('a watcher sees every final block once, in order, from the first on', async () => {
  const world = await voting()
  const client = outsideClient(world)
  const command = commands(world)
  await done(world, client.submit(command('0')).final)
  const heights: number[] = []
  const bodies: string[] = []
  void (async () => {
    for await (const { header, payload } of client.watch()) {
      heights.push(header.height)
      bodies.push(Buffer.from(payload).toString('latin1'))
    }
  })()
  for (let i = 1; i < 6; i++) await done(world, client.submit(command(`line ${i}`)).final)
  const height = () => world.members[0]?.group.status().height ?? 0
  expect(await world.until(() => heights.length >= height(), HALF_A_MINUTE)).toBe(true)
  expect(heights).toEqual(Array.from({ length: heights.length }, (_, i) => i + 1))
  for (let i = 1; i < 6; i++) expect(bodies.filter((body) => body.includes(`line ${i}`))).toHaveLength(1)
  client.close()
})

test('what nobody answers is not known, and said to be', async () => {
  const world = await voting()
  const client = outsideClient(world)
  for (const { index } of world.members) await world.crash(index)
  expect(await settled(world, client.submit(commands(world)('x')).final, 200_000)).toEqual({
    status: 'rejected',
    reason: code('UNANSWERED')
  })
  expect(await settled(world, client.read(['x'], 'final'))).toEqual({ status: 'rejected', reason: code('UNANSWERED') })
})

test('proofs lead through changes of epoch, for who was there and for who knows the manifest only', async () => {
  const world = await voting(ONES, { pace: { epochBlocks: 5 } })
  const client = outsideClient(world)
  const command = commands(world)
  const sent = Array.from({ length: 20 }, (_, i) => command(`${i}`))
  for (const [i, bytes] of sent.entries()) {
    expect(textOf((await done(world, client.submit(bytes).attested)).answer)).toBe(`${i}`)
  }
  const late = outsideClient(world)
  const { bundle, height } = await done(world, late.submit(command('late')).final)
  const { committee, header } = verifyFinal(bundle, trustManifest(world.manifest))
  expect(header.epoch).toBeGreaterThan(2)
  expect([committee.committee.epoch, decodeBundle(bundle).closings.length]).toEqual([header.epoch, header.epoch])
  expect((await done(world, late.read(['line/*'], 'final'))).leaves).toHaveLength(21)
  const before = await done(world, client.submit(sent.at(-5) ?? new Uint8Array()).final)
  expect(verifyFinal(before.bundle, trustManifest(world.manifest)).header.epoch).toBeLessThan(header.epoch)
  const heights: number[] = []
  void (async () => {
    for await (const one of late.watch(before.height)) heights.push(one.header.height)
  })()
  expect(await world.until(() => heights.length > height - before.height, HALF_A_MINUTE)).toBe(true)
  expect(heights).toEqual(Array.from({ length: heights.length }, (_, i) => before.height + i))
})

test('what members keep no more is refused as pruned, with the height it was final at', async () => {
  const world = await voting(ONES, { pace: { epochBlocks: 4 } })
  const client = outsideClient(world)
  const command = commands(world)
  const first = command('first')
  await done(world, client.submit(first).final)
  for (let i = 0; i < 20; i++) await done(world, client.submit(command(`${i}`)).final)
  expect(await settled(world, client.submit(first).final)).toEqual({ status: 'rejected', reason: code('PRUNED') })
  const blocks = client.watch()[Symbol.asyncIterator]()
  expect(await settled(world, blocks.next())).toEqual({ status: 'rejected', reason: code('PRUNED') })
})
