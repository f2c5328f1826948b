import { encodeMessage, type MembershipMessage } from '@brume/protocols/membership'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Effect } from './effect.ts'
import { fromFrame, fromGossip, type MembershipEvent } from './event.ts'
import { FULL_MESH_BACK, FULL_MESH_MAX, INTRODUCTIONS_MAX, SPARSE_DEGREE, TIMING } from './limits.ts'
import { Bench, EPOCH_MS, helloOf, person, recordOf, START_EPOCH, START_MS } from './samples.ts'

const peerOf = (number: number): string => person(number).peerId
const changesOf = (effects: readonly Effect[]): string[] =>
  effects.flatMap((effect) => (effect.type === 'notify' ? [effect.change.type] : []))
const dropsOf = (effects: readonly Effect[]) => effects.filter((effect) => effect.type === 'drop')
const wantedOf = (bench: Bench): readonly string[] => {
  const effect = bench.effects.findLast((candidate) => candidate.type === 'want')
  return effect?.peers.map(({ peer }) => peer) ?? []
}

function opened(number = 0): Bench {
  const bench = new Bench(number)
  bench.run({ type: 'opened' })
  return bench
}

describe('records received', () => {
  it('good ones are kept, relayed and told of', () => {
    const bench = opened()
    const effects = bench.gossip(recordOf(1))
    expect(bench.verdict).toBe('accept')
    expect(changesOf(effects)).toEqual(['member.up'])
    expect(effects).toContainEqual({ type: 'save', peer: peerOf(1) })
    expect(wantedOf(bench)).toEqual([peerOf(1)])
  })

  it.each([
    ['duplicate', 'ignore', () => recordOf(1, { seq: 5 })],
    ['old', 'ignore', () => recordOf(1, { seq: 4 })],
    ['epoch', 'ignore', () => recordOf(2, { epoch: START_EPOCH + 2 })],
    ['epoch', 'ignore', () => recordOf(2, { epoch: START_EPOCH - 2 })],
    ['epoch', 'ignore', () => recordOf(1, { seq: 6, epoch: START_EPOCH - 1 })],
    ['wrong-net', 'reject', () => recordOf(2, { networkId: new Uint8Array(32) })],
    ['accepted', 'accept', () => recordOf(2, { epoch: START_EPOCH + 1 })],
    ['accepted', 'accept', () => recordOf(1, { seq: 6 })]
  ] as const)('%s: %s', (outcome, verdict, make) => {
    const bench = opened()
    bench.gossip(recordOf(1, { seq: 5 }))
    bench.gossip(make())
    expect(bench.outcome()).toBe(outcome)
    expect(bench.verdict).toBe(verdict)
  })

  it('unsigned or undecodable ones are refused, and blamed on the sender', () => {
    const bench = opened()
    const { bytes } = recordOf(1)
    const forged = bytes.slice()
    forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1
    for (const record of [forged, bytes.subarray(1), new Uint8Array()]) {
      const effects = bench.run({ type: 'record.received', from: peerOf(9), record })
      expect(bench.verdict).toBe('reject')
      expect(effects.some((effect) => effect.type === 'malformed' && effect.peer === peerOf(9))).toBe(true)
    }
    expect(bench.entry(1)).toBeUndefined()
  })

  it('more than eight an epoch are ignored, until the next one', () => {
    const bench = opened()
    for (let seq = 1; seq <= 8; seq++) bench.gossip(recordOf(1, { seq }))
    bench.gossip(recordOf(1, { seq: 9 }))
    expect(bench.outcome()).toBe('rate')
    bench.gossip(recordOf(1, { seq: 10, epoch: START_EPOCH + 1 }))
    expect(bench.outcome()).toBe('accepted')
  })

  it('one introducer brings at most 64 new identities an epoch; a peer introduces itself for free', () => {
    const bench = opened()
    for (let number = 1; number <= INTRODUCTIONS_MAX; number++) bench.gossip(recordOf(number), 500)
    bench.gossip(recordOf(100), 500)
    expect(bench.outcome()).toBe('introducer')
    bench.gossip(recordOf(100), 501)
    expect(bench.outcome()).toBe('accepted')
    bench.meet(500)
    expect(bench.outcome()).toBe('accepted')
    bench.pass(EPOCH_MS)
    bench.gossip(recordOf(101, { epoch: START_EPOCH + 1 }), 500)
    expect(bench.outcome()).toBe('accepted')
  })

  it.each([
    ['same-seq', { seq: 5, flags: 1 }],
    ['second-salt', { seq: 6, salt: new Uint8Array(16).fill(2) }],
    ['identity-changed', { seq: 6, notBefore: START_EPOCH - 11 }],
    ['identity-changed', { seq: 6, vrfKey: person(77).publicKey }]
  ] as const)('contradiction %s: the first is kept, both go into a warrant', (kind, change) => {
    const bench = opened()
    const first = recordOf(1, { seq: 5, salt: new Uint8Array(16).fill(1) })
    const second = recordOf(1, { salt: new Uint8Array(16).fill(1), ...change })
    bench.gossip(first)
    const effects = bench.gossip(second)
    expect(bench.verdict).toBe('ignore')
    expect(effects).toContainEqual({
      type: 'warrant',
      warrant: { kind, peer: peerOf(1), first: first.bytes, second: second.bytes }
    })
    expect(bench.entry(1)?.record.bytes).toEqual(first.bytes)
  })

  it('a second salt is found behind an unsalted record in between; a new epoch may bring a new one', () => {
    const bench = opened()
    const salt = (fill: number): Uint8Array => new Uint8Array(16).fill(fill)
    bench.gossip(recordOf(1, { seq: 1, salt: salt(1) }))
    bench.gossip(recordOf(1, { seq: 2, salt: null }))
    bench.gossip(recordOf(1, { seq: 3, salt: salt(2) }))
    expect(bench.outcome()).toBe('contradiction')
    bench.gossip(recordOf(1, { seq: 3, salt: salt(2), epoch: START_EPOCH + 1 }))
    expect(bench.outcome()).toBe('accepted')
  })

  it('arrive in any order, any number of times: the table is that of the newest', () => {
    const records = [1, 2, 3].flatMap((number) => [1, 2, 3, 4].map((seq) => recordOf(number, { seq })))
    fc.assert(
      fc.property(fc.array(fc.nat(records.length - 1), { maxLength: 40 }), (order) => {
        const bench = opened()
        const newest = new Map<string, number>()
        for (const index of order) {
          const record = records[index] ?? recordOf(1)
          bench.gossip(record)
          newest.set(record.body.peer, Math.max(newest.get(record.body.peer) ?? 0, record.body.seq))
        }
        for (const [peer, seq] of newest) expect(bench.state.table.get(peer)?.record.body.seq).toBe(seq)
        expect(bench.state.table.size).toBe(newest.size + 1)
        expect(bench.effects.some((effect) => effect.type === 'warrant')).toBe(false)
      }),
      { numRuns: 60 }
    )
  })
})

