import { describe, expect, test } from 'vitest'
import { clientOf, type Member, person, World } from '../samples.ts'

const FOUR = [1, 1, 1, 1]
const HALF_A_MINUTE = 30_000
const VOTE = 1

const stateOf = (world: World, index: number) => world.members[index]?.group.status().state
const votingAll = (world: World) => () => world.alive.every(({ group }) => group.status().state === 'voting')

async function started(weights = FOUR, volatile: readonly number[] = []): Promise<World> {
  const world = await World.of(weights, volatile)
  expect(await world.until(votingAll(world), HALF_A_MINUTE)).toBe(true)
  return world
}

function member(world: World, index: number): Member {
  const found = world.members[index]
  if (found === undefined) throw new Error(`no member ${index}`)
  return found
}

/** A command is on its way, and member 0 has cast a vote that is on its disk and in no final block yet. */
async function crashedAfterVote(world: World): Promise<void> {
  const command = clientOf(world.manifest, () => world.clock.wall())
  const before = world.said(0).length
  member(world, 1).group.submit(command('x'))
  expect(await world.until(() => world.said(0).length > before, HALF_A_MINUTE)).toBe(true)
  // On its way to the others: they must hear of it, or nobody can tell.
  await world.clock.pass(3)
  await world.crash(0)
  expect(await world.until(() => world.alive.every(({ tape }) => tape.lines.length === 1), HALF_A_MINUTE)).toBe(true)
}

/** A disk that had confirmed these votes and does not have them. */
function forgetVotes(world: World, index: number): void {
  const { medium } = member(world, index)
  const first = medium.records.findIndex(({ kind }) => kind === VOTE)
  medium.records.splice(first)
}

let sessions = 10

async function goesOnWithout(world: World, index: number): Promise<void> {
  const said = world.said(index).length
  const [other] = world.alive.filter((at) => at.index !== index)
  const lines = other?.tape.lines.length ?? 0
  other?.group.submit(clientOf(world.manifest, () => world.clock.wall(), ++sessions)('y'))
  const done = () => world.alive.every(({ tape }) => tape.lines.length === lines + 1)
  expect(await world.until(done, HALF_A_MINUTE)).toBe(true)
  expect(world.said(index).length).toBe(said)
}

describe('a journal that was cut', () => {
  test('with nothing lost: the member asks around for 2 s, then votes', async () => {
    const world = await started()
    await crashedAfterVote(world)
    member(world, 0).medium.verdict = 'torn'
    await world.restart(0)
    await world.clock.pass(1_900)
    expect(stateOf(world, 0)).toBe('syncing')
    expect(await world.until(votingAll(world), HALF_A_MINUTE)).toBe(true)
    expect(member(world, 0).medium.cutAt).toBeGreaterThan(0)
    // It asked once: the journal has it that nothing was missing.
    member(world, 0).medium.verdict = 'clean'
    await world.crash(0)
    await world.restart(0)
    await world.clock.pass(1_000)
    expect(stateOf(world, 0)).toBe('voting')
  })

  test('does not vote while fewer than a quorum have told what they heard', async () => {
    const world = await started()
    await crashedAfterVote(world)
    for (const index of [2, 3]) await world.crash(index)
    member(world, 0).medium.verdict = 'torn'
    await world.restart(0)
    await world.clock.pass(HALF_A_MINUTE)
    expect(stateOf(world, 0)).not.toBe('voting')
    await world.restart(2)
    expect(await world.until(() => stateOf(world, 0) === 'voting', HALF_A_MINUTE)).toBe(true)
  })

  test('killed while it asks, it still asks at the next start, though the journal is clean by then', async () => {
    const world = await started()
    await crashedAfterVote(world)
    member(world, 0).medium.verdict = 'torn'
    await world.restart(0)
    await world.clock.pass(500)
    await world.crash(0)
    member(world, 0).medium.verdict = 'clean'
    await world.restart(0)
    await world.clock.pass(1_900)
    expect(stateOf(world, 0)).toBe('syncing')
    expect(await world.until(votingAll(world), HALF_A_MINUTE)).toBe(true)
  })
})

