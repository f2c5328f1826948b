import { sha256 } from '@brume/crypto'
import { openJournal } from '@brume/store'
import { HEADER_BYTES, readJournal, recordBytes, SEGMENT_BYTES_MIN } from '@brume/store/format'
import { memoryStore, NodeClock, type SimClock, SimDisk, SimRandom } from '@brume/testkit'
import { describe, expect, test } from 'vitest'
import { clientOf, type Outside, person, World } from '../samples.ts'

const FOUR = [1, 1, 1, 1]
const HALF_A_MINUTE = 30_000
const DIRECTORY = '/journal'

/** The disk of member 0, with a journal in files: it outlives the processes on it. */
class Machine {
  readonly #store = memoryStore()
  readonly #random = new SimRandom(new Uint8Array(16).fill(5), 'disk')
  #process: NodeClock | null = null
  disk: SimDisk | null = null
  verdict = ''

  readonly wrap = async (index: number, outside: Outside, clock: SimClock): Promise<Outside> => {
    if (index !== 0) return outside
    const isBorn = this.disk !== null
    this.disk ??= new SimDisk({ clock, random: this.#random })
    const process = new NodeClock(clock)
    this.#process = process
    let journal: Outside['journal'] | null = null
    void openJournal({
      directory: DIRECTORY,
      owner: person(0).publicKey,
      store: this.#store,
      expected: isBorn,
      disk: this.disk,
      clock: process,
      segmentBytes: SEGMENT_BYTES_MIN,
      endOfTurn: (run) => void process.after(0, run)
    }).then((opened) => (journal = opened))
    await clock.until(() => journal !== null, HALF_A_MINUTE)
    if (journal === null) throw new Error('the journal does not open')
    this.verdict = (journal as Outside['journal']).verdict
    return { net: outside.net, journal }
  }

  /** Power is cut. */
  crash(): void {
    this.#process?.stop()
    this.disk = this.disk?.crash() ?? null
  }

  /** Files of the journal, oldest first. */
  async files(): Promise<readonly string[]> {
    const names = (await this.disk?.list(DIRECTORY)) ?? []
    return names.filter((name) => name.endsWith('.bj')).map((name) => `${DIRECTORY}/${name}`)
  }

  async read(path: string): Promise<Uint8Array> {
    return (await this.disk?.read(path)) ?? new Uint8Array()
  }
}

/** Where records begin in a segment, and where the last one ends. */
function bordersOf(bytes: Uint8Array): readonly number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const borders = [HEADER_BYTES]
  for (let at = HEADER_BYTES; at + 4 <= bytes.length && view.getUint32(at) > 0; ) {
    at += recordBytes(view.getUint32(at))
    borders.push(at)
  }
  return borders
}

async function started() {
  const machine = new Machine()
  const world = await World.of(FOUR, [], {}, machine.wrap)
  expect(await world.until(isVoting(world), HALF_A_MINUTE)).toBe(true)
  return { machine, world }
}

const isVoting = (world: World) => () => world.alive.every(({ group }) => group.status().state === 'voting')
const statusOf = (world: World) => world.members[0]?.group.status()

let sessions = 0

async function order(world: World, line: string): Promise<void> {
  const others = world.alive.filter(({ index }) => index !== 0)
  others[0]?.group.submit(clientOf(world.manifest, () => world.clock.wall(), ++sessions)(line))
  expect(await world.until(() => others.every(({ tape }) => tape.lines.includes(line)), HALF_A_MINUTE)).toBe(true)
}

/** The member is cut off from power while its votes for a block are with the others, and its block is not final to it. */
async function crashedInTheMiddle() {
  const { machine, world } = await started()
  const [path = ''] = await machine.files()
  const before = bordersOf(await machine.read(path)).length
  const command = clientOf(world.manifest, () => world.clock.wall(), ++sessions)('middle')
  world.members[1]?.group.submit(command)
  let records = before
  const isOnDisk = () => {
    void machine.read(path).then((bytes) => (records = bordersOf(bytes).length))
    return records >= before + 2
  }
  expect(await world.until(isOnDisk, HALF_A_MINUTE)).toBe(true)
  // Long enough for its vote to arrive, and too short for the block to become final here.
  await world.clock.pass(2.5)
  world.kill(0)
  machine.crash()
  const rest = world.alive
  expect(await world.until(() => rest.every(({ tape }) => tape.lines.includes('middle')), HALF_A_MINUTE)).toBe(true)
  return { machine, world, path, before }
}

describe('the journal of a member, on its disk', () => {
  test('cut at each byte of its last three records is torn, where anything of a record is left', async () => {
    const { machine, path } = await crashedInTheMiddle()
    const whole = await machine.read(path)
    const borders = bordersOf(whole)
    const owner = sha256(person(0).publicKey)
    const firstSequence = Number(path.slice(-23, -3))
    const verdicts = new Set<string>()
    for (let at = borders.at(-4) ?? 0; at <= (borders.at(-1) ?? 0); at++) {
      const bytes = whole.slice().fill(0, at)
      const last = borders.findLast((border) => border <= at) ?? 0
      const next = borders.find((border) => border > last) ?? last
      const { verdict } = readJournal([{ firstSequence, bytes }], owner)
      const isWhole = Buffer.compare(bytes.subarray(0, next), whole.subarray(0, next)) === 0
      const isGone = bytes.subarray(last).every((byte) => byte === 0)
      expect(verdict).toBe(isWhole || isGone ? 'clean' : 'torn')
      verdicts.add(verdict)
    }
    expect(verdicts).toEqual(new Set(['clean', 'torn']))
  })

  test('cut within or before each of its last records: the others decide whether it may vote', {
    timeout: 120_000
  }, async () => {
    const states: (string | undefined)[] = []
    for (let lost = 0, records = 1; lost <= records; lost++) {
      for (const into of [0, 60]) {
        const { machine, world, path, before } = await crashedInTheMiddle()
        const borders = bordersOf(await machine.read(path))
        records = borders.length - before
        const at = (borders.at(-1 - lost) ?? 0) + into
        machine.disk?.damage(path, (bytes) => bytes.fill(into === 0 ? 0 : 1, at, at + 1).fill(0, at + 1))
        await world.restart(0)
        expect(machine.verdict).toBe(into === 0 ? 'clean' : 'torn')
        const isSettled = () => ['voting', 'observing'].includes(statusOf(world)?.state ?? '')
        expect(await world.until(isSettled, HALF_A_MINUTE)).toBe(true)
        states.push(statusOf(world)?.state)
        await order(world, 'after')
      }
    }
    // With all records, and with garbage after them, nothing is missing; without any of the votes, something is.
    expect(states.slice(0, 2)).toEqual(['voting', 'voting'])
    expect(states.slice(-2)).toEqual(['observing', 'observing'])
  })

  test('a flipped bit before its end: damaged, and the member says nothing more', async () => {
    const { machine, world, path } = await crashedInTheMiddle()
    machine.disk?.damage(path, (bytes) => bytes.with(HEADER_BYTES + 60, (bytes[HEADER_BYTES + 60] ?? 0) ^ 4))
    await world.restart(0)
    expect(machine.verdict).toBe('damaged')
    expect(await world.until(() => statusOf(world)?.state === 'observing', HALF_A_MINUTE)).toBe(true)
    world.kill(0)
    machine.crash()
    await world.restart(0)
    expect(machine.verdict).toBe('lost')
    expect(await world.until(() => statusOf(world)?.state === 'observing', HALF_A_MINUTE)).toBe(true)
    await order(world, 'after')
  })

  test('a missing segment: lost or damaged, and the member says nothing more', async () => {
    for (const missing of [0, 1]) {
      const { machine, world } = await started()
      for (let i = 0; (await machine.files()).length < 3; i++) await order(world, `${i} ${'x'.repeat(3_000)}`)
      world.kill(0)
      machine.crash()
      const files = await machine.files()
      await machine.disk?.unlink(files[missing] ?? '')
      await world.restart(0)
      expect(machine.verdict).toBe(missing === 0 ? 'lost' : 'damaged')
      expect(await world.until(() => statusOf(world)?.state === 'observing', HALF_A_MINUTE)).toBe(true)
    }
  })

  test('a sync that fails halts the member for good', async () => {
    const { machine, world } = await started()
    machine.disk?.failNext('EIO')
    await order(world, 'during')
    expect(await world.until(() => statusOf(world)?.state === 'halted', HALF_A_MINUTE)).toBe(true)
    expect(statusOf(world)?.reason).toContain('disk failed')
  })

  test('no space for the next segment: it stops voting, says why, and goes on when there is some', async () => {
    const { machine, world } = await started()
    const { disk } = machine
    if (disk === null) throw new Error('no disk')
    disk.capacityBytes = disk.usedBytes
    let i = 0
    for (; statusOf(world)?.state === 'voting'; i++) await order(world, `${i} ${'x'.repeat(3_000)}`)
    expect(i).toBeGreaterThan(3)
    expect(statusOf(world)?.reason).toContain('no space')
    await order(world, 'without it')
    disk.capacityBytes = Number.POSITIVE_INFINITY
    expect(await world.until(() => statusOf(world)?.state === 'voting', HALF_A_MINUTE)).toBe(true)
    await order(world, 'with it')
    expect(await world.until(() => world.members[0]?.tape.lines.includes('with it') === true, HALF_A_MINUTE)).toBe(true)
  })
})
