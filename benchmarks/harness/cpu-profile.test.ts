import { expect, test } from 'vitest'
import { selfTimes } from './cpu-profile.ts'

const frame = (functionName: string, url = '', lineNumber = 0) => ({ functionName, url, lineNumber })

test('self times are summed over call sites, without idleness and the profiler itself', () => {
  const profile = {
    nodes: [
      { id: 1, callFrame: frame('verify', 'file:///a/b/packages/crypto/signature.ts', 20) },
      { id: 2, callFrame: frame('(idle)') },
      { id: 3, callFrame: frame('', 'file:///a/node_modules/@libp2p/noise/dist/index.js', 4) },
      { id: 4, callFrame: frame('verify', 'file:///a/b/packages/crypto/signature.ts', 20) },
      { id: 5, callFrame: frame('post', 'node:inspector', 1) }
    ],
    samples: [1, 2, 3, 4, 4, 5],
    timeDeltas: [1_000, 50_000, 1_000, 1_000, 1_000, 90_000]
  }
  expect(selfTimes(profile)).toEqual([
    { name: 'verify', where: 'b/packages/crypto/signature.ts:21', selfMs: 3, share: 0.75 },
    { name: '(anonymous)', where: '@libp2p/noise/dist/index.js:5', selfMs: 1, share: 0.25 }
  ])
})
