import { expect, test } from 'vitest'
import { joined, latenciesOf, loadOf, slowest } from './analyse.ts'
import type { QuorumReport } from './plan.ts'

const report = (given: Partial<QuorumReport>): QuorumReport => ({
  kind: 'quorum',
  started: [],
  notarized: [],
  final: [],
  submitted: [],
  contents: [],
  attested: [],
  windowMs: 1_000,
  views: 0,
  commands: 0,
  refused: 0,
  nullified: 0,
  rested: true,
  cpuMs: 0,
  bytes: 0,
  frames: 0,
  verifies: 0,
  loop: { p50: 0, p99: 0, max: 0 },
  syncMs: [],
  voteSyncMs: [],
  ...given
})

test('latency ends with the last member, and what one never knew has none', () => {
  const outcomes = [
    [
      ['a', 15],
      ['b', 31]
    ],
    [
      ['b', 38],
      ['a', 12]
    ],
    [['a', 19]]
  ] as const
  expect(slowest([['a', 10]], outcomes)).toEqual([9])
  expect(
    slowest(
      [
        ['a', 10],
        ['b', 30]
      ],
      outcomes
    )
  ).toEqual([9])
  expect(
    slowest(
      [
        ['a', 10],
        ['b', 30]
      ],
      outcomes.slice(0, 2)
    )
  ).toEqual([5, 8])
})

test('submit to final follows a command into its block, whoever submitted and whoever was slowest', () => {
  const contents = [['block', ['x', 'y']]] as const
  const { finalMs, submitFinalMs } = latenciesOf([
    report({ started: [['block', 20]], final: [['block', 30]], contents, submitted: [['x', 10]] }),
    report({ final: [['block', 34]], contents, submitted: [['y', 19]] })
  ])
  expect(finalMs).toEqual([14])
  expect(submitFinalMs).toEqual([24, 15])
})

test('submit to attested ends when the last member has the certificate, where every member has it', () => {
  const contents = [
    ['a', ['x']],
    ['b', ['y']]
  ] as const
  const { submitAttestedMs } = latenciesOf([
    report({ contents, submitted: [['x', 10]], attested: [['a', 20]] }),
    report({
      contents,
      submitted: [['y', 11]],
      attested: [
        ['a', 25],
        ['b', 26]
      ]
    })
  ])
  expect(submitAttestedMs).toEqual([15])
})

test('load is per view and member, and throughput that of the member that knew least', () => {
  const load = loadOf([
    report({ views: 100, commands: 500, cpuMs: 200, bytes: 1_000, frames: 700, verifies: 300, windowMs: 2_000 }),
    report({ views: 100, commands: 480, cpuMs: 100, bytes: 3_000, frames: 700, verifies: 300, windowMs: 2_000 })
  ])
  expect(load).toMatchObject({
    commandsPerS: 240,
    viewsPerS: 50,
    cpuMsPerViewMember: 1.5,
    bytesPerViewMember: 20,
    framesPerViewMember: 7,
    verifiesPerViewMember: 3
  })
})

test('slices are joined member by member', () => {
  const slice = (commands: number, rested: boolean) => [
    report({ views: 10, commands, rested, loop: { p50: 0, p99: commands, max: commands }, final: [['a', 1]] }),
    report({ views: 12, commands: commands + 1, windowMs: 1_100 })
  ]
  const [first, second, ...none] = joined([slice(5, true), slice(7, false), slice(6, true)])
  expect(none).toEqual([])
  expect(first).toMatchObject({ views: 30, commands: 18, windowMs: 3_000, rested: false, loop: { p99: 7 } })
  expect(first?.final).toHaveLength(3)
  expect(second).toMatchObject({ views: 36, commands: 21, windowMs: 3_300, rested: true })
})
