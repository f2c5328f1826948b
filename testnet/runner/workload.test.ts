import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { OUTSTANDING_MAX, Workload } from './workload.ts'

const asked: { peer: string; id: number; client: string }[] = []
const told: { id: number; error: string | undefined }[] = []
let running: readonly string[] = []
let workload: Workload

beforeEach(() => {
  vi.useFakeTimers()
  asked.length = 0
  told.length = 0
  running = ['p1', 'p2', 'p3', 'p4']
  workload = new Workload(
    { running: () => running, submit: (peer, id, client) => void asked.push({ peer, id, client }) },
    { invoked: () => undefined, completed: (id, _placed, error) => void told.push({ id, error }) }
  )
})
afterEach(() => {
  workload.run(0)
  vi.useRealTimers()
})

test('clients and peers take turns, and each client uses every peer', () => {
  workload.run(10, 2)
  vi.advanceTimersByTime(1_600)
  const pairs = new Set(asked.map(({ peer, client }) => `${client} ${peer}`))
  expect(asked).toHaveLength(16)
  expect(pairs.size).toBe(8)
})

test('a group that does not answer is not asked without end, and one peer that does not holds nobody up', () => {
  workload.run(100)
  for (let i = 0; i < 100; i++) {
    vi.advanceTimersByTime(10)
    for (const { peer, id } of asked) if (peer !== 'p1') workload.settle(id, undefined, undefined)
  }
  const atFirst = asked.filter(({ peer }) => peer === 'p1').length
  expect(atFirst).toBeLessThan(OUTSTANDING_MAX / 2)
  expect(asked.length).toBe(100)
  running = ['p5', 'p6', 'p7', 'p8', 'p9']
  vi.advanceTimersByTime(10_000)
  expect(workload.outstanding).toBe(OUTSTANDING_MAX)
})

test('what a peer took with it is told once, and an answer that comes later is none', () => {
  workload.run(10)
  vi.advanceTimersByTime(400)
  workload.forget('p2')
  const lost = asked.find(({ peer }) => peer === 'p2')
  expect(told).toEqual([{ id: lost?.id, error: expect.stringContaining('ended') }])
  workload.settle(lost?.id ?? 0, undefined, undefined)
  expect(told).toHaveLength(1)
  expect(workload.refused).toBe(0)
})
