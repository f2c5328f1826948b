import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { EVENTS } from './test/actions.ts'
import { Chance } from './test/chance.ts'
import { runAdapted } from './test/driver.ts'
import { runLive } from './test/live.ts'
import { drawMachine } from './test/machines.ts'
import type { Run, Step } from './test/run.ts'
import { seedsOf } from './test/seeds.ts'

/** A gate's share; `BRUME_DIFFERENTIAL=10000` for all. Each machine runs twice: straight, and restored before each event. */
const { from: FROM, count: MACHINES } = seedsOf(500)
const STEPS = 14
/** Fewer say little of what is drawn. */
const MEANT_MIN = 100
/** A machine takes 10 ms of CPU; ten times that and more where many others work. */
const TIMEOUT_MS = 60_000 + 500 * MACHINES

const counts = {
  machines: 0,
  withChildren: 0,
  steps: 0,
  changed: 0,
  actions: 0,
  emitted: 0,
  done: 0,
  failed: 0,
  doubled: 0
}

/** Few delays, so that many timers are due at once. */
const coinciding = (chance: Chance) => () => chance.of([10, 20, 30])
/** Never two at one time: between different actors nothing says which is first. */
const apart = (chance: Chance) => () => 5 + chance.unit() * 60

function compare(seed: number, restores: boolean): void {
  const chance = new Chance(seed)
  const children = chance.yes(0.4)
  const machine = drawMachine({ chance, name: 'root', children, delay: (children ? apart : coinciding)(chance) })
  const [live, adapted] = [runLive(machine), runAdapted(machine, { restores })]
  let before = ''
  let [goesOn, i] = [agree(seed, live, adapted, 'the start'), 0]
  for (; goesOn && i < STEPS; i++) {
    const step: Step = i === 0 ? { send: 'READY' } : drawStep(chance)
    live.do(step)
    adapted.do(step)
    goesOn = agree(seed, live, adapted, `step ${i}, ${JSON.stringify(step)}`)
    const value = JSON.stringify(live.sight().value)
    counts.changed += value === before ? 0 : 1
    before = value
  }
  counts.machines += 1
  counts.withChildren += children ? 1 : 0
  counts.steps += i
  counts.done += live.sight().status === 'done' ? 1 : 0
}

function drawStep(chance: Chance): Step {
  return chance.yes(0.7) ? { send: chance.of(EVENTS) } : { waitMs: 1 + chance.below(40) }
}

/** Whether there is more to compare. */
function agree(seed: number, live: Run, adapted: Run, at: string): boolean {
  const where = `seed ${seed} at ${at}`
  if (live.hasDoubled || adapted.hasDoubled) {
    counts.doubled += 1
    return false
  }
  expect(adapted.hasFailed, where).toBe(live.hasFailed)
  if (live.hasFailed) {
    counts.failed += 1
    return false
  }
  expect(adapted.sight(), where).toEqual(live.sight())
  expect(adapted.recording, where).toEqual(live.recording)
  count(live)
  for (const { recording } of [live, adapted]) {
    recording.actions.clear()
    recording.emitted.clear()
  }
  return live.sight().status === 'active'
}

function count({ recording }: Run): void {
  for (const list of recording.actions.values()) counts.actions += list.length
  for (const list of recording.emitted.values()) counts.emitted += list.length
}

test(
  `${MACHINES} random machines do what XState does`,
  () => {
    for (let seed = FROM; seed < FROM + MACHINES; seed++) compare(seed, false)
  },
  TIMEOUT_MS
)

test(
  `${MACHINES} random machines do the same when stored and restored before every event`,
  () => {
    for (let seed = FROM; seed < FROM + MACHINES; seed++) compare(seed, true)
  },
  TIMEOUT_MS
)

// XState's development build warns of each event to a child that has ended.
beforeAll(() => void vi.spyOn(console, 'warn').mockImplementation(() => {}))

afterAll(() => {
  vi.restoreAllMocks()
  console.log(`differential: ${JSON.stringify(counts)}`)
  if (MACHINES < MEANT_MIN) return
  // A suite of machines that fail at once or do nothing would agree, too.
  expect(counts.failed + counts.doubled).toBeLessThan(counts.machines / 3)
  expect(counts.changed).toBeGreaterThan(counts.machines)
})
