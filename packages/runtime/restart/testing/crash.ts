import { SimRandom, seedFromHex } from '@brume/testkit'
import type { Snapshot, SpawnOptions } from '../../kernel/index.ts'
import { kinds } from './program.ts'
import { type Faults, type Node, POINTS, type Point, World } from './world.ts'

export const EVENTS = 12
const LIMIT_MS = 20_000

const seedOf = (run: number): Uint8Array => seedFromHex(run.toString(16).padStart(32, '0'))
export const range = (n: number): number[] => Array.from({ length: n }, (_, k) => k)

export interface Outcome {
  readonly lists: { readonly [actor: string]: { readonly [list: string]: readonly number[] } }
  readonly mails: readonly (readonly [id: string, k: number])[]
  readonly emitted: readonly number[]
  readonly kills: number
  readonly hits: ReadonlyMap<Point, number>
}

/** One record a batch, one entry an event, and in memory for no longer than a turn. */
const VARIANTS: readonly SpawnOptions[] = [
  { durability: 'snapshot' },
  { durability: 'journal' },
  { durability: 'snapshot', passivateMs: 0 },
  { durability: 'journal', passivateMs: 0 }
]

/** A client that does not give up, and two peers that are killed. */
export async function run(seed: number, faults: Faults = {}): Promise<Outcome> {
  const world = new World(seedOf(seed), faults)
  const choice = new SimRandom(seedOf(seed), 'choice')
  const mails: (readonly [string, number])[] = []
  const emitted: number[] = []
  const options = VARIANTS[seed % VARIANTS.length] ?? {}
  const [a, b] = nodes(world, options, (id, k) => mails.push([id, k]), emitted)
  for (const node of [a, b]) void node.start()
  await world.clock.until(() => a.kernel !== undefined && b.kernel !== undefined, LIMIT_MS)
  for (let k = 0; k < EVENTS; k++) {
    if (!world.isPlanned)
      world.plan(choice.below(2), POINTS[choice.below(POINTS.length)] ?? 'any time', 1 + choice.below(6))
    await submit(world, a, k)
  }
  const lists = async () => ({
    ...(await listsOf(world, a, ['source', 'mirror'])),
    ...(await listsOf(world, b, ['sink', 'ear']))
  })
  let last = await lists()
  const isOver = async () => {
    if (!a.isUp || !b.isUp) return false
    last = await lists()
    return (
      ['went', 'rang', 'looked', 'ponged'].every((list) => (last.source?.[list]?.length ?? 0) >= EVENTS) &&
      mails.length >= EVENTS
    )
  }
  const endMs = world.clock.now() + LIMIT_MS
  while (!(await isOver()) && world.clock.now() < endMs) await world.clock.pass(50)
  // Whatever comes twice has the time to come.
  await world.clock.pass(5_000)
  await world.clock.until(() => a.kernel !== undefined && b.kernel !== undefined, LIMIT_MS)
  return { lists: await lists(), mails, emitted, kills: a.kills + b.kills, hits: world.hits }
}

function nodes(
  world: World,
  options: SpawnOptions,
  mailed: (id: string, k: number) => void,
  emitted: number[]
): readonly [Node, Node] {
  const places = () => ({ sink: b.address('sink'), ear: b.address('ear'), source: a.address('source') })
  const a: Node = world.node((kernel, node) => {
    for (const kind of kinds(places(), mailed)) kernel.register(kind)
    kernel.spawn('source', 'source', options)
    kernel.spawn('mirror', 'mirror', options)
    kernel.spawn('relay', 'relay', { durability: 'memory' })
    const { life } = node
    kernel.on('source', 'went', ({ k }) => node.isAlive(life) && emitted.push(Number(k)))
  })
  const b: Node = world.node((kernel) => {
    for (const kind of kinds(places(), mailed)) kernel.register(kind)
    kernel.spawn('sink', 'sink', options)
    kernel.spawn('ear', 'ear', options)
  })
  return [a, b]
}

/** Again and again with one key, until someone who lived to say so says that it is done. */
async function submit(world: World, node: Node, k: number): Promise<void> {
  const key = new Uint8Array(16).fill(k + 1)
  for (;;) {
    const { kernel, life } = node
    let isDone: boolean | undefined
    kernel?.submit('source', { type: 'go', k }, { key, timeoutMs: 500 }).then(
      () => (isDone = node.isAlive(life)),
      () => (isDone = false)
    )
    // Neither may come: a killed process says nothing any more.
    await world.clock.until(() => isDone !== undefined || !node.isAlive(life), LIMIT_MS)
    if (isDone === true) return
    await world.clock.pass(5)
  }
}

/** Nothing of a process that is killed meanwhile. */
async function listsOf(world: World, node: Node, paths: readonly string[]): Promise<Outcome['lists']> {
  const found: { [path: string]: { readonly [list: string]: readonly number[] } } = {}
  const { life, kernel } = node
  for (const path of paths) {
    let snapshot: Snapshot | null | undefined
    kernel?.snapshot(path).then(
      (now) => (snapshot = now),
      () => (snapshot = null)
    )
    await world.clock.until(() => snapshot !== undefined || !node.isAlive(life), LIMIT_MS)
    if (snapshot) found[path] = snapshot.context as { readonly [list: string]: readonly number[] }
  }
  return found
}
