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

/** A tenth of what the adapter is tried with: what is new here is the kernel's queue, clock and commits. */
const MACHINES = Math.ceil(Number(process.env.BRUME_DIFFERENTIAL ?? 1_000) / 10)
const STEPS = 14
const counts = { machines: 0, steps: 0, ended: 0 }

/** Machines without children: order between actors is not promised, and has tests of its own. */
async function compare(seed: number): Promise<void> {
  const chance = new Chance(seed)
  const delay = () => chance.of([10, 20, 30])
  const machine = drawMachine({ chance, name: 'root', children: false, delay })
  // Says where what differs by design begins.
  const [live, adapted] = [runLive(machine), runAdapted(machine, { restores: false })]
  const { kernel, clock } = world()
  const recording = newRecording()
  record(recording)
  kernel.register({ name: 'drawn', version: 1, logic: xstate5(machine) })
  kernel.spawn('root', 'drawn', { durability: 'memory' })
  kernel.on('root', '*', (emitted) => push(recording.emitted, 'root', emitted))
  counts.machines += 1
  for (let i = 0; i < STEPS; i++) {
    if (live.hasFailed || adapted.hasDoubled || live.sight().status !== 'active') {
      counts.ended += 1
      break
    }
    const where = `seed ${seed} before step ${i}`
    const { value, context, status } = await kernel.snapshot('root')
    expect({ status, value, context: shown(context) }, where).toMatchObject(seen(live.sight()))
    expect(recording.actions, where).toEqual(live.recording.actions)
    // Nobody listens yet while an actor starts.
    if (i > 0) expect(recording.emitted, where).toEqual(live.recording.emitted)
    for (const { actions, emitted } of [live.recording, recording]) {
      actions.clear()
      emitted.clear()
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

function seen({ status, value, context }: ReturnType<ReturnType<typeof runLive>['sight']>) {
  return { status, value, context }
}

test(`${MACHINES} random machines do in the kernel what XState does`, async () => {
  for (let seed = 1; seed <= MACHINES; seed++) await compare(seed)
}, 300_000)

afterAll(() => {
  console.log(`differential in the kernel: ${JSON.stringify(counts)}`)
  expect(counts.steps).toBeGreaterThan(counts.machines * 5)
})
