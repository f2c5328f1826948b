import { expect, test } from 'vitest'
import { type IdlePeerResult, misses } from './result.ts'

const quiet: IdlePeerResult = {
  kind: 'plain',
  rssMaxMib: 100,
  cpuPercent: 0.3,
  connections: 3,
  quorumFrames: 0,
  blocks: 0
}
const MINUTES_10 = 600_000

test('each bar is missed by itself, and named', () => {
  const group: IdlePeerResult = { ...quiet, kind: 'group' }
  expect(misses([quiet, group], MINUTES_10)).toEqual([])
  expect(misses([quiet, { ...group, rssMaxMib: 110 }], MINUTES_10)).toEqual([expect.stringContaining('RSS 110.0 MB')])
  expect(
    misses(
      [
        { ...quiet, cpuPercent: 0.5 },
        { ...group, cpuPercent: 0.5 }
      ],
      MINUTES_10
    )
  ).toEqual([expect.stringContaining('CPU 0.50 %')])
  expect(misses([quiet, { ...group, quorumFrames: 1 }], MINUTES_10)).toEqual([
    expect.stringContaining('1 quorum frames')
  ])
  expect(misses([quiet, { ...group, blocks: 2 }], MINUTES_10)).toEqual([expect.stringContaining('2 blocks')])
})

test('what a group costs is judged only where the kernel’s clock can tell', () => {
  const group: IdlePeerResult = { ...quiet, kind: 'group', cpuPercent: 0.4 }
  expect(misses([quiet, group], MINUTES_10)).toEqual([expect.stringContaining('1.33 times')])
  expect(misses([quiet, group], 20_000)).toEqual([])
})
