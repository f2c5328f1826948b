import { decodeRecord, FLAG, type RecordBody } from '@brume/protocols/membership'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Effect } from '../effect.ts'
import { Bench, EPOCH_MS, LOCAL, person, recordOf, START_EPOCH, START_MS } from '../samples.ts'
import { decodeMark, type OwnMark } from './own.ts'

const publishedOf = (effects: readonly Effect[]): readonly RecordBody[] =>
  effects.flatMap((effect) => (effect.type === 'publish' ? [decodeRecord(effect.record).body] : []))
const marksOf = (effects: readonly Effect[]): readonly OwnMark[] =>
  effects.flatMap((effect) => (effect.type === 'journal' ? [decodeMark(effect.payload)] : []))
const haltsOf = (effects: readonly Effect[]) => effects.filter((effect) => effect.type === 'halt')

function opened(loaded: ConstructorParameters<typeof Bench>[1] = {}): Bench {
  const bench = new Bench(0, loaded)
  bench.run({ type: 'opened' })
  return bench
}

type Action =
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'battery'; readonly percent: number }
  | { readonly kind: 'address'; readonly port: number }
  | { readonly kind: 'clock'; readonly ms: number }
  | { readonly kind: 'restart' }

const actions: fc.Arbitrary<readonly Action[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: EPOCH_MS }) }),
    fc.record({ kind: fc.constant('battery' as const), percent: fc.nat(100) }),
    fc.record({ kind: fc.constant('address' as const), port: fc.integer({ min: 1, max: 9 }) }),
    fc.record({ kind: fc.constant('clock' as const), ms: fc.integer({ min: -5 * EPOCH_MS, max: 2 * EPOCH_MS }) }),
    fc.record({ kind: fc.constant('restart' as const) })
  ),
  { maxLength: 30 }
)

/** Plays a life with restarts; the journal is all that survives one. Returns every effect in order. */
function live(plan: readonly Action[]): readonly Effect[] {
  let bench = opened()
  const past: Effect[] = []
  for (const action of plan) {
    if (action.kind === 'restart') {
      past.push(...bench.effects)
      bench = opened({ loaded: { marks: marksOf(past) }, at: bench.at })
    } else if (action.kind === 'clock') bench.at = { nowMs: bench.at.nowMs, wallMs: bench.at.wallMs + action.ms }
    else if (action.kind === 'pass') bench.pass(action.ms)
    else if (action.kind === 'battery') {
      bench.run({ type: 'local.changed', local: { state: { ...LOCAL.state, battery: action.percent } } })
    } else bench.run({ type: 'local.changed', local: { addresses: [`/ip4/127.0.0.1/tcp/${action.port}`] } })
    for (const timer of ['epoch', 'heartbeat', 'publish'] as const) bench.run({ type: 'timer.fired', timer })
  }
  return [...past, ...bench.effects]
}