/** Short ones: a block with a command in it is followed by a few at most. */
const SHORT = { pace: { epochBlocks: 2 } }
const epochOf = (world: World, index: number) => world.members[index]?.group.status().epoch ?? 0

/** Commands one after the other, until member 0 is so many epochs further. */
async function epochsPass(world: World, count: number): Promise<void> {
  const line = clientOf(world.manifest, () => world.clock.wall(), ++sessions)
  const last = epochOf(world, 0) + count
  while (epochOf(world, 0) < last) {
    const height = member(world, 0).group.status().height
    member(world, 1).group.submit(line('on'))
    expect(await world.until(() => member(world, 0).group.status().height > height, HALF_A_MINUTE)).toBe(true)
  }
}

describe('epochs that end meanwhile', () => {
  test('are not asked about any more: the member votes in the one at hand', async () => {
    const world = await World.of(FOUR, [], SHORT)
    expect(await world.until(votingAll(world), HALF_A_MINUTE)).toBe(true)
    await world.crash(0)
    member(world, 0).medium.verdict = 'torn'
    await world.restart(0)
    expect(await world.until(() => stateOf(world, 0) === 'syncing', HALF_A_MINUTE)).toBe(true)
    const beganMs = world.clock.now()
    // An epoch that ended answers until the one after it has ended too.
    await epochsPass(world, 3)
    expect(world.clock.now() - beganMs).toBeLessThan(1_900)
    expect(await world.until(votingAll(world), HALF_A_MINUTE)).toBe(true)
  })

  test('leave nothing to wait for space: the member votes when there is some', async () => {
    const world = await World.of(FOUR, [], SHORT)
    expect(await world.until(votingAll(world), HALF_A_MINUTE)).toBe(true)
    const { medium } = member(world, 0)
    medium.isFull = true
    member(world, 1).group.submit(clientOf(world.manifest, () => world.clock.wall(), ++sessions)('x'))
    expect(await world.until(() => stateOf(world, 0) === 'observing', HALF_A_MINUTE)).toBe(true)
    await epochsPass(world, 3)
    medium.isFull = false
    expect(await world.until(votingAll(world), HALF_A_MINUTE)).toBe(true)
  })
})

describe('a vote that the journal lacks', () => {
  test.each(['torn', 'clean'] as const)('%s, from a disk that lied: muted for the epoch, for good', async (verdict) => {
    const world = await started()
    await crashedAfterVote(world)
    forgetVotes(world, 0)
    member(world, 0).medium.verdict = verdict
    await world.restart(0)
    expect(await world.until(() => stateOf(world, 0) === 'observing', HALF_A_MINUTE)).toBe(true)
    expect(member(world, 0).group.status().reason).toContain('of which the journal knows nothing')
    await goesOnWithout(world, 0)
    member(world, 0).medium.verdict = 'clean'
    await world.crash(0)
    await world.restart(0)
    expect(await world.until(() => stateOf(world, 0) === 'observing', HALF_A_MINUTE)).toBe(true)
    await goesOnWithout(world, 0)
    expect(member(world, 0).group.status().reason).toContain('of which the journal knows nothing')
  })

  test('learned from a member that comes late, after the first votes: muted then', async () => {
    const world = await started([1, 1, 1, 1, 1])
    const peers = (...indices: readonly number[]) => indices.map((index) => person(index).peerId)
    // Only member 4 hears what member 0 says.
    world.net.partition([peers(0, 4), peers(1, 2, 3)])
    const before = world.said(0).length
    member(world, 0).group.submit(clientOf(world.manifest, () => world.clock.wall())('x'))
    expect(await world.until(() => world.said(0).length > before, HALF_A_MINUTE)).toBe(true)
    await world.clock.pass(10)
    await world.crash(0)
    forgetVotes(world, 0)
    world.net.heal()
    world.net.partition([peers(0, 1, 2, 3), peers(4)])
    await world.restart(0)
    expect(await world.until(() => stateOf(world, 0) === 'voting', HALF_A_MINUTE)).toBe(true)
    world.net.heal()
    expect(await world.until(() => stateOf(world, 0) === 'observing', HALF_A_MINUTE)).toBe(true)
    expect(member(world, 0).group.status().reason).toContain('of which the journal knows nothing')
  })
})

