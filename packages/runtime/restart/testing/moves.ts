import { SimRandom, StoreMedium, seedFromHex } from '@brume/testkit'
import { logbook, type Node, PEERS, World } from '../../delivery/fixture.ts'
import { slowStore } from '../../kernel/durable/fixture.ts'
import type { Event } from '../../logic/port.ts'

const EVENTS = 24
/** Numbers from here on come from an actor on disk, all the while. */
export const STEADY = 1_000
const STEADY_EVERY_MS = 9
const LIMIT_MS = 60_000

/** Two peers between which an actor moves, whose processes are killed, and one that sends. */
class Trial {
  readonly world = new World()
  readonly nodes: Node[] = []
  readonly random: SimRandom
  /** What the sender was told is processed and on disk. */
  readonly acknowledged: number[] = []
  readonly #disks = [new StoreMedium(), new StoreMedium(), new StoreMedium()]
  readonly #isUp = [false, false, false]
  kills = 0
  /** How many the other actor has sent. */
  steady = 0

  constructor(run: number) {
    this.random = new SimRandom(seedFromHex(run.toString(16).padStart(32, '0')), 'moves')
  }

  async start(index: number): Promise<void> {
    const disk = this.#disks[index]
    if (disk === undefined) throw new RangeError(`no disk ${index}`)
    const slow = { beforeMs: () => 1 + this.random.below(4), afterMs: () => this.random.below(3) }
    const store = slowStore(disk.open(), this.world.clock, slow)
    const node = this.world.start(index, { admins: PEERS, store })
    this.nodes[index] = node
    this.#isUp[index] = true
    let isStarted = false
    node.kernel.start().then(
      () => (isStarted = true),
      () => undefined
    )
    // Not where it is killed meanwhile.
    await this.world.clock.until(() => isStarted || this.nodes[index] !== node || !this.#isUp[index], LIMIT_MS)
  }

  /** As `kill -9`, and up again after a while. */
  async kill(index: number): Promise<void> {
    const node = this.nodes[index]
    if (node === undefined || !this.#isUp[index]) return
    this.kills += 1
    this.#isUp[index] = false
    this.world.kill(node)
    this.#disks[index]?.kill()
    await this.world.clock.pass(20 + this.random.below(3_000))
    await this.start(index)
  }

  /** Again and again under one key, to where the actor was first. */
  async submit(n: number): Promise<void> {
    const key = new Uint8Array(16).fill(n + 1)
    const to = `brume://${PEERS[0]}/book`
    // Every other one it only passes on, to an actor that is never killed.
    const event: Event = n % 2 === 0 ? { type: 'note', n } : { type: 'pass', n, to: `brume://${PEERS[2]}/sink` }
    for (;;) {
      const client = this.nodes[2]
      if (client === undefined) throw new RangeError('nobody sends')
      let isDone: boolean | undefined
      client.kernel.submit(to, event, { key, timeoutMs: 2_000, ttlMs: 2_000 }).then(
        () => (isDone = true),
        () => (isDone = false)
      )
      await this.world.clock.until(() => isDone !== undefined, LIMIT_MS)
      if (isDone === true) return void this.acknowledged.push(n)
      await this.world.clock.pass(5)
    }
  }

  /** Wherever it is, to the other peer, while something is killed or nothing is. */
  moveUnderFire(): void {
    for (const [from, to] of [
      [0, 1],
      [1, 0]
    ] as const) {
      const node = this.nodes[from]
      if (!this.#isUp[from] || node?.kernel.actors().some(({ path }) => path === 'book') !== true) continue
      node.kernel.move('book', PEERS[to] ?? '').catch(() => undefined)
      const target = this.random.below(4)
      if (target < 2) this.world.clock.after(this.random.below(90) + this.random.float(), () => void this.kill(target))
      return
    }
  }

  /** As long as it is not over. */
  steadily(n: number, isOver: () => boolean): void {
    if (isOver()) return
    this.steady = n + 1
    this.nodes[2]?.kernel.tell('from', { type: 'pass', n: STEADY + n, to: `brume://${PEERS[0]}/book` })
    this.world.clock.after(STEADY_EVERY_MS, () => this.steadily(n + 1, isOver))
  }

  /** What an actor of that name, of that peer's own, has seen. */
  async found(index: number, path: string): Promise<readonly number[] | undefined> {
    const node = this.nodes[index]
    if (node?.kernel.movedTo(path) !== null) return undefined
    let seen: readonly number[] | null | undefined
    node.kernel.snapshot(path).then(
      ({ context }) => (seen = (context as { readonly seen: readonly number[] }).seen),
      () => (seen = null)
    )
    await this.world.clock.until(() => seen !== undefined, LIMIT_MS)
    return seen ?? undefined
  }
}

export interface Outcome {
  readonly acknowledged: readonly number[]
  /** What the actor has at each of the two peers; undefined: it does not live there. */
  readonly found: readonly (readonly number[] | undefined)[]
  /** What came of what it sent. */
  readonly sent: readonly number[] | undefined
  readonly kills: number
  readonly steady: number
}

/** The whole of one run, by its seed. */
export async function runOf(run: number): Promise<Outcome> {
  const trial = new Trial(run)
  for (const index of [0, 1, 2]) await trial.start(index)
  trial.nodes[0]?.kernel.spawn('book', logbook.name, run % 2 === 0 ? {} : { durability: 'journal' })
  trial.nodes[2]?.kernel.spawn('sink', logbook.name)
  trial.nodes[2]?.kernel.spawn('from', logbook.name)
  let isOver = false
  trial.steadily(0, () => isOver)
  for (let n = 0; n < EVENTS; n++) {
    if (n % 4 === 1) trial.moveUnderFire()
    await trial.submit(n)
    await trial.world.clock.pass(trial.random.below(60))
  }
  isOver = true
  // Whoever waits for a decision has asked by then.
  await trial.world.clock.pass(LIMIT_MS)
  const found = [await trial.found(0, 'book'), await trial.found(1, 'book')]
  const { acknowledged, kills, steady } = trial
  return { acknowledged, kills, steady, found, sent: await trial.found(2, 'sink') }
}
