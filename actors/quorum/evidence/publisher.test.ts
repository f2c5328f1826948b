import type { Topic } from '@brume/ports'
import type { Evidence } from '@brume/protocols/quorum'
import { SimClock } from '@brume/testkit'
import { expect, test } from 'vitest'
import { Publisher } from './publisher.ts'

const evidence = (view: number): Evidence => {
  const said = { statement: Uint8Array.of(view), signature: new Uint8Array(64) }
  return { key: new Uint8Array(32), kind: 1, said: [said, said], groupId: new Uint8Array(32), epoch: 0, view }
}

function hall(listeners: () => number) {
  const clock = new SimClock()
  const toldMs: number[] = []
  const topic: Topic = {
    publish: async () => {
      toldMs.push(clock.now())
      if (listeners() < 0) throw new Error('no mesh')
      return { recipients: listeners() }
    },
    subscribers: () => [],
    leave: () => {}
  }
  return { clock, toldMs, publisher: new Publisher(topic, clock) }
}

test('tells four a minute, the rest later, in bounded number', async () => {
  const { clock, toldMs, publisher } = hall(() => 3)
  for (let view = 1; view <= 100; view++) publisher.publish(evidence(view))
  expect(toldMs).toHaveLength(4)
  await clock.pass(59_000)
  expect(toldMs).toHaveLength(4)
  await clock.pass(3_600_000)
  expect(toldMs.length).toBe(68)
  for (const [i, ms] of toldMs.entries()) {
    const within = toldMs.filter((other, j) => j >= i && other - ms < 60_000)
    expect(within.length).toBeLessThanOrEqual(4)
  }
})

test('where nobody was there to hear, tells again, three times in all', async () => {
  for (const nobody of [0, -1]) {
    const { clock, toldMs, publisher } = hall(() => nobody)
    publisher.publish(evidence(1))
    await clock.pass(3_600_000)
    expect(toldMs).toHaveLength(3)
    expect((toldMs[1] ?? 0) - (toldMs[0] ?? 0)).toBeGreaterThan(120_000)
  }
})

test('says nothing after it was stopped', async () => {
  const { clock, toldMs, publisher } = hall(() => 3)
  for (let view = 1; view <= 8; view++) publisher.publish(evidence(view))
  publisher.stop()
  await clock.pass(3_600_000)
  expect(toldMs).toHaveLength(4)
})