describe('liveness', () => {
  it('link down: suspect at once, dead after the time for three redials, up again with the link', () => {
    const bench = opened()
    bench.meet(1)
    expect(changesOf(bench.run({ type: 'link.down', peer: peerOf(1) }))).toEqual(['member.suspect'])
    expect(bench.entry(1)?.liveness.state).toBe('suspect')
    bench.pass(TIMING.suspectMs - 1)
    bench.run({ type: 'timer.fired', timer: 'sweep' })
    expect(bench.entry(1)?.liveness.state).toBe('suspect')
    bench.pass(1)
    expect(changesOf(bench.run({ type: 'timer.fired', timer: 'sweep' }))).toEqual(['member.dead'])
    expect(bench.entry(1)?.liveness).toEqual({ state: 'dead', cause: 'link' })
    expect(wantedOf(bench)).toContain(peerOf(1))
    expect(changesOf(bench.meet(1))).toContain('member.up')
  })

  it('each suspect dies at its own time although one timer serves all', () => {
    const bench = opened()
    for (const number of [1, 2]) bench.meet(number)
    bench.run({ type: 'link.down', peer: peerOf(1) })
    bench.pass(10_000)
    bench.run({ type: 'link.down', peer: peerOf(2) })
    bench.pass(20_000)
    bench.run({ type: 'timer.fired', timer: 'sweep' })
    expect([bench.entry(1)?.liveness.state, bench.entry(2)?.liveness.state]).toEqual(['dead', 'suspect'])
    expect(bench.effects.findLast((effect) => effect.type === 'arm')).toEqual({
      type: 'arm',
      timer: 'sweep',
      delayMs: 10_000
    })
  })

  it('a record on its way when its peer died does not revive a suspect; a later one revives a dead', () => {
    const bench = opened()
    bench.meet(1)
    bench.run({ type: 'link.down', peer: peerOf(1) })
    bench.gossip(recordOf(1, { seq: 2 }))
    expect(bench.entry(1)?.liveness.state).toBe('suspect')
    bench.pass(TIMING.suspectMs)
    bench.run({ type: 'timer.fired', timer: 'sweep' })
    expect(changesOf(bench.gossip(recordOf(1, { seq: 3 })))).toEqual(['member.up'])
  })

  it('a leaving record kills at once and is not redialed', () => {
    const bench = opened()
    bench.meet(1)
    const effects = bench.gossip(recordOf(1, { seq: 2, flags: 32, addresses: [] }))
    expect(bench.entry(1)?.liveness).toEqual({ state: 'dead', cause: 'left' })
    expect(changesOf(effects)).toEqual(['member.dead'])
    expect(wantedOf(bench)).toEqual([])
    expect(changesOf(bench.run({ type: 'link.down', peer: peerOf(1) }))).toEqual([])
  })

  it('a record counts for its epoch and two more, is redialed for a day, and forgotten after 30', () => {
    const bench = opened()
    bench.gossip(recordOf(1))
    const later = (epochs: number): readonly Effect[] => {
      bench.at = { nowMs: epochs * EPOCH_MS, wallMs: START_MS + epochs * EPOCH_MS }
      return bench.run({ type: 'timer.fired', timer: 'epoch' })
    }
    expect(changesOf(later(2))).toEqual([])
    expect(bench.entry(1)?.liveness.state).toBe('up')
    expect(changesOf(later(3))).toEqual(['member.dead'])
    expect(bench.entry(1)?.liveness).toEqual({ state: 'dead', cause: 'expired' })
    expect(wantedOf(bench)).toEqual([peerOf(1)])
    later(25)
    expect(wantedOf(bench)).toEqual([])
    expect(bench.entry(1)).toBeDefined()
    later(30 * 24 + 2)
    expect(bench.entry(1)).toBeUndefined()
    expect(bench.effects).toContainEqual({ type: 'forget', peer: peerOf(1) })
  })

  it('the epoch never goes back with the clock', () => {
    const bench = opened()
    bench.pass(3 * EPOCH_MS)
    bench.run({ type: 'timer.fired', timer: 'epoch' })
    bench.at = { nowMs: bench.at.nowMs, wallMs: START_MS }
    bench.run({ type: 'timer.fired', timer: 'epoch' })
    expect(bench.state.epoch).toBe(START_EPOCH + 3)
  })
})

