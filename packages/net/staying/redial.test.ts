import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  DIALS_AT_ONCE_MAX,
  DISCOVERED_MAX,
  EMPTY_REDIAL,
  FORGET_AFTER_MS,
  nextDialMs,
  type RedialEvent,
  type RedialRules,
  type RedialState,
  redial,
  SECOND_DIALLER_WAIT_MS
} from './redial.ts'

/** Peers `a...` are higher than this node, so that it dials first; `z...` are lower. */
const rules: RedialRules = { dialsFirst: (peer) => peer.startsWith('a'), capMs: 30_000, capOthersMs: 300_000 }

function run(events: readonly (readonly [atMs: number, event: RedialEvent])[]) {
  let state: RedialState = EMPTY_REDIAL
  const dials: (readonly [atMs: number, peer: string])[] = []
  for (const [atMs, event] of events) {
    const step = redial(state, event, atMs, rules)
    state = step.state
    dials.push(...step.dials.map((peer) => [atMs, peer] as const))
  }
  return { state, dials }
}

const wanted = (...peers: string[]): RedialEvent => ({
  type: 'wanted',
  peers: peers.map((peer) => ({ peer, priority: 'member' }))
})
const tick: RedialEvent = { type: 'tick' }
const failed = (peer: string): RedialEvent => ({ type: 'failed', peer, jitter: 0.5 })
const connected = (peer: string): RedialEvent => ({ type: 'connected', peer })
const disconnected = (peer: string): RedialEvent => ({ type: 'disconnected', peer, jitter: 0.5 })

describe('redial', () => {
  test('the lower id dials at once, the other waits 1.5 s', () => {
    expect(run([[0, wanted('a', 'z')]]).dials).toEqual([[0, 'a']])
    const { dials } = run([
      [0, wanted('a', 'z')],
      [SECOND_DIALLER_WAIT_MS - 1, tick],
      [SECOND_DIALLER_WAIT_MS, tick]
    ])
    expect(dials).toEqual([
      [0, 'a'],
      [SECOND_DIALLER_WAIT_MS, 'z']
    ])
  })

  test('delays double to the cap and never end for a member', () => {
    let state = redial(EMPTY_REDIAL, wanted('a'), 0, rules).state
    let nowMs = 0
    const delays: number[] = []
    for (let round = 0; round < 40; round += 1) {
      state = redial(state, failed('a'), nowMs, rules).state
      const next = nextDialMs(state) ?? Number.NaN
      delays.push(next - nowMs)
      nowMs = next
      const step = redial(state, tick, nowMs, rules)
      expect(step.dials).toEqual(['a'])
      state = step.state
    }
    expect(delays.slice(0, 7)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])
    expect(delays.at(-1)).toBe(30_000)
  })

  test('30 s of connection clear the failures; a shorter one does not', () => {
    const short = run([
      [0, wanted('a')],
      [1, failed('a')],
      [2_000, tick],
      [2_100, connected('a')],
      [3_000, disconnected('a')]
    ])
    expect(short.state.peers.get('a')?.nextMs).toBe(5_000)
    const long = run([
      [0, wanted('a')],
      [1, failed('a')],
      [2_000, tick],
      [2_100, connected('a')],
      [40_000, disconnected('a')]
    ])
    expect(long.state.peers.get('a')?.nextMs).toBe(41_000)
  })

  test('a change of the network starts all delays over', () => {
    let { state } = run([[0, wanted('a')]])
    for (let round = 0; round < 6; round += 1) {
      const nowMs = round * 100_000
      state = redial(redial(state, failed('a'), nowMs, rules).state, tick, nowMs + 99_999, rules).state
    }
    state = redial(state, failed('a'), 700_000, rules).state
    expect(redial(state, { type: 'disturbed' }, 700_001, rules).dials).toEqual(['a'])
  })

  test('a held peer is not dialled before its time', () => {
    const { dials } = run([
      [0, wanted('a')],
      [1, connected('a')],
      [2, { type: 'held', peer: 'a', untilMs: 60_000 }],
      [3, disconnected('a')],
      [59_999, tick],
      [60_000, tick]
    ])
    expect(dials.map(([atMs]) => atMs)).toEqual([0, 60_000])
  })

  test('who is wanted no more goes; who was only discovered is forgotten after a day', () => {
    expect(
      run([
        [0, wanted('a', 'z')],
        [1, failed('a')],
        [2, wanted('z')]
      ]).state.peers.has('a')
    ).toBe(false)
    const { state } = run([
      [0, { type: 'discovered', peer: 'a' }],
      [1, failed('a')],
      [FORGET_AFTER_MS + 2, tick]
    ])
    expect(state.peers.size).toBe(0)
  })

  const peer = fc.integer({ min: 0, max: 30 }).map((index) => `${index % 2 === 0 ? 'a' : 'z'}${index}`)
  const jitter = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true })
  const anEvent: fc.Arbitrary<RedialEvent> = fc.oneof(
    fc.uniqueArray(peer, { maxLength: 12 }).map((peers) => wanted(...peers)),
    peer.map((one) => ({ type: 'discovered' as const, peer: one })),
    peer.map(connected),
    fc.tuple(peer, jitter).map(([one, value]) => ({ type: 'disconnected' as const, peer: one, jitter: value })),
    fc.tuple(peer, jitter).map(([one, value]) => ({ type: 'failed' as const, peer: one, jitter: value })),
    peer.map((one) => ({ type: 'forgotten' as const, peer: one })),
    fc.constant<RedialEvent>({ type: 'disturbed' }),
    fc.constant(tick)
  )

  test('never too many dials at once, never one to a connected peer, and every wanted peer is on its way', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat({ max: 10_000 }), anEvent), { maxLength: 80 }), (script) => {
        let state: RedialState = EMPTY_REDIAL
        let nowMs = 0
        let members = new Set<string>()
        for (const [afterMs, event] of script) {
          nowMs += afterMs
          const before = state
          const step = redial(state, event, nowMs, rules)
          state = step.state
          if (event.type === 'wanted') members = new Set(event.peers.map((one) => one.peer))
          for (const one of step.dials) expect(before.peers.get(one)?.phase).not.toBe('connected')
          const dialing = [...state.peers.values()].filter(({ phase }) => phase === 'dialing')
          expect(dialing.length).toBeLessThanOrEqual(DIALS_AT_ONCE_MAX)
          for (const one of members) {
            const entry = state.peers.get(one)
            expect(entry).toBeDefined()
            // Waiting within the cap, its jitter and the second dialler's wait.
            if (entry?.phase === 'waiting') expect(entry.nextMs - nowMs).toBeLessThanOrEqual(30_000 * 1.25 + 1_500)
          }
        }
      }),
      { numRuns: 500 }
    )
  })

  test('a flood of discoveries stays bounded and pushes out no member', () => {
    let state = redial(EMPTY_REDIAL, wanted('a-member'), 0, rules).state
    for (let index = 0; index < 2_000; index += 1) {
      state = redial(state, { type: 'discovered', peer: `z${index}` }, index, rules).state
    }
    expect(state.peers.size).toBeLessThanOrEqual(DISCOVERED_MAX + DIALS_AT_ONCE_MAX + 1)
    expect(state.peers.has('a-member')).toBe(true)
  })
})
