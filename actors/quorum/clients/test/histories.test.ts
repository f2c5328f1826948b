import { contradictions, type Operation, SimRandom } from '@brume/testkit'
import { describe, expect, test } from 'vitest'
import { readLeaf } from '../../execution/leaf-state.ts'
import type { QuorumClient } from '../../index.ts'
import { clientOf, person, World } from '../../samples.ts'
import { lyingNet } from './liar.ts'
import { outsideClient, TAPE_DOMAIN } from './outsiders.ts'

const MEMBERS = 7
/** With the one that is down at a time it weighs F. */
const LIAR = 6
const WRITERS = 3
const ROUNDS = 12
const MINUTE = 60_000

/** Clients at work: what they do goes into one history. */
class Clients {
  readonly operations: Operation[] = []
  readonly #world: World
  readonly #random: SimRandom
  #working = 0
  #isOver = false

  constructor(world: World, random: SimRandom) {
    this.#world = world
    this.#random = random
  }

  get isIdle(): boolean {
    return this.#working === 0
  }

  end(): void {
    this.#isOver = true
  }

  /** One after the other, each line in the same session, until one has no known end: then in a new session. */
  async write(client: QuorumClient, writer: number): Promise<void> {
    await this.#work(async () => {
      let session = 1_000 * (writer + 1)
      let command = this.#session(session)
      for (let number = 0; !this.#isOver; number++) {
        const line = `${writer}/${number}`
        const startMs = this.#now()
        const ended = await client.submit(command(line)).final.then(
          () => true,
          () => false
        )
        this.operations.push({ type: 'append', line, startMs, endMs: ended ? this.#now() : null })
        if (!ended) {
          session += 1
          command = this.#session(session)
        }
        await this.#pause()
      }
    })
  }

  /** @param atLeast - asks for what is known to be final, where no member is trusted */
  async read(client: () => QuorumClient | undefined, level: 'final' | 'certified'): Promise<void> {
    await this.#work(async () => {
      let known = 0
      while (!this.#isOver) {
        const startMs = this.#now()
        const found = await client()
          ?.read(['line/*'], level, { atLeast: known })
          .catch(() => undefined)
        const lines = found?.leaves?.map((leaf) => Buffer.from(readLeaf(leaf).value).toString())
        if (found !== undefined) known = Math.max(known, level === 'certified' ? found.height : 0)
        // What was final before is only certain to be seen behind a fence.
        if (lines !== undefined && level === 'final') {
          this.operations.push({ type: 'read', lines, startMs, endMs: this.#now() })
        }
        if (lines !== undefined) this.seen.push(lines)
        await this.#pause()
      }
    })
  }

  /** Everything that was read, at whatever level. */
  readonly seen: (readonly string[])[] = []

  #session(session: number) {
    return clientOf(this.#world.manifest, () => this.#world.clock.wall(), session)
  }

  #now(): number {
    return this.#world.clock.now()
  }

  #pause(): Promise<void> {
    return new Promise((go) => this.#world.clock.after(20 + this.#random.below(300), go))
  }

  async #work(run: () => Promise<void>): Promise<void> {
    this.#working += 1
    await run()
    this.#working -= 1
  }
}

async function start(random: SimRandom): Promise<World> {
  const world = await World.of(new Array(MEMBERS).fill(1), [], {}, (index, outside) =>
    index === LIAR ? { ...outside, net: lyingNet(outside.net, random.stream('liar')) } : outside
  )
  const isVoting = () => world.members.every(({ group }) => group.status().state === 'voting')
  expect(await world.until(isVoting, MINUTE)).toBe(true)
  return world
}

/** Stalls, cut connections, and one member down at a time. */
async function disturb(world: World, random: SimRandom): Promise<void> {
  const peers = world.members.map(({ index }) => person(index).peerId)
  for (const from of peers) for (const to of peers) if (from !== to) world.net.set(from, to, { loss: 0.1, jitterMs: 5 })
  for (let round = 0; round < ROUNDS; round++) {
    const victim = random.below(LIAR)
    await world.clock.pass(200 + random.below(1_500))
    world.net.sever(peers[random.below(MEMBERS)] ?? '', peers[victim] ?? '')
    if (random.chance(0.5)) {
      await world.crash(victim)
      await world.clock.pass(random.below(3_000))
      await world.restart(victim)
    }
  }
  for (const from of peers) for (const to of peers) if (from !== to) world.net.set(from, to, { loss: 0 })
}

describe('what clients see through loss, crashes and a member that lies to them', () => {
  test.each([1, 2, 3])('is one history, seed %i', { timeout: 480_000 }, async (seed) => {
    const random = new SimRandom(new Uint8Array(16).fill(seed), 'histories')
    const world = await start(random)
    const clients = new Clients(world, random.stream('clients'))
    for (let writer = 0; writer < WRITERS; writer++) void clients.write(outsideClient(world), writer)
    const reader = outsideClient(world)
    void clients.read(() => reader, 'certified')
    for (const index of [0, 3]) {
      const own = () => world.members[index]?.quorum.client(world.manifest, { domain: TAPE_DOMAIN })
      void clients.read(() => (world.members[index]?.alive === true ? own() : undefined), 'final')
    }
    await disturb(world, random.stream('faults'))
    clients.end()
    expect(await world.until(() => clients.isIdle, 6 * MINUTE)).toBe(true)
    await world.clock.pass(5_000)
    const logs = world.members.slice(0, LIAR).map(({ tape }) => tape.lines)
    const [log = []] = logs
    for (const other of logs) expect(other).toEqual(log)
    expect(contradictions(clients.operations, log)).toEqual([])
    for (const lines of clients.seen) expect(log.slice(0, lines.length)).toEqual(lines)
    const appends = clients.operations.filter((one) => one.type === 'append')
    expect(appends.length).toBeGreaterThan(20)
    // F of the weight, lying or down, keeps nobody from an answer.
    expect(appends.filter(({ endMs }) => endMs === null)).toEqual([])
    expect(clients.seen.length).toBeGreaterThan(20)
  })
})

describe('the checker notices', () => {
  const a = { type: 'append', line: 'a', startMs: 0, endMs: 1 } as const
  const b = { type: 'append', line: 'b', startMs: 2, endMs: 3 } as const
  const read = (lines: readonly string[], startMs: number, endMs = startMs + 1) =>
    ({ type: 'read', lines, startMs, endMs }) as const

  test.each([
    ['a line that is lost', [a, b], ['a']],
    ['a line that came twice', [a], ['a', 'a']],
    ['a line that nobody wrote', [a], ['a', 'x']],
    ['an order that is not that of time', [a, b], ['b', 'a']],
    ['a read that missed one', [a, b, read(['a'], 4)], ['a', 'b']],
    ['a read of what was not yet there', [a, b, read(['a', 'b'], 0)], ['a', 'b']],
    ['a read that saw less than one before', [{ ...b, endMs: null }, read(['b'], 3), read([], 5)], ['b']],
    ['a read of something else', [a, b, read(['b'], 4)], ['a', 'b']]
  ] as const)('%s', (_, operations, log) => {
    expect(contradictions(operations, log)).not.toEqual([])
  })

  test('and nothing where all is well', () => {
    const pending = { type: 'append', line: 'c', startMs: 3, endMs: null } as const
    expect(contradictions([a, b, read(['a'], 1), read(['a', 'b'], 4), pending], ['a', 'b'])).toEqual([])
    expect(contradictions([a, pending, read(['a', 'c'], 4)], ['a', 'c'])).toEqual([])
  })
})
