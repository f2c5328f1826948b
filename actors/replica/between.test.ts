import { addressOf } from '@brume/protocols/actors/proof'
import {
  type Bundle,
  bundleLogic,
  Items,
  LEGACY_PATHS,
  readLeaf,
  SNAPSHOT_PATHS,
  snapshotOf
} from '@brume/runtime/replica'
import { beforeAll, describe, expect, test } from 'vitest'
import { person, World } from './test/world.ts'

let bundle: Bundle
beforeAll(async () => {
  bundle = await bundleLogic(new URL('./test/ledger.machine.ts', import.meta.url))
}, 60_000)

const ADMIN = person(77)
const NOWHERE = 'brume://12D3KooWAHoEkEqnKzM5PXFygh2movVBCSX3k8tDsT2cneU68Gyt/shop'

/** Two groups: what the first was asked to tell the second, each with its proof, and one thing that it told somebody else. */
async function between(sums: readonly number[]) {
  const [sender, receiver] = [await World.of({ bundle }), await World.of({ bundle, input: { start: 100 } })]
  const to = addressOf(receiver.manifest)
  const told = async (target: string): Promise<Uint8Array> => {
    const { height } = await sender.event('tell', { to: target })
    const find = () => sender.sent.find(({ seq }) => seq === height * 16_384)
    await sender.until(() => find() !== undefined)
    return find()?.proof ?? new Uint8Array()
  }
  const proofs: Uint8Array[] = []
  for (const by of sums) {
    await sender.event('add', { by })
    proofs.push(await told(to))
  }
  const elsewhere = await told(NOWHERE)
  const bring = async (proof: Uint8Array, by?: number) => {
    const { outcome, value } = await receiver.order({ kind: 'sent', proof }, by === undefined ? undefined : person(by))
    return outcome === 'ok' ? 'taken' : value
  }
  return { receiver, proofs, elsewhere, bring }
}

/** The whole state, certified. */
async function stateOf(world: World) {
  const { height } = await world.order({ kind: 'noop' })
  const paths = [...SNAPSHOT_PATHS, ...LEGACY_PATHS]
  const { leaves } = await world.done(world.client.read(paths, 'certified', { atLeast: height }))
  const items = new Items((leaves ?? []).map(readLeaf).map(({ path, bytes }) => [path, bytes]))
  return { ...snapshotOf(items), timers: items.require('timers') }
}

describe('what a group sends to another', { timeout: 240_000 }, () => {
  test('is taken once and in order, whoever orders it', async () => {
    const { receiver, proofs, bring } = await between([1, 2])
    const [first = new Uint8Array(), second = first] = proofs
    expect([await bring(second), await bring(first, 88), await bring(first), await bring(second, 89)]).toEqual([
      ...['missing', 'taken', 'duplicate', 'taken']
    ])
    expect(await bring(second)).toBe('duplicate')
    expect((await stateOf(receiver)).context).toMatchObject({ n: 104 })
  })

  test('is refused by all members where somebody forges it, or brings what was meant for another', async () => {
    const { receiver, proofs, elsewhere, bring } = await between([7])
    const [proof = new Uint8Array()] = proofs
    const event = Buffer.from(proof).lastIndexOf(Buffer.from('sum'))
    // The event itself, the statement of the members, a signature, where it lies.
    for (const at of [event, event + 5, 700, proof.length - 1]) {
      expect(await bring(proof.with(at, (proof[at] ?? 0) ^ 1))).toBe('proof')
    }
    expect(await bring(elsewhere)).toBe('proof')
    expect(await bring(Uint8Array.of(1))).toBe('proof')
    expect((await stateOf(receiver)).context).toMatchObject({ n: 100 })
    expect(receiver.members.map(({ group }) => group.status().execution.state)).toEqual(Array(4).fill('running'))
    expect(await bring(proof)).toBe('taken')
  })
})

test('a frozen machine keeps its timers for its successor, which is named once', { timeout: 240_000 }, async () => {
  const world = await World.of({ bundle, admins: [ADMIN] })
  const freeze = (successor: string | null) => world.order({ kind: 'freeze', successor }, ADMIN)
  const successor = addressOf((await World.of({ bundle, members: 1 })).manifest)
  await world.event('wait')
  expect(await freeze(successor)).toMatchObject({ outcome: 'refused', value: 'thawed' })
  expect(await freeze(null)).toMatchObject({ outcome: 'ok' })
  await world.clock.pass(20_000)
  expect(await stateOf(world)).toMatchObject({
    value: 'waiting',
    frozen: true,
    successor: null,
    timers: [expect.anything()]
  })
  expect(await freeze(NOWHERE)).toMatchObject({ outcome: 'refused', value: 'address' })
  expect(await freeze(successor)).toMatchObject({ outcome: 'ok' })
  expect(await freeze(addressOf(world.manifest))).toMatchObject({ outcome: 'moved', value: successor })
  expect(await world.event('add', { by: 1 })).toMatchObject({ outcome: 'moved', value: successor })
  expect(await stateOf(world)).toMatchObject({ frozen: true, successor })
})
