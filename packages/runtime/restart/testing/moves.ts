import { SimRandom, StoreMedium, seedFromHex } from '@brume/testkit'
import { expect } from 'vitest'
import { logbook, type Node, PEERS, World } from '../../delivery/fixture.ts'
import { slowStore } from '../../kernel/durable/fixture.ts'
import type { Event } from '../../logic/port.ts'

const EVENTS = 16
/** Numbers from here on come from an actor on disk, all the while. */
const STEADY = 1_000
const STEADY_EVERY_MS = 9
/** Of these during one of the others: a source that waits for a word of its target waits for 30 s. */
const STEADY_MAX = 60
const LIMIT_MS = 60_000

/**
 * Steps of a move at which something happens to it. `stored`: the parcel is on the target's disk, and the source has not
 * heard it. `decided`: the source has decided, and the target does not know it.
 */
type Point = 'stored' | 'decided'

interface Aim {
  readonly point: Point
  /** `word`: what one tells the other there is lost, and nobody dies. */
  readonly at: 'source' | 'target' | 'word'
  /** The senders are cut off from both meanwhile, so that what was taken of them is not acknowledged to them. */
  readonly isAlone?: true
}

const AIMS: readonly Aim[] = [
  { point: 'stored', at: 'source' },
  { point: 'stored', at: 'target' },
  { point: 'stored', at: 'word' },
  { point: 'decided', at: 'source' },
  { point: 'decided', at: 'target' },
  { point: 'decided', at: 'word' },
  { point: 'decided', at: 'source', isAlone: true },
  { point: 'decided', at: 'word', isAlone: true }
]
/** So long senders are cut off at most, ms; a link is given up after more. */
const ALONE_MS = 400

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
  /** Of the move under way, until it is hit. */
  #aim: (Aim & { readonly source: number; readonly target: number }) | null = null
  #moves: number
  /** Which aims were hit, by place; being cut off makes no other. */
  readonly hits = new Set<number>()
  #asked = 0
  /** How many the other actor has sent. */
  steady = 0

  constructor(run: number) {
    this.#moves = run
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
    this.#listen(index, node)
    let isStarted = false
    node.kernel.start().then(
      () => (isStarted = true),
      () => undefined
    )
    // Not where it is killed meanwhile.
    await this.world.clock.until(() => isStarted || this.nodes[index] !== node || !this.#isUp[index], LIMIT_MS)
  }

  /** What the peers of a move tell each other passes here. */
  #listen(index: number, { kernel }: Node): void {
    const obey = kernel.obey.bind(kernel)
    kernel.obey = async (peer, target, body) => {
      const { do: what } = body as { readonly do: string }
      if (what === 'settle' && this.#isAt('decided', index)) return this.#hit()
      const answer = await obey(peer, target, body)
      return what === 'offer' && this.#isAt('stored', index) ? this.#hit() : answer
    }
  }

  #isAt(point: Point, target: number): boolean {
    return this.#aim?.point === point && this.#aim.target === target && this.#isUp[target] === true
  }

  /** Nobody is answered. */
  #hit(): Promise<never> {
    const aim = this.#aim
    this.#aim = null
    if (aim !== null) this.hits.add(AIMS.findIndex(({ point, at }) => point === aim.point && at === aim.at))
    if (aim !== null && aim.at !== 'word') void this.kill(aim[aim.at])
    return new Promise(() => undefined)
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
    this.#asked = n + 1
    const key = new Uint8Array(16).fill(n + 1)
    const to = `brume://${PEERS[0]}/book`
    // Every other one it only passes on, to an actor that is never killed.
    const event: Event = n % 2 === 0 ? { type: 'note', n } : { type: 'pass', n, to: `brume://${PEERS[2]}/sink` }
    const latestMs = this.world.clock.now() + LIMIT_MS
    while (this.world.clock.now() < latestMs) {
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
    throw new Error(`event ${n} was not processed within ${LIMIT_MS} ms`)
  }

  /** Wherever it is, to the other peer, while something is killed or nothing is. */
  moveUnderFire(): void {
    for (const [from, to] of [
      [0, 1],
      [1, 0]
    ] as const) {
      const node = this.nodes[from]
      if (!this.#isUp[from] || node?.kernel.actors().some(({ path }) => path === 'book') !== true) continue
      this.#take(from, to)
      node.kernel.move('book', PEERS[to] ?? '').catch(() => undefined)
      return
    }
  }

  #take(source: number, target: number): void {
    const aim = AIMS[this.#moves % AIMS.length]
    this.#moves += 3
    if (aim === undefined) return
    this.#aim = { ...aim, source, target }
    const [one = '', other = '', senders = ''] = PEERS
    if (aim.isAlone !== true) return
    this.world.net.partition([[one, other], [senders]])
    this.world.clock.after(ALONE_MS, () => this.world.net.heal())
  }

  /** As long as it is not over. */
  steadily(n: number, isOver: () => boolean): void {
    if (isOver()) return
    const isMuch = n >= STEADY_MAX * this.#asked
    this.world.clock.after(STEADY_EVERY_MS, () => this.steadily(isMuch ? n : n + 1, isOver))
    if (isMuch) return
    this.steady = n + 1
    this.nodes[2]?.kernel.tell('from', { type: 'pass', n: STEADY + n, to: `brume://${PEERS[0]}/book` })
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
  /** Which aims were hit. */
  readonly hits: ReadonlySet<number>
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
  const { acknowledged, kills, steady, hits } = trial
  return { acknowledged, kills, steady, hits, found, sent: await trial.found(2, 'sink') }
}

/** Exactly one peer has the actor, with all that was acknowledged, each once and in order. */
export function checkMoves({ acknowledged, found, sent, steady }: Outcome, run: number): void {
  const lives = found.filter((seen) => seen !== undefined)
  expect(lives, `run ${run}: lives`).toHaveLength(1)
  const [asked, others] = [lives[0]?.filter((n) => n < STEADY), lives[0]?.filter((n) => n >= STEADY)]
  expect(asked, `run ${run}: what it was asked`).toEqual(acknowledged.filter((n) => n % 2 === 0))
  expect(others, `run ${run}: what it was sent`).toEqual(Array.from({ length: steady }, (_, n) => STEADY + n))
  expect(sent, `run ${run}: what it sent`).toEqual(acknowledged.filter((n) => n % 2 === 1))
}