describe('lost and damaged', () => {
  test.each(['lost', 'damaged'] as const)('%s stays so at the next start', async (verdict) => {
    const world = await started()
    await crashedAfterVote(world)
    for (const found of [verdict, 'lost'] as const) {
      member(world, 0).medium.verdict = found
      await world.restart(0)
      expect(await world.until(() => stateOf(world, 0) === 'observing', HALF_A_MINUTE)).toBe(true)
      expect(member(world, 0).group.status().reason).toContain(found)
      await goesOnWithout(world, 0)
      await world.crash(0)
    }
  })
})

describe('no space', () => {
  test('stops voting, says why, and goes on when there is some', async () => {
    const world = await started()
    const { medium } = member(world, 0)
    medium.isFull = true
    await goesOnWithout(world, 0)
    expect(await world.until(() => stateOf(world, 0) === 'observing', HALF_A_MINUTE)).toBe(true)
    expect(member(world, 0).group.status().reason).toContain('no space')
    medium.isFull = false
    expect(await world.until(votingAll(world), HALF_A_MINUTE)).toBe(true)
    const said = world.said(0).length
    member(world, 1).group.submit(clientOf(world.manifest, () => world.clock.wall(), 7)('z'))
    expect(await world.until(() => world.said(0).length > said + 1, HALF_A_MINUTE)).toBe(true)
  })

  test('at all members at once: nothing is forgotten that was about to be said', async () => {
    const world = await started()
    for (const { medium } of world.members) medium.isFull = true
    member(world, 0).group.submit(clientOf(world.manifest, () => world.clock.wall())('x'))
    await world.clock.pass(HALF_A_MINUTE)
    expect(world.members.every(({ tape }) => tape.lines.length === 0)).toBe(true)
    for (const { medium } of world.members) medium.isFull = false
    const done = () => world.members.every(({ tape }) => tape.lines.length === 1)
    expect(await world.until(done, HALF_A_MINUTE)).toBe(true)
  })
})

describe('a volatile member', () => {
  test('journals no votes, and abstains after it was killed', async () => {
    const world = await started(FOUR, [0])
    await crashedAfterVoteOfVolatile(world)
    expect(world.said(0)).toEqual([])
    await world.restart(0)
    expect(await world.until(() => stateOf(world, 0) === 'observing', HALF_A_MINUTE)).toBe(true)
    expect(member(world, 0).group.status().reason).toContain('volatile')
  })

  test('votes again after a clean stop, once', async () => {
    const world = await started(FOUR, [0])
    member(world, 1).group.submit(clientOf(world.manifest, () => world.clock.wall())('x'))
    expect(await world.until(() => world.alive.every(({ tape }) => tape.lines.length === 1), HALF_A_MINUTE)).toBe(true)
    await world.stop(0)
    await world.restart(0)
    expect(await world.until(votingAll(world), HALF_A_MINUTE)).toBe(true)
    // The note of the clean stop was used up before the first vote.
    await world.crash(0)
    await world.restart(0)
    expect(await world.until(() => stateOf(world, 0) === 'observing', HALF_A_MINUTE)).toBe(true)
  })

  async function crashedAfterVoteOfVolatile(world: World): Promise<void> {
    member(world, 1).group.submit(clientOf(world.manifest, () => world.clock.wall())('x'))
    await world.clock.pass(10)
    await world.crash(0)
    expect(await world.until(() => world.alive.every(({ tape }) => tape.lines.length === 1), HALF_A_MINUTE)).toBe(true)
  }
})