describe('links', () => {
  it('Hello goes first on each new stream, with the own record', () => {
    const bench = opened()
    bench.run({ type: 'link.up', peer: peerOf(1) })
    const sent = bench.run({ type: 'channel.opened', peer: peerOf(1) }).filter((effect) => effect.type === 'send')
    expect(sent.map(({ message }) => message.type)).toEqual(['hello'])
    bench.run({ type: 'hello.received', from: peerOf(1), hello: helloOf(recordOf(1)) })
    const again = bench.run({ type: 'channel.opened', peer: peerOf(1) }).filter((effect) => effect.type === 'send')
    expect(again.map(({ message }) => message.type)).toEqual(['hello', 'records'])
  })

  it('Hello waits until the journal has the own record', () => {
    const bench = new Bench(0)
    bench.syncs = false
    bench.run({ type: 'opened' })
    bench.run({ type: 'link.up', peer: peerOf(1) })
    bench.run({ type: 'channel.opened', peer: peerOf(1) })
    expect(bench.effects.some((effect) => effect.type === 'send' || effect.type === 'publish')).toBe(false)
    const effects = bench.run({ type: 'journal.synced', seq: bench.state.own.seq })
    expect(effects.map(({ type }) => type)).toEqual(expect.arrayContaining(['publish', 'send', 'save']))
  })

  it('what comes before Hello, or as another peer, or from another network, ends the link', () => {
    const strange = [
      { type: 'records.received', from: peerOf(1), records: { type: 'records', records: [recordOf(2).bytes] } },
      { type: 'hello.received', from: peerOf(1), hello: helloOf(recordOf(2)) },
      { type: 'hello.received', from: peerOf(1), hello: helloOf(recordOf(1, { networkId: new Uint8Array(32) })) },
      { type: 'frame.malformed', from: peerOf(1), reason: 'garbage' }
    ] as const
    for (const event of strange) {
      const bench = opened()
      bench.run({ type: 'link.up', peer: peerOf(1) })
      const [drop] = dropsOf(bench.run(event))
      expect(drop?.peer).toBe(peerOf(1))
      expect(drop?.banMs).toBeGreaterThan(0)
      expect(bench.state.table.size).toBe(1)
    }
  })

  it('a link without Hello is closed, one with it is not', () => {
    const bench = opened()
    bench.run({ type: 'link.up', peer: peerOf(1) })
    bench.meet(2)
    bench.pass(TIMING.helloMs)
    expect(dropsOf(bench.run({ type: 'timer.fired', timer: 'sweep' })).map(({ peer }) => peer)).toEqual([peerOf(1)])
  })

  it('a flood of frames is thrown away, not worked on', () => {
    const bench = opened()
    bench.meet(1)
    const event = {
      type: 'want.received',
      from: peerOf(1),
      want: { type: 'want', ids: [bench.entry(1)?.id16 ?? new Uint8Array(16)] }
    } as const
    for (let count = 0; count < 1_000; count++) bench.run(event)
    expect(bench.effects.filter((effect) => effect.type === 'send').length).toBeLessThan(300)
    bench.pass(10_000)
    expect(bench.run(event).some((effect) => effect.type === 'send')).toBe(true)
  })

  it('a clock that is two epochs off is reported: its records do not count', () => {
    const bench = opened()
    const epoch = START_EPOCH + 2
    bench.run({ type: 'link.up', peer: peerOf(1) })
    const hello = { ...helloOf(recordOf(1, { epoch })), fogTimeMs: epoch * EPOCH_MS }
    const effects = bench.run({ type: 'hello.received', from: peerOf(1), hello })
    expect(effects.find((effect) => effect.type === 'clock.offset')).toMatchObject({ split: true })
    expect(bench.entry(1)).toBeUndefined()
    expect(dropsOf(effects)).toEqual([])
  })

  it('a peer is told what is known of it, so that it learns of a lost past or a copy', () => {
    const bench = opened()
    bench.gossip(recordOf(1, { seq: 7 }))
    const sent = bench
      .meet(1, { seq: 3 })
      .filter((effect) => effect.type === 'send' && effect.message.type === 'records')
    expect(sent).toHaveLength(1)
  })
})

