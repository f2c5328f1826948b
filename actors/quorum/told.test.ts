import { expect, test } from 'vitest'
import { clientOf, World } from './samples.ts'

const A_MINUTE = 60_000

/** Streams are open by then, and what others said when they opened is lost. */
const LATE_MS = 3_000

test('a member that returns votes only when a quorum has said how far the order is', async () => {
  const world = await World.of([1, 1, 1, 1])
  const line = clientOf(world.manifest, () => world.clock.wall())
  const isVoting = () => world.alive.every(({ group }) => group.status().state === 'voting')
  expect(await world.until(isVoting, A_MINUTE)).toBe(true)
  await world.crash(0)
  for (let i = 0; i < 3; i++) {
    const said = `${i}`
    world.members[1]?.group.submit(line(said))
    const isFinal = () => world.alive.every(({ tape }) => tape.lines.includes(said))
    expect(await world.until(isFinal, A_MINUTE)).toBe(true)
  }
  const height = Math.min(...world.alive.map(({ group }) => group.status().height))
  await world.restart(0, LATE_MS)
  const heights: number[] = []
  const returned = world.members[0]?.group
  returned?.onEvent((event) => {
    if (event.type === 'state' && event.state === 'voting') heights.push(returned.status().height)
  })
  expect(await world.until(() => heights.length > 0, A_MINUTE)).toBe(true)
  expect(heights[0]).toBeGreaterThanOrEqual(height)
})
