import { systemClock } from '@brume/ports/system'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type Assignment,
  type Batch,
  type Bundle,
  bundleLogic,
  type Executor,
  encodeCommand,
  inlineExecutor,
  type Json,
  WorkerExecutor
} from './index.ts'

const ASSIGNMENT: Assignment = { address: 'brume://group/x/wild#1', input: null, legacy: null, admins: [] }
const running: Executor[] = []
let bundle: Bundle
beforeAll(async () => {
  bundle = await bundleLogic(new URL('./fixtures/wild.machine.ts', import.meta.url))
})
afterAll(() => Promise.all(running.map((executor) => executor.stop())))

function inThread(): Executor {
  const executor = new WorkerExecutor(bundle, ASSIGNMENT, systemClock())
  running.push(executor)
  return executor
}

function block(height: number, ...events: readonly Json[]): Batch {
  const commands = events.map((event, index) => ({
    id: Buffer.alloc(32, index).toString('hex'),
    client: new Uint8Array(32),
    index,
    body: encodeCommand({ kind: 'event', event })
  }))
  return { height, timeMs: 1_000 * height, seed: new Uint8Array(32), commands }
}

const add = (by: number) => ({ type: 'add', by })

describe('an executor in a thread', () => {
  test('answers as one that is not', async () => {
    const [thread, inline] = [inThread(), inlineExecutor(bundle, ASSIGNMENT)]
    const batch = block(1, add(1), add(2), { type: 'deep', levels: 3_000 })
    const [one, other] = [await thread.execute(null, batch), await inline.execute(null, batch)]
    expect({ ...one, state: 0 }).toEqual({ ...other, state: 0 })
    expect(one.outcomes.map(({ value }) => value)).toEqual([1, 3, 3_000])
    expect(await thread.leaves(one.state)).toEqual(await inline.leaves(other.state))
    expect(await thread.query(one.state, 'times', 5)).toEqual({ outcome: 'ok', value: 15 })
  })

  test('executes two blocks on one state: states are values', async () => {
    const thread = inThread()
    const { state } = await thread.execute(null, block(1, add(1)))
    const [one, other] = await Promise.all([
      thread.execute(state, block(2, add(10))),
      thread.execute(state, block(2, add(20)))
    ])
    expect([one.outcomes[0]?.value, other.outcomes[0]?.value]).toEqual([11, 21])
    thread.drop(state)
    await expect(thread.execute(state, block(2, add(1)))).rejects.toMatchObject({ code: 'BRUME_RUNTIME_EXHAUSTED' })
  })

  test('ends a step that does not, and begins anew from leaves', async () => {
    const thread = inThread()
    const { state } = await thread.execute(null, block(1, add(4)))
    const leaves = await thread.leaves(state)
    const stuck = thread.execute(state, block(2, { type: 'loop' }))
    await expect(stuck).rejects.toMatchObject({ code: 'BRUME_RUNTIME_EXHAUSTED' })
    const again = await thread.restore(leaves)
    expect((await thread.execute(again, block(2, add(1)))).outcomes[0]?.value).toBe(5)
  })

  test('takes a stack or a heap that ends for its own fault, and no outcome', async () => {
    const thread = inThread()
    const { state } = await thread.execute(null, block(1, add(1)))
    await expect(thread.execute(state, block(2, { type: 'deep', levels: 10_000_000 }))).rejects.toMatchObject({
      code: 'BRUME_RUNTIME_EXHAUSTED'
    })
    expect((await thread.execute(state, block(2, add(1)))).outcomes[0]?.value).toBe(2)
    await expect(thread.execute(state, block(2, { type: 'hoard' }))).rejects.toMatchObject({
      code: 'BRUME_RUNTIME_EXHAUSTED'
    })
  })

  test('says what is wrong with a bundle', async () => {
    const broken = new WorkerExecutor({ code: 'throw new Error("no")' }, ASSIGNMENT, systemClock())
    running.push(broken)
    await expect(broken.execute(null, block(1))).rejects.toMatchObject({ code: 'BRUME_RUNTIME_BUNDLE' })
  })
})
