import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type World, world } from '../kernel/fixture.ts'
import type { Kernel } from '../kernel/index.ts'
import { xstate5 } from '../logic/xstate5/index.ts'
import { EVENTS } from './test/actions.ts'
import { Chance } from './test/chance.ts'
import { heardLogic, Inboxes, idOf, liveInboxes, mayDiffer, PARENT } from './test/inboxes.ts'
import { kidOf, type LiveRun, runLive } from './test/live.ts'
import { drawMachine } from './test/machines.ts'
import { newRecording, push, type Recording, record } from './test/recorder.ts'
import type { Step } from './test/run.ts'
import { seedsOf } from './test/seeds.ts'

/** A gate's share; `BRUME_DIFFERENTIAL=10000` for 1,000 trees. */
const { from: FROM, count: TREES } = seedsOf(300, 0.1)
const STEPS = 14
/** Fewer say little of what is drawn. */
const MEANT_MIN = 100
const TIMEOUT_MS = 120_000 + 500 * TREES

const counts = {
  ...{ trees: 0, steps: 0, mails: 0, fromKids: 0, toKids: 0, snapshots: 0, childDone: 0, childFailed: 0, stopped: 0 },
  ...{ actions: 0, emitted: 0, done: 0, failed: 0, doubled: 0, acted: 0, reordered: 0 }
}

/** A tree in the kernel: the root and all that it starts are heard. */
class Tree {
  readonly inboxes = new Inboxes()
  readonly recording: Recording = newRecording()
  readonly #world: World = world()
  readonly #heard = new Set<string>()

  constructor(machine: Parameters<typeof xstate5>[0]) {
    record(this.recording)
    const logic = heardLogic(xstate5(machine), this.inboxes, (address, name) => this.#begins(address, name))
    this.kernel.register({ name: 'drawn', version: 1, logic })
    this.kernel.spawn('root', 'drawn', { durability: 'memory', supervise: { strategy: 'escalate' } })
  }

  get kernel(): Kernel {
    return this.#world.kernel
  }

  do(step: Step): void {
    record(this.recording)
    if ('send' in step) this.kernel.tell('root', { type: step.send })
    else this.#world.clock.run(step.waitMs)
  }

  /** Children that live, by id. */
  async kids() {
    const living = this.kernel.actors().filter(({ path, status }) => path !== 'root' && status === 'active')
    const kids = await Promise.all(living.map(({ path }) => this.kernel.snapshot(path)))
    return new Map(kids.map((kid) => [idOf(kid.address), kidOf(kid)]))
  }

  #begins(address: string, name: string): void {
    const id = idOf(address)
    const [place = ''] = address.split('#')
    this.kernel.watch(address, ({ reason }) => {
      if (reason === 'stopped') this.inboxes.add(name, PARENT, 'stop')
    })
    if (this.#heard.has(id)) return
    this.#heard.add(id)
    this.kernel.on(place, '*', (emitted) => push(this.recording.emitted, id, emitted))
  }
}

async function compare(seed: number): Promise<void> {
  const chance = new Chance(seed)
  // Never two at one time: between different actors nothing says which is first.
  const delay = () => 5 + chance.unit() * 60
  const machine = drawMachine({ chance, name: 'root', children: true, fails: true, delay })
  const inboxes = new Inboxes()
  const live = runLive(machine, liveInboxes(inboxes))
  const tree = new Tree(machine)
  counts.trees += 1
  for (let i = 0; await agree(`seed ${seed} before step ${i}`, live, inboxes, tree); i++) {
    if (i === STEPS) break
    const step: Step = i === 0 ? { send: 'READY' } : drawStep(chance)
    live.do(step)
    tree.do(step)
    counts.steps += 1
  }
  await tree.kernel.stop()
}

function drawStep(chance: Chance): Step {
  return chance.yes(0.7) ? { send: chance.of(EVENTS) } : { waitMs: 1 + chance.below(40) }
}

/** Whether there is more to compare. */
async function agree(where: string, live: LiveRun, inboxes: Inboxes, tree: Tree): Promise<boolean> {
  if (live.hasDoubled) {
    counts.doubled += 1
    return false
  }
  const root = await tree.kernel.snapshot('root')
  const { status, value, context, output } = live.sight()
  if (inboxes.hasActed) {
    counts.acted += 1
    return false
  }
  if (mayDiffer(inboxes, tree.inboxes)) {
    counts.reordered += 1
    return false
  }
  if (status === 'error') {
    expect(root.cell, where).toBe('failed')
    counts.failed += 1
    return false
  }
  expect(tree.inboxes.of, where).toEqual(inboxes.of)
  expect({ status: root.status, ...kidOf(root), output: root.output }, where).toEqual({
    status,
    value,
    context,
    output
  })
  expect(await tree.kids(), where).toEqual(status === 'active' ? live.kids() : new Map())
  expect(tree.recording, where).toEqual(live.recording)
  count(inboxes, live.recording)
  for (const lists of [live.recording.actions, live.recording.emitted, inboxes]) lists.clear()
  for (const lists of [tree.recording.actions, tree.recording.emitted, tree.inboxes]) lists.clear()
  counts.done += status === 'done' ? 1 : 0
  return status === 'active'
}

function count({ of }: Inboxes, { actions, emitted }: Recording): void {
  for (const [id, mails] of of) {
    counts.mails += mails.length
    for (const { from, what } of mails) {
      if (what === 'stop') counts.stopped += 1
      if (!id.startsWith('root ')) counts.toKids += from === 'root' && what !== 'stop' ? 1 : 0
      else if (what.startsWith('xstate.snapshot.')) counts.snapshots += 1
      else if (what.startsWith('xstate.done.actor.')) counts.childDone += 1
      else if (what.startsWith('xstate.error.actor.')) counts.childFailed += 1
      else if (from !== 'root' && from !== '~') counts.fromKids += 1
    }
  }
  for (const list of actions.values()) counts.actions += list.length
  for (const list of emitted.values()) counts.emitted += list.length
}

// XState's development build warns of each event to a child that has ended.
beforeAll(() => void vi.spyOn(console, 'warn').mockImplementation(() => {}))

test(
  `${TREES} random trees do in the kernel what XState does`,
  async () => {
    for (let seed = FROM; seed < FROM + TREES; seed++) await compare(seed)
  },
  TIMEOUT_MS
)

afterAll(() => {
  vi.restoreAllMocks()
  console.log(`differential of trees: ${JSON.stringify(counts)}`)
  if (TREES < MEANT_MIN) return
  // Trees that end at once, say nothing to each other, or differ wherever they may would agree, too.
  expect(counts.steps).toBeGreaterThan(counts.trees * 4)
  expect(counts.reordered).toBeLessThan(counts.trees * 0.2)
  expect(counts.fromKids).toBeGreaterThan(counts.trees * 4)
  for (const kind of ['toKids', 'snapshots', 'childDone', 'childFailed', 'stopped'] as const) {
    expect(counts[kind], kind).toBeGreaterThan(counts.trees / 100)
  }
})