describe('whom to keep connected', () => {
  it('everyone below 24 members, then twelve and the named ones; back below 18', () => {
    const bootstrap = { peer: peerOf(900), addresses: ['/ip4/127.0.0.1/tcp/1'], priority: 'bootstrap' } as const
    const bench = new Bench(0, { config: { bootstrap: [bootstrap] } })
    bench.run({ type: 'opened' })
    for (let number = 1; number < FULL_MESH_MAX; number++) bench.gossip(recordOf(number))
    expect(wantedOf(bench)).toHaveLength(FULL_MESH_MAX)
    bench.gossip(recordOf(FULL_MESH_MAX))
    expect(wantedOf(bench)).toHaveLength(SPARSE_DEGREE + 1)
    bench.run({ type: 'pins.changed', owner: 'quorum', peers: [peerOf(1), peerOf(2), peerOf(3)] })
    expect(wantedOf(bench)).toEqual(expect.arrayContaining([peerOf(1), peerOf(2), peerOf(3), peerOf(900)]))
    bench.run({ type: 'pins.changed', owner: 'quorum', peers: [] })
    for (let number = FULL_MESH_MAX; number > FULL_MESH_BACK; number--) {
      expect(wantedOf(bench).length).toBeLessThanOrEqual(SPARSE_DEGREE + 1)
      bench.gossip(recordOf(number, { seq: 2, flags: 32 }))
    }
    bench.gossip(recordOf(FULL_MESH_BACK, { seq: 2, flags: 32 }))
    expect(wantedOf(bench)).toHaveLength(FULL_MESH_BACK)
  })
})

