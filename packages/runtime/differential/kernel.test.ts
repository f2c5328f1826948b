import { afterAll, expect, test } from 'vitest'
import { world } from '../kernel/fixture.ts'
import { xstate5 } from '../logic/xstate5/index.ts'
import { EVENTS } from './test/actions.ts'
import { Chance } from './test/chance.ts'
import { runAdapted } from './test/driver.ts'
import { runLive, shown } from './test/live.ts'
import { drawMachine } from './test/machines.ts'
import { newRecording, push, record } from './test/recorder.ts'
import type { Step } from './test/run.ts'
import { seedsOf } from './test/seeds.ts'

/** At the gate a tenth of what the adapter is tried with: what is new here is the kernel's queue, clock and commits. */
const { from: FROM, count: MACHINES } = seedsOf(50)
const STEPS = 14
const TIMEOUT_MS = 60_000 + 500 * MACHINES
const counts = { machines: 0, steps: 0, packed: 0, done: 0, failed: 0, doubled: 0 }

/** Machines without children: order between actors is not promised, and has tests of its own. */
async function compare(seed: number, packs: boolean): Promise<void> {
  const chance = new Chance(seed)
  const delay = () => chance.of([10, 20, 30])
  const machine = drawMachine({ chance, name: 'root', children: false, delay })
  // Says where what differs by design begins.
  const [live, adapted] = [runLive(machine), runAdapted(machine, { restores: false })]
  const { kernel, clock } = world()
  const recording = newRecording()
  record(recording)
  kernel.register({ name: 'drawn', version: 1, logic: xstate5(machine) })
  kernel.spawn('root', 'drawn', { durability: 'memory', ...(packs ? { passivate: true, passivateMs: 0 } : {}) })
  kernel.on('root', '*', (emitted) => push(recording.emitted, 'root', emitted))
  counts.machines += 1
  for (let i = 0; i < STEPS; i++) {
    const where = `seed ${seed} before step ${i}`
    if (live.hasFailed) {
      expect(adapted.hasFailed, where).toBe(true)
      counts.failed += 1
      break
    }
    if (adapted.hasDoubled) {
      counts.doubled += 1
      break
    }
    const { value, context, status, output } = await kernel.snapshot('root')
    const { tags: _tags, ...sight } = live.sight()
    expect({ status, value, context: shown(context), output }, where).toEqual(sight)
    expect(recording.actions, where).toEqual(live.recording.actions)
    // Nobody listens yet while an actor starts.
    if (i > 0) expect(recording.emitted, where).toEqual(live.recording.emitted)
    for (const { actions, emitted } of [live.recording, recording]) {
      actions.clear()
      emitted.clear()
    }
    if (status !== 'active') {
      counts.done += 1
      break
    }
    if (packs) {
      clock.run(0)
      expect(kernel.actors(), where).toEqual([])
      counts.packed += 1
    }
    const step: Step = chance.yes(0.7) ? { send: chance.of(EVENTS) } : { waitMs: 1 + chance.below(40) }
    live.do(step)
    adapted.do(step)
    record(recording)
    if ('send' in step) kernel.tell('root', { type: step.send })
    else clock.run(step.waitMs)
    counts.steps += 1
  }
  await kernel.stop()
}

for (const packs of [false, true]) {
  const how = packs ? ', packed and restored between all events' : ''
  test(
    `${MACHINES} random machines do in the kernel what XState does${how}`,
    async () => {
      for (let seed = FROM; seed < FROM + MACHINES; seed++) await compare(seed, packs)
    },
    TIMEOUT_MS
  )
}

afterAll(() => {
  console.log(`differential in the kernel: ${JSON.stringify(counts)}`)
  // One that was asked for alone may end early.
  if (MACHINES > 1) expect(counts.steps).toBeGreaterThan(counts.machines * 5)
})
