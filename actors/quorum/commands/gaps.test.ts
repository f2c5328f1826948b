import { expect, test } from 'vitest'
import { clientOf, World } from '../samples.ts'

const A_MINUTE = 60_000

async function begin(): Promise<World> {
  const world = await World.of([1, 1, 1, 1])
  const isVoting = () => world.members.every(({ group }) => group.status().state === 'voting')
  expect(await world.until(isVoting, A_MINUTE)).toBe(true)
  return world
}

const commands = (world: World, session = 1) => clientOf(world.manifest, () => world.clock.wall(), session)
const views = (world: World) => world.members.map(({ group }) => group.status().view)
const areDormant = (world: World) => world.members.every(({ group }) => group.status().dormant)
const lines = (world: World) => world.members.map(({ tape }) => tape.lines)

test('commands whose predecessors are lost keep nobody at work, and are ordered when those come after all', async () => {
  const world = await begin()
  const command = commands(world)
  const lost = [command('0'), command('1')]
  const before = views(world)
  for (const late of [command('2'), command('3'), command('4')]) world.members[0]?.group.submit(late)
  await world.clock.pass(A_MINUTE)
  expect([areDormant(world), views(world)]).toEqual([true, before])
  expect(world.members.map(({ group }) => group.status().pool)).toEqual([3, 3, 3, 3])
  for (const found of lost) world.members[1]?.group.submit(found)
  expect(await world.until(() => lines(world).every(({ length }) => length === 5), A_MINUTE)).toBe(true)
  for (const each of lines(world)) expect(each).toEqual(['0', '1', '2', '3', '4'])
})

test('they hold nobody else up, and no view fails for them', async () => {
  const world = await begin()
  const nullified: number[] = []
  const [member] = world.members
  member?.group.onEvent((event) => void (event.type === 'nullified' && nullified.push(event.view)))
  const stuck = commands(world, 1)
  stuck('lost')
  for (let i = 0; i < 20; i++) member?.group.submit(stuck(`${i}`))
  const command = commands(world, 2)
  for (let i = 0; i < 20; i++) {
    world.members[i % 4]?.group.submit(command(`${i}`))
    expect(await world.until(() => lines(world).every(({ length }) => length > i), A_MINUTE)).toBe(true)
  }
  expect(nullified).toEqual([])
  expect(await world.until(() => areDormant(world), A_MINUTE)).toBe(true)
})

test('one that never gets its turn is told so when it expires, although nothing else happens', async () => {
  const world = await begin()
  const command = commands(world)
  command('lost')
  const submission = world.members[0]?.group.submit(command('late'))
  let code = ''
  submission?.final.catch((error: { readonly code: string }) => (code = error.code))
  await world.clock.pass(119_000)
  expect(code).toBe('')
  expect(await world.until(() => code !== '', A_MINUTE)).toBe(true)
  expect(code).toBe('BRUME_QUORUM_SEQUENCE_GAP')
  expect(await world.until(() => world.members.every(({ group }) => group.status().pool === 0), A_MINUTE)).toBe(true)
})

test('of two commands for one place one takes effect, and who sent the other is told', async () => {
  const world = await begin()
  const outcomes = new Map<string, string>()
  for (const line of ['a', 'b']) {
    const { final } = world.members[0]?.group.submit(commands(world)(line)) ?? {}
    final?.then(
      () => outcomes.set(line, 'final'),
      (error: { readonly code: string }) => outcomes.set(line, error.code)
    )
  }
  expect(await world.until(() => outcomes.size === 2, A_MINUTE)).toBe(true)
  expect(Object.fromEntries(outcomes)).toEqual({ a: 'final', b: 'BRUME_QUORUM_SEQUENCE_OLD' })
  await world.until(() => lines(world).every(({ length }) => length > 0), A_MINUTE)
  for (const each of lines(world)) expect(each).toEqual(['a'])
})
