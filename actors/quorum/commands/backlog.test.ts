import { toHex } from '@brume/codec'
import type { Clock } from '@brume/ports'
import { commandId } from '@brume/protocols/quorum'
import { expect, test } from 'vitest'
import { Backlog } from './backlog.ts'

/** Time moves only when a command is inspected or a timer is let go. */
function setUp(costMs: number) {
  let nowMs = 0
  const timers: (() => void)[] = []
  const taken: string[] = []
  let slices = 0
  const clock: Clock = {
    now: () => nowMs,
    wall: () => nowMs,
    after: (delayMs, run) => {
      const timer = () => {
        nowMs += delayMs
        run()
      }
      timers.push(timer)
      return () => void timers.splice(timers.indexOf(timer), 1)
    }
  }
  const backlog = new Backlog(
    clock,
    (from, { bytes }) => {
      nowMs += costMs
      taken.push(`${from}:${bytes[0]}`)
    },
    () => {
      slices += 1
    }
  )
  const fire = () => timers.shift()?.()
  const pass = (ms: number) => {
    nowMs += ms
  }
  return { backlog, taken, timers, fire, pass, slices: () => slices }
}

const command = (n: number) => Uint8Array.of(n & 0xff, n >> 8)

test('what comes in quiet times is inspected as it comes', () => {
  const { backlog, taken, timers, pass } = setUp(0.1)
  for (let i = 0; i < 3; i++) {
    expect(backlog.add('a', command(i))).toBe(true)
    pass(1)
  }
  expect(taken).toEqual(['a:0', 'a:1', 'a:2'])
  expect(timers).toEqual([])
})

test('under load work stops after its share of the time, and goes on in the same order', () => {
  const { backlog, taken, timers, fire, slices } = setUp(1)
  for (let i = 0; i < 20; i++) backlog.add('a', command(i))
  expect(taken).toHaveLength(5)
  expect(backlog.costMs).toBeGreaterThan(0.2)
  while (timers.length > 0) {
    const before = taken.length
    fire()
    expect(taken.length - before).toBeLessThanOrEqual(6)
  }
  expect(taken).toEqual(Array.from({ length: 20 }, (_, i) => `a:${i}`))
  expect(slices()).toBeGreaterThan(2)
})

test('one member cannot take all the room, a command is kept once, and a block takes it out', () => {
  const { backlog, taken, timers, fire } = setUp(6)
  backlog.add('a', command(60_000))
  let kept = 0
  for (let i = 0; i < 5_000; i++) kept += Number(backlog.add('a', command(i)))
  expect(kept).toBe(2_048)
  expect(backlog.add('a', command(0))).toBe(true)
  expect(backlog.add('b', command(5_001))).toBe(true)
  const id = toHex(commandId(command(0)))
  expect(backlog.get(id)?.bytes).toEqual(command(0))
  backlog.remove(id)
  expect(backlog.get(id)).toBeUndefined()
  expect(backlog.add('a', command(5_002))).toBe(true)
  backlog.stop()
  expect(timers).toEqual([])
  fire()
  expect(taken).toHaveLength(1)
})
