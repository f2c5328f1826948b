import { describe, expect, test } from 'vitest'
import { clientOf, type Member, person, World } from '../samples.ts'

const HALF_A_MINUTE = 30_000
const FOR_EVER_MS = 1e12
const ONES = (n: number) => Array.from({ length: n }, () => 1)

type Pair = readonly [number, number]

/** Some pairs refuse each other from the start. */
function worldWithout(n: number, pairs: readonly Pair[]): Promise<World> {
  return World.of(ONES(n), [], {}, (index, outside) => {
    for (const [a, b] of pairs) if (a === index) outside.net.drop(person(b).peerId, { banMs: FOR_EVER_MS })
    return outside
  })
}

function member(world: World, index: number): Member {
  const found = world.members[index]
  if (found === undefined) throw new Error(`no member ${index}`)
  return found
}

const voting = (world: World, n: number) => () =>
  world.members.slice(0, n).every(({ group }) => group.status().state === 'voting')

const lines = (world: World, count: number) => () => world.members.every(({ tape }) => tape.lines.length === count)

describe('members that have no stream to each other', () => {
  test('in a ring decide together, led by each of them', async () => {
    const world = await worldWithout(4, [
      [0, 2],
      [1, 3]
    ])
    expect(await world.until(voting(world, 4), HALF_A_MINUTE)).toBe(true)
    const command = clientOf(world.manifest, () => world.clock.wall())
    await world.clock.pass(3_000)
    for (let i = 0; i < 12; i++) {
      member(world, i % 4).group.submit(command(`line ${i}`))
      expect(await world.until(lines(world, i + 1), HALF_A_MINUTE)).toBe(true)
    }
  })
})