describe('hostile peers', () => {
  const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
  const seq = fc.oneof(fc.nat(5), fc.constant(Number.MAX_SAFE_INTEGER))
  const number = fc.integer({ min: 0, max: 6 })
  const record = fc
    .record({
      number,
      seq,
      epoch: fc.integer({ min: START_EPOCH - 3, max: START_EPOCH + 3 }),
      flags: fc.constantFrom(0, 32)
    })
    .map(({ number: of, ...change }) => recordOf(of + 1, change).bytes)
  const message: fc.Arbitrary<MembershipMessage> = fc.oneof(
    record.map((own) => ({ ...helloOf(recordOf(1)), record: own })),
    bytes(2_048).map((buckets) => ({ type: 'digest' as const, buckets })),
    fc.record({
      type: fc.constant('summaries' as const),
      buckets: fc.uniqueArray(fc.nat(255), { minLength: 1 }).map((list) => list.sort((a, b) => a - b)),
      entries: fc.array(fc.record({ id16: bytes(16), seq }), { maxLength: 100 }),
      answer: fc.boolean()
    }),
    fc.array(bytes(16), { minLength: 1, maxLength: 64 }).map((ids) => ({ type: 'want' as const, ids })),
    fc
      .array(fc.oneof(record, fc.uint8Array({ minLength: 1 })), { minLength: 1, maxLength: 9 })
      .map((records) => ({ type: 'records' as const, records }))
  )
  const from = number.map((index) => peerOf(index + 1))
  const event: fc.Arbitrary<MembershipEvent> = fc.oneof(
    fc.tuple(from, message).map(([peer, sent]) => fromFrame(peer, encodeMessage(sent))),
    fc.tuple(from, fc.uint8Array()).map(([peer, garbage]) => fromFrame(peer, garbage)),
    fc.tuple(from, fc.uint8Array()).map(([peer, garbage]) => fromGossip(peer, garbage)),
    fc.tuple(from, record).map(([peer, sent]) => ({ type: 'record.received' as const, from: peer, record: sent })),
    fc
      .tuple(fc.constantFrom('link.up', 'link.down', 'channel.opened'), from)
      .map(([type, peer]) => ({ type, peer }) as MembershipEvent)
  )

  it('make no step throw, take no room, and stop nobody', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const bench = opened()
        for (const one of events) bench.run(one)
        expect(bench.state.table.size).toBeLessThanOrEqual(8)
        expect(bench.state.phase).not.toBe('halted')
        for (const effect of bench.effects) {
          if (effect.type === 'send') expect(encodeMessage(effect.message).length).toBeLessThanOrEqual(65_536)
        }
      }),
      { numRuns: 300 }
    )
  })
})
