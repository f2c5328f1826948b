import { expect, test } from 'vitest'
import type { RunOptions } from './faults/options.ts'
import { SimGroup } from './runs/group.ts'
import { measureLossy } from './runs/lossy.ts'
import { Workload } from './runs/workload.ts'
import { CALM } from './scenarios/names.ts'
import { seedOf } from './world/streams.ts'

const S = 1_000_000

function groupOf(change: Partial<RunOptions>) {
  const group = new SimGroup({ seed: seedOf(0), options: { ...CALM, deltaMs: 250, scenario: null, ...change } })
  const workload = new Workload(group)
  group.start()
  group.world.runUntil(S)
  /** Submits one command; ms until every living member has it final. */
  const latencyMs = (client: number): number => {
    const { world, oracle, nodes } = group
    const startUs = world.nowUs
    const { id } = workload.submit(client)
    const isDone = () =>
      oracle.isEffective(id) && nodes.every((node) => !node.isAlive || node.state.final.height === oracle.top)
    expect(world.runWhile(() => !isDone(), startUs + 60 * S)).toBe(true)
    return (world.nowUs - startUs) / 1_000
  }
  return { group, workload, latencyMs }
}

const quantile = (list: readonly number[], share: number) =>
  list.toSorted((a, b) => a - b)[Math.min(list.length - 1, Math.floor(share * list.length))] ?? 0

test('ten idle minutes cost no event, and the first command after them waits for nothing', { timeout: 120_000 }, () => {
  const { group, workload, latencyMs } = groupOf({ maxCommands: 256 })
  const steady = Array.from({ length: 20 }, () => {
    const ms = latencyMs(1)
    group.world.runUntil(group.world.nowUs + S)
    return ms
  })
  group.world.runUntil(group.world.nowUs + 60 * S)
  const before = group.world.events
  group.world.runUntil(group.world.nowUs + 600 * S)
  expect(group.world.events).toBe(before)
  expect(latencyMs(1)).toBeLessThanOrEqual(1.3 * quantile(steady, 0.5))
  // Then as many as come: each client's share of a pool is 64.
  for (let client = 2; client < 102; client++) for (let i = 0; i < 50; i++) workload.submit(client)
  expect(group.world.runWhile(() => workload.pending > 0, group.world.nowUs + 60 * S)).toBe(true)
})

test('with 10 % loss, 50 ms one way and one of seven silent, p99.9 stays below 5 s', { timeout: 240_000 }, () => {
  expect(measureLossy(1_000)).toMatchObject({ ok: true, commands: 1_000 })
})
