import type { Clock } from '@brume/ports'
import { describe, expect, it } from 'vitest'

export interface ClockWorld {
  readonly clock: Clock
  /** Resolves when the condition holds, letting this clock's time pass; else rejects naming `what`. */
  until(condition: () => boolean, what: string): Promise<void>
}

/** Registers the cases that every `Clock` passes. */
export function clockCompliance(name: string, make: () => ClockWorld): void {
  describe(`Clock: ${name}`, () => {
    it('never goes back, and tells a plausible wall time', clockOrder(make))
    it('runs a timer once and not before its delay', clockDelay(make))
    it('never runs a cancelled timer', clockCancel(make))
    it('runs timers that were armed by timers, and several of one delay', clockNested(make))
    it('ends a turn once what began in it is done, in order', clockTurn(make))
  })
}

const clockOrder = (make: () => ClockWorld) => async () => {
  const { clock, until } = make()
  let last = clock.now()
  let fired = false
  clock.after(5, () => {
    fired = true
  })
  await until(() => {
    const now = clock.now()
    expect(now).toBeGreaterThanOrEqual(last)
    last = now
    return fired
  }, 'a timer of 5 ms fired')
  expect(clock.wall()).toBeGreaterThan(Date.UTC(2025, 0, 1))
}

const clockDelay = (make: () => ClockWorld) => async () => {
  const { clock, until } = make()
  const fired: { readonly delayMs: number; readonly tookMs: number }[] = []
  const delaysMs = [0, 0.4, 1, 3.7, 10, 25]
  const startMs = clock.now()
  for (const delayMs of delaysMs) {
    clock.after(delayMs, () => fired.push({ delayMs, tookMs: clock.now() - startMs }))
  }
  expect(fired).toHaveLength(0)
  await until(() => fired.length === delaysMs.length, 'all timers fired')
  for (const { delayMs, tookMs } of fired) expect(tookMs).toBeGreaterThanOrEqual(delayMs)
  let later = false
  clock.after(30, () => {
    later = true
  })
  await until(() => later, 'a later timer fired')
  expect(fired).toHaveLength(delaysMs.length)
}

const clockTurn = (make: () => ClockWorld) => async () => {
  const { clock, until } = make()
  const turn = clock.turn ?? ((run: () => void) => void clock.after(0, run))
  const ended: number[] = []
  for (const n of [1, 2, 3]) turn(() => ended.push(n))
  expect(ended).toEqual([])
  await until(() => ended.length === 3, 'the turn ended')
  expect(ended).toEqual([1, 2, 3])
}

const clockCancel = (make: () => ClockWorld) => async () => {
  const { clock, until } = make()
  const fired: string[] = []
  const cancels = [0, 1, 10].map((delayMs) => clock.after(delayMs, () => fired.push(`cancelled ${delayMs}`)))
  for (const cancel of cancels) cancel()
  for (const cancel of cancels) cancel()
  const own = clock.after(2, () => {
    own()
    fired.push('own')
  })
  const second = clock.after(2_000, () => fired.push('second'))
  clock.after(5, () => fired.push('third'))
  clock.after(1, () => second())
  clock.after(2_100, () => fired.push('end'))
  await until(() => fired.includes('end') && fired.length >= 3, 'the last timer fired')
  expect(fired.toSorted()).toEqual(['end', 'own', 'third'])
}

const clockNested = (make: () => ClockWorld) => async () => {
  const { clock, until } = make()
  const fired: number[] = []
  for (let index = 0; index < 5; index += 1) clock.after(4, () => fired.push(index))
  clock.after(1, () => clock.after(20, () => clock.after(0, () => fired.push(9))))
  await until(() => fired.length === 6, 'all timers fired')
  // Not in which order: a stalled loop may mix timers of about one time.
  expect(fired.toSorted()).toEqual([0, 1, 2, 3, 4, 9])
}
