import { SimClock, settle } from '@brume/testkit'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createMachine } from 'xstate'
import { counter, countingMachine, lettersOf, run, statusAt, type World, world } from './fixture.ts'
import { MAILBOX_BYTES_MAX, MAILBOX_EVENTS_MAX, type Mail, Mailbox, type Rank } from './mailbox.ts'
import type { Mailbox as MailboxOptions } from './port.ts'

const mail = (n: number, rank: Rank = 'user', bytes = 0): Mail => ({
  ...{ event: { type: 'x', n }, from: null, rank, batch: 0, ask: null, bytes },
  ...{ expiresMs: Number.POSITIVE_INFINITY, receipt: null, key: null, consumed: null, timer: null }
})

function takeAll(mailbox: Mailbox): unknown[] {
  const all: unknown[] = []
  for (let next = mailbox.take(); next !== undefined; next = mailbox.take()) all.push(next.event.n)
  return all
}

describe('a mailbox', () => {
  test('keeps the order of what it took, whatever was put, taken and displaced between', () => {
    const policies = fc.constantFrom<NonNullable<MailboxOptions['overflow']>>(
      'reject',
      'dropOldest',
      'dropNewest',
      'block'
    )
    const steps = fc.array(fc.constantFrom('user', 'control', 'own', 'take'), { maxLength: 3_000 })
    fc.assert(
      fc.property(policies, fc.integer({ min: 1, max: 40 }), steps, (overflow, max, actions) => {
        const mailbox = new Mailbox({ max, overflow })
        const model: { readonly n: number; readonly rank: string }[] = []
        for (const [n, action] of actions.entries()) {
          if (action === 'take') {
            expect(mailbox.take()?.event.n).toBe(model.shift()?.n)
            continue
          }
          const put = mailbox.put(mail(n, action))
          const users = model.filter(({ rank }) => rank === 'user')
          const isFull = action === 'user' && users.length >= max
          expect(put.kind).toBe(!isFull ? 'taken' : overflow === 'dropOldest' ? 'displaced' : 'full')
          if (put.kind === 'displaced') {
            expect(put.mails.map(({ event }) => event.n)).toEqual([users[0]?.n])
            model.splice(
              model.findIndex(({ rank }) => rank === 'user'),
              1
            )
          }
          if (put.kind !== 'full') model.push({ n, rank: action })
          expect(mailbox.length).toBe(model.length)
        }
        expect(takeAll(mailbox)).toEqual(model.map(({ n }) => n))
      })
    )
  })

  test('is bounded by the bytes of remote events too', () => {
    const half = MAILBOX_BYTES_MAX / 2
    const rejects = new Mailbox()
    expect([rejects.put(mail(1, 'user', half)).kind, rejects.put(mail(2, 'user', half)).kind]).toEqual([
      'taken',
      'taken'
    ])
    expect(rejects.put(mail(3, 'user', 1)).kind).toBe('full')
    expect(rejects.put(mail(4)).kind).toBe('taken')
    const drops = new Mailbox({ overflow: 'dropOldest' })
    for (const n of [1, 2]) drops.put(mail(n, 'user', half))
    expect(drops.put(mail(3, 'user', half + 1))).toMatchObject({ kind: 'displaced', mails: [{}, {}] })
    expect(takeAll(drops)).toEqual([3])
  })
})

/** An actor in backoff: what comes waits. @returns the events that are not taken */
function fill({ kernel }: World, extra: number): number {
  run(kernel, 'x', countingMachine)
  kernel.tell('x', { type: 'fail' })
  let refused = 0
  for (let i = 0; i < MAILBOX_EVENTS_MAX + extra; i++) if (kernel.tell('x', { type: 'add' }) !== 'accepted') refused++
  return refused
}

