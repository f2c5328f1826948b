import { stripVTControlCharacters } from 'node:util'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { PeerRow, TestnetState } from '../runner/state.ts'
import { jsonLine, plainLine } from './describe.ts'
import { render } from './render.ts'

function makeRow(index: number, over: Partial<PeerRow> = {}): PeerRow {
  return {
    name: `p${index + 1}`,
    peerId: `12D3KooW${index}`,
    pid: 100 + index,
    state: 'running',
    addresses: [],
    members: [{ peer: 'x', state: 'up', connected: true }],
    sample: {
      connections: 3,
      misdeeds: 0,
      inboundPorts: [],
      lagMs: 2,
      rssBytes: 84 * 1_048_576,
      notarizedMs: [],
      finalMs: [],
      group: {
        group: 'ab',
        state: 'voting',
        reason: undefined,
        epoch: 0,
        view: 130,
        height: 124,
        digest: 'ff',
        weights: [],
        pool: 0,
        dormant: false,
        executed: 124,
        value: 124
      }
    },
    weight: 1,
    notarizedP50Ms: 12.4,
    finalP50Ms: 19.5,
    ...over
  }
}

function makeState(over: Partial<TestnetState> = {}): TestnetState {
  return {
    runId: '260101000000-aaaa',
    discovery: 'mdns',
    group: 'counter',
    elapsedMs: 12_345,
    meshedMs: 1_234,
    heightMin: 123,
    heightMax: 124,
    notarizedP50Ms: 12.4,
    finalP50Ms: 19.5,
    submitted: 60,
    refused: 0,
    ratePerS: 5,
    peers: [0, 1, 2, 3].map((index) => makeRow(index)),
    events: [{ atMs: 1_234, event: 'mesh.complete', detail: { tookMs: 1_234 } }],
    ...over
  }
}

const FRAME = { columns: 100, rows: 24, color: false, selected: 1 }

test('shows the run, the group, a row per peer, the time line and the keys', () => {
  const lines = render(makeState(), FRAME).split('\n')
  expect(lines[0]).toBe('brume testnet 260101000000-aaaa  4 of 4 peers running, mdns, meshed in 1.2 s, 12 s')
  expect(lines[1]).toBe(
    'counter final height 124 (slowest 123), count 124, notarized 12 ms, final 20 ms, 60 sent, 0 refused'
  )
  expect(lines[3]).toBe(' peer state    conn knows     group height  view notar.  final    lag weight  MB')
  expect(lines[5]).toBe('>p2   running     3     1    voting    124   130  12 ms  20 ms   2 ms      1  84')
  expect(lines).toContain('   1.234 s  every peer is connected to every other after 1234 ms')
  expect(lines.at(-1)).toContain('q quit')
})

test('a killed peer keeps its weight and loses what only a running one has', () => {
  const killed = makeRow(0, { state: 'killed' })
  const line = render(makeState({ peers: [killed] }), { ...FRAME, selected: 0 }).split('\n')[4]
  expect(line).toBe('>p1   killed      -     -         -      -     -      -      -      -      1   -')
})

test.each([
  [999.4, '999 ms'],
  [1_000, '1.0 s'],
  [9_949, '9.9 s'],
  [9_999, '10 s'],
  [7_200_000, '7200 s']
])('columns stay apart where everything takes %d ms', (ms, text) => {
  const { sample } = makeRow(0)
  const row = makeRow(0, { notarizedP50Ms: ms, finalP50Ms: ms, sample: sample && { ...sample, lagMs: ms } })
  const line = render(makeState({ peers: [row] }), { ...FRAME, selected: 0 }).split('\n')[4]
  expect(line?.slice(0, 80)).toMatch(new RegExp(`(?: +${text}){3} +1 +84$`))
})

test('before the first sample nothing is known and nothing breaks', () => {
  const row = makeRow(0, { sample: undefined, weight: undefined, notarizedP50Ms: undefined, members: [] })
  expect(render(makeState({ peers: [row], group: undefined, meshedMs: undefined, events: [] }), FRAME)).toContain(
    'meshing'
  )
})

test('never exceeds the terminal, in colour or without, and always shows the selected peer', () => {
  const sizes = fc.record({
    columns: fc.integer({ min: 1, max: 200 }),
    rows: fc.integer({ min: 12, max: 60 }),
    color: fc.boolean(),
    selected: fc.nat(99)
  })
  fc.assert(
    fc.property(sizes, fc.nat(40), (frame, eventCount) => {
      const peers = Array.from({ length: 100 }, (_, index) => makeRow(index))
      const events = Array.from({ length: eventCount }, () => ({ atMs: 1, event: 'peer.killed', peer: 'p1' }))
      const lines = stripVTControlCharacters(render(makeState({ peers, events }), frame)).split('\n')
      expect(lines.length).toBeLessThanOrEqual(frame.rows)
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(frame.columns)
      expect(lines.filter((line) => line.startsWith('>'))).toHaveLength(1)
    })
  )
})

test('an event is a line of text or of JSON', () => {
  const event = { atMs: 840.4, event: 'peer.discovered', peer: 'p2', detail: { other: 'p3', connected: 1, others: 3 } }
  expect(plainLine(event)).toBe('   0.840 s  p2 discovered p3 (1 of 3 connected)')
  expect(JSON.parse(jsonLine(event))).toEqual({
    atMs: 840,
    event: 'peer.discovered',
    peer: 'p2',
    other: 'p3',
    connected: 1,
    others: 3
  })
})
