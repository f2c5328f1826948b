import { toHex } from '@brume/codec'
import { decodeMessage, encodeMessage, type MembershipMessage } from '@brume/protocols/membership'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Effect } from '../effect.ts'
import { fromFrame } from '../event.ts'
import { Bench, EPOCH_MS, person, recordOf } from '../samples.ts'
import { indexOf } from './digest.ts'

const rootOf = ({ state }: Bench): string => toHex(indexOf(state.table, state.epoch).root)

/** Carries frames between two reducers until nothing is under way; returns what was sent. */
function exchange(a: Bench, b: Bench, first: readonly Effect[]): readonly MembershipMessage[] {
  const sent: MembershipMessage[] = []
  let wave: (readonly [to: Bench, from: Bench, message: MembershipMessage])[] = sends(first).map((message) => [
    b,
    a,
    message
  ])
  for (let round = 0; wave.length > 0; round++) {
    if (round > 20) throw new Error('the exchange does not end')
    wave = wave.flatMap(([to, from, message]) => {
      sent.push(message)
      const bytes = encodeMessage(message)
      expect(bytes.length).toBeLessThanOrEqual(65_536)
      expect(toHex(encodeMessage(decodeMessage(bytes)))).toBe(toHex(bytes))
      return sends(to.run(fromFrame(from.state.config.self, bytes))).map((answer) => [from, to, answer] as const)
    })
  }
  return sent
}

const sends = (effects: readonly Effect[]): MembershipMessage[] =>
  effects.flatMap((effect) => (effect.type === 'send' && effect.message.type !== 'hello' ? [effect.message] : []))

/** Two connected peers that have said Hello, and compare nothing before they are told to. */
function pair(): readonly [Bench, Bench] {
  const timing = { helloSyncGapMs: Number.MAX_SAFE_INTEGER }
  const benches = [1, 2].map((number) => {
    const bench = new Bench(number)
    bench.state = {
      ...bench.state,
      joinSyncs: 3,
      helloSyncMs: 0,
      config: { ...bench.state.config, timing: { ...bench.state.config.timing, ...timing } }
    }
    bench.run({ type: 'opened' })
    return bench
  })
  const [a, b] = benches
  if (a === undefined || b === undefined) throw new Error('two benches')
  for (const [here, there] of [
    [a, b],
    [b, a]
  ] as const) {
    const peer = there.state.config.self
    here.run({ type: 'link.up', peer })
    const hello = here.run({ type: 'channel.opened', peer }).find((effect) => effect.type === 'send')
    there.run({ type: 'link.up', peer: here.state.config.self })
    if (hello?.type === 'send') there.run(fromFrame(here.state.config.self, encodeMessage(hello.message)))
  }
  return [a, b]
}

describe('anti-entropy', () => {
  it('one round makes any two tables equal', () => {
    const holding = fc.uniqueArray(
      fc.record({ number: fc.integer({ min: 10, max: 60 }), seq: fc.integer({ min: 1, max: 3 }) }),
      {
        selector: ({ number }) => number,
        maxLength: 40
      }
    )
    fc.assert(
      fc.property(holding, holding, (left, right) => {
        const [a, b] = pair()
        for (const { number, seq } of left) a.gossip(recordOf(number, { seq }), number)
        for (const { number, seq } of right) b.gossip(recordOf(number, { seq }), number)
        exchange(a, b, a.run({ type: 'timer.fired', timer: 'sync' }))
        expect(rootOf(a)).toBe(rootOf(b))
        for (const { number, seq } of [...left, ...right]) {
          expect(a.entry(number)?.record.body.seq).toBeGreaterThanOrEqual(seq)
        }
      }),
      { numRuns: 40 }
    )
  })

  it('equal tables cost one Digest', () => {
    const [a, b] = pair()
    expect(exchange(a, b, a.run({ type: 'timer.fired', timer: 'sync' })).map(({ type }) => type)).toEqual(['digest'])
  })

  it('a larger difference takes several epochs’ introductions, never more than 64 each', () => {
    const [a, b] = pair()
    for (let number = 100; number < 300; number++) a.gossip(recordOf(number), number)
    exchange(b, a, b.run({ type: 'timer.fired', timer: 'sync' }))
    expect(b.state.table.size).toBe(2 + 64)
    exchange(b, a, b.run({ type: 'timer.fired', timer: 'sync' }))
    expect(b.state.table.size).toBe(2 + 64)
  })

  it('records that nobody accepts any more are not compared', () => {
    const [a, b] = pair()
    a.gossip(recordOf(10), 10)
    for (const bench of [a, b]) {
      bench.pass(2 * EPOCH_MS)
      bench.run({ type: 'timer.fired', timer: 'epoch' })
      bench.run({ type: 'timer.fired', timer: 'heartbeat' })
    }
    exchange(a, b, a.run({ type: 'timer.fired', timer: 'sync' }))
    expect(b.entry(10)).toBeUndefined()
    expect(rootOf(a)).toBe(rootOf(b))
  })

  it('goes to members that said Hello, and to nobody else', () => {
    const bench = new Bench(1)
    bench.run({ type: 'opened' })
    bench.run({ type: 'link.up', peer: person(3).peerId })
    expect(sends(bench.run({ type: 'timer.fired', timer: 'sync' }))).toEqual([])
  })
})