describe('a full mailbox', () => {
  test('refuses, counts and keeps what it refused', async () => {
    const all = world()
    expect(fill(all, 3)).toBe(3)
    expect(all.kernel.actors()).toMatchObject([{ waiting: 1_024, overflowed: 3 }])
    const letters = (await lettersOf(all.kernel)).filter(({ reason }) => reason === 'full')
    expect(letters).toHaveLength(3)
    expect(all.lines.filter((line) => line.includes('not processed'))).toHaveLength(2)
    all.clock.run(240)
    expect(await all.kernel.snapshot('x')).toMatchObject({ context: { n: 1_024 } })
  })

  test('of dropOldest takes the newest in its place', async () => {
    const { kernel, clock } = world()
    const seen: number[] = []
    const note = ({ event }: { event: { n?: number } }) => void seen.push(event.n ?? -1)
    run(kernel, 'x', createMachine({ on: { fail: { actions: () => Promise.reject() }, add: { actions: note } } }), {
      mailbox: { max: 2, overflow: 'dropOldest' }
    })
    kernel.tell('x', { type: 'fail' })
    await settle()
    expect(statusAt(kernel, 'x')).toBe('backoff')
    for (const n of [1, 2, 3, 4]) expect(kernel.tell('x', { type: 'add', n })).toBe('accepted')
    clock.run(240)
    expect(seen).toEqual([3, 4])
    expect((await lettersOf(kernel)).map(({ reason, event }) => [reason, event.n])).toEqual([
      ['full', 1],
      ['full', 2]
    ])
  })

  test('of block has submits and asks wait their turn', async () => {
    const { kernel, clock } = world()
    kernel.register(counter)
    kernel.spawn('x', 'counter', { mailbox: { max: 1, overflow: 'block' } })
    kernel.tell('x', { type: 'fail' })
    const submits = [1, 2, 3].map(() => kernel.submit('x', { type: 'add' }))
    expect(kernel.tell('x', { type: 'add' })).toBe('full')
    const ask = kernel.ask('x', { type: 'get' })
    clock.run(240)
    expect((await Promise.all(submits)).map(({ seq }) => seq)).toEqual([1, 2, 3])
    expect(await ask).toBe(3)
  })

  test('of block that ends tells those who wait', async () => {
    const { kernel } = world()
    run(kernel, 'x', countingMachine, { mailbox: { max: 1, overflow: 'block' } })
    kernel.tell('x', { type: 'fail' })
    const submits = [1, 2].map(() => kernel.submit('x', { type: 'add' }))
    await kernel.stopActor('x')
    for (const submit of submits) await expect(submit).rejects.toMatchObject({ code: 'BRUME_RUNTIME_STOPPED' })
  })
})

describe('a flood', () => {
  const POLICIES = ['reject', 'dropNewest', 'dropOldest', 'block'] as const

  test.each(POLICIES)('under %s loses no timer, and stop ends the actor before the next event', async (overflow) => {
    const clock = new SimClock()
    // A slice of the flood takes its time: else time would stand still under it.
    const after = (delayMs: number, run: () => void) => clock.after(Math.max(1, delayMs), run)
    const { kernel } = world({ clock: { now: () => clock.now(), wall: () => clock.wall(), after } })
    let ticks = 0
    let floods = 0
    const machine = createMachine({
      initial: 'on',
      states: {
        on: {
          after: { 10: { target: 'on', reenter: true, actions: () => void ticks++ } },
          on: {
            // Each event brings two: more than can ever be handled.
            flood: {
              actions: () => {
                floods += 1
                for (let i = 0; i < 2; i++) kernel.tell('x', { type: 'flood' })
              }
            }
          }
        }
      }
    })
    run(kernel, 'x', machine, { mailbox: { max: 100, overflow } })
    kernel.tell('x', { type: 'flood' })
    clock.run(55)
    const handled = floods
    expect(handled).toBeGreaterThan(10 * 4_096)
    expect(kernel.actors()[0]?.waiting).toBeGreaterThanOrEqual(100)
    expect(kernel.actors()[0]?.overflowed).toBeGreaterThan(1_000)
    expect(ticks).toBe(5)
    await kernel.stopActor('x')
    clock.run(100)
    expect(floods).toBe(handled)
    expect(statusAt(kernel, 'x')).toBe('stopped')
  })
})