describe('own record', () => {
  it('whatever happens: numbers rise, each is journaled first, one salt an epoch', () => {
    fc.assert(
      fc.property(actions, (plan) => {
        const effects = live(plan)
        const journaled = new Set<number>()
        const salts = new Map<number, string>()
        let last = 0
        for (const effect of effects) {
          if (effect.type === 'journal') {
            const mark = decodeMark(effect.payload)
            expect(mark.seq).toBeGreaterThan(last)
            last = mark.seq
            journaled.add(mark.seq)
          }
          for (const body of publishedOf([effect])) {
            expect(journaled.has(body.seq)).toBe(true)
            expect(body.notBefore).toBe(START_EPOCH)
            const salt = Buffer.from(body.salt ?? []).toString('hex')
            expect(salts.get(body.epoch) ?? salt).toBe(salt)
            salts.set(body.epoch, salt)
          }
        }
        expect(haltsOf(effects)).toEqual([])
      }),
      { numRuns: 150 }
    )
  })

  it('is not above eight an epoch, the eighth being for leaving', () => {
    const bench = opened()
    for (let port = 1; port <= 20; port++)
      bench.run({ type: 'local.changed', local: { addresses: [`/ip4/127.0.0.1/tcp/${port}`] } })
    expect(publishedOf(bench.effects)).toHaveLength(7)
    const effects = bench.run({ type: 'leave' })
    expect(publishedOf(effects)[0]).toMatchObject({ flags: FLAG.leaving, addresses: [] })
    expect(effects.at(-1)).toEqual({ type: 'left' })
  })

  it('tells addresses and mode at once, the battery by tens and a minute apart, a load never', () => {
    const bench = opened()
    const change = (local: Partial<typeof LOCAL>) => publishedOf(bench.run({ type: 'local.changed', local })).length
    expect(change({ state: { ...LOCAL.state, load: 99 } })).toBe(0)
    expect(change({ state: { ...LOCAL.state, battery: 71 } })).toBe(0)
    expect(change({ state: { ...LOCAL.state, battery: 70 } })).toBe(0)
    expect(bench.effects.at(-1)).toEqual({ type: 'arm', timer: 'publish', delayMs: 60_000 })
    bench.pass(60_000)
    expect(publishedOf(bench.run({ type: 'timer.fired', timer: 'publish' }))[0]?.state.battery).toBe(70)
    expect(change({ addresses: [] })).toBe(1)
    expect(change({ state: { ...LOCAL.state, battery: 70, mode: 'balanced' } })).toBe(1)
  })

  it('has a heartbeat at a random moment of each epoch’s first two minutes', () => {
    const bench = opened()
    bench.pass(EPOCH_MS)
    const armed = bench
      .run({ type: 'timer.fired', timer: 'epoch' })
      .find((effect) => effect.type === 'arm' && effect.timer === 'heartbeat')
    expect(armed).toMatchObject({ type: 'arm' })
    if (armed?.type === 'arm') expect(armed.delayMs).toBeLessThan(120_000)
    const [body] = publishedOf(bench.run({ type: 'timer.fired', timer: 'heartbeat' }))
    expect(body?.epoch).toBe(START_EPOCH + 1)
    expect(body?.salt).toHaveLength(16)
  })

  it('too long for 2,048 bytes loses its last addresses, not its validity', () => {
    const bench = new Bench(0, {
      config: {
        work: {
          profiles: [1, 2, 3, 4, 5, 6, 7, 8],
          capabilities: Array.from({ length: 16 }, (_, i) => `${i}`.padEnd(32, 'c'))
        },
        place: { operator: 'o'.repeat(64), site: 's'.repeat(64), region: 'r'.repeat(32) }
      }
    })
    bench.run({ type: 'opened' })
    const addresses = Array.from({ length: 8 }, (_, i) => `/dns/${'h'.repeat(110)}${i}/tcp/4720`)
    const [body] = publishedOf(bench.run({ type: 'local.changed', local: { addresses } }))
    expect(body?.addresses.length).toBeGreaterThan(3)
    expect(body?.addresses).toEqual(addresses.slice(0, body?.addresses.length))
  })

  it('coming back from the network is an echo; an unknown one is a clone, if its signature is ours', () => {
    const bench = opened()
    const own = bench.state.own.record
    if (own === undefined) throw new Error('no own record')
    bench.gossip(own)
    expect(haltsOf(bench.effects)).toEqual([])
    const forged = { ...recordOf(0, { seq: own.body.seq + 1 }) }.bytes.slice()
    forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1
    bench.run({ type: 'record.received', from: person(5).peerId, record: forged })
    expect(haltsOf(bench.effects)).toEqual([])
    bench.gossip(recordOf(0, { seq: own.body.seq + 1 }))
    expect(haltsOf(bench.effects)).toMatchObject([{ reason: 'cloned' }])
    expect(bench.state.phase).toBe('halted')
    expect(bench.gossip(recordOf(1))).toEqual([])
  })

  it('after a lost journal jumps over its own past and shows no second salt', () => {
    const bench = opened({ loaded: { lost: true, notBefore: START_EPOCH - 10 } })
    expect(bench.state.own.record?.body).toMatchObject({ salt: null, notBefore: START_EPOCH - 10 })
    const past = recordOf(0, { seq: 10 * START_MS, salt: new Uint8Array(16).fill(4) })
    const [body] = publishedOf(bench.gossip(past))
    expect(body?.seq).toBe(past.body.seq + 1)
    expect(body?.salt).toEqual(past.body.salt)
    expect(haltsOf(bench.effects)).toEqual([])
  })

  it('a living clone ends even a peer that lost its journal', () => {
    const bench = opened({ loaded: { lost: true } })
    for (let jump = 0; jump < 20; jump++) bench.gossip(recordOf(0, { seq: bench.state.own.seq + 1 }))
    expect(haltsOf(bench.effects)).toHaveLength(1)
  })

  it('is not signed again once the journal failed', () => {
    const bench = opened()
    const effects = bench.run({ type: 'journal.failed', detail: 'EIO' })
    expect(effects).toEqual([{ type: 'halt', reason: 'journal', detail: 'EIO' }])
  })
})
