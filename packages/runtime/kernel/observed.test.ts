import { createRegistry } from '@brume/observe'
import { memoryStore, settle } from '@brume/testkit'
import { expect, test } from 'vitest'
import { countingMachine, run, world } from './fixture.ts'

test('a journal has every event, and the actor as it was after each', async () => {
  const store = memoryStore()
  const { kernel, clock } = world({ store })
  await kernel.start()
  run(kernel, 'c', countingMachine, { durability: 'journal' })
  for (let i = 0; i < 300; i++) {
    kernel.tell('c', { type: 'add' })
    clock.run(1)
  }
  await kernel.submit('c', { type: 'end' })
  const entries = []
  for await (const entry of kernel.history('c', 290)) entries.push([entry.seq, entry.event.type])
  expect(entries.at(0)).toEqual([290, 'add'])
  expect(entries.at(-1)).toEqual([301, 'end'])
  for (const seq of [0, 1, 127, 128, 200, 300, 301]) {
    expect(await kernel.snapshotAt('c', seq)).toMatchObject({ seq, context: { n: Math.min(seq, 300) } })
  }
  await expect(kernel.snapshotAt('nobody', 1)).rejects.toMatchObject({ code: 'BRUME_RUNTIME_NOACTOR' })
  await kernel.stop()
})

test('what happens is counted, and what is there is shown when someone looks', async () => {
  const registry = createRegistry()
  const { kernel, clock } = world({ registry, store: memoryStore() })
  await kernel.start()
  run(kernel, 'c', countingMachine)
  for (const type of ['add', 'add', 'fail']) kernel.tell('c', { type })
  kernel.tell('nobody', { type: 'add' })
  await settle()
  const text = await registry.metrics()
  for (const line of [
    'brume_runtime_events_total{mode="solo",result="processed"} 2',
    'brume_runtime_events_total{mode="solo",result="failed"} 1',
    'brume_runtime_dead_letters_total{reason="noactor"} 1',
    'brume_runtime_restarts_total{strategy="resume"} 1',
    'brume_runtime_cells{state="active"} 1',
    'brume_runtime_mailbox_depth 0',
    'brume_runtime_timers 0'
  ]) {
    expect(text).toContain(line)
  }
  expect(text).toMatch(/brume_runtime_commit_events_sum 3/)
  clock.run(60_000)
  expect(await registry.metrics()).not.toContain('brume_runtime_cells{')
  await kernel.stop()
})
