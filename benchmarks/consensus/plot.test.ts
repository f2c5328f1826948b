import { expect, test } from 'vitest'
import { plotConsensus } from './plot.ts'
import { sampleResult } from './samples.ts'

const results = [4, 7, 10].flatMap((n) =>
  (['streams', 'gossip'] as const).flatMap((binding) =>
    [false, true].map((journal) =>
      sampleResult({
        n,
        binding,
        journal,
        syncMs: journal ? 1 : 0,
        finalMs: { p50: 2 * n, p99: 5 * n },
        deltaMs: n / 3
      })
    )
  )
)

/** Enough of XML for what is written here: every tag is closed in order. */
function assertBalanced(svg: string): void {
  const open: string[] = []
  for (const [, closing, name, selfClosing] of svg.matchAll(/<(\/?)([a-z]+)[^>]*?(\/?)>/g)) {
    if (closing === '/') expect(open.pop()).toBe(name)
    else if (selfClosing !== '/') open.push(name ?? '')
  }
  expect(open).toEqual([])
}

test('draws a line per binding and curve, a floor per panel, and nothing outside the numbers', () => {
  const svg = plotConsensus(results, 'a machine')
  assertBalanced(svg)
  expect(svg).not.toMatch(/NaN|Infinity|undefined/)
  expect(svg.match(/<polyline/g)).toHaveLength(2 * 2 * 4)
  expect(svg.match(/<polygon/g)).toHaveLength(2)
  for (const label of [
    'streams, final p50',
    'gossip, notarized p99',
    'without journal',
    'with journal',
    '3 delta + k s'
  ]) {
    expect(svg).toContain(label)
  }
})

test('more milliseconds are higher up, and the floor grows with the journal', () => {
  const svg = plotConsensus(results, '')
  const [first = ''] = /(?<=<polyline points=")[^"]+/.exec(svg) ?? []
  const ys = first.split(' ').map((point) => Number(point.split(',')[1]))
  expect(ys).toEqual([...ys].sort((a, b) => b - a))
  const floors = [...svg.matchAll(/<polygon points="([^"]+)"/g)].map(([, points = '']) =>
    Number(points.split(' ')[1]?.split(',')[1])
  )
  expect(floors[1]).toBeLessThan(floors[0] ?? 0)
})

test('one size is drawn as points; text that would be markup is escaped', () => {
  const svg = plotConsensus([sampleResult()], 'a <b> & "c"')
  assertBalanced(svg)
  expect(svg).toContain('a &lt;b&gt; &amp; &quot;c&quot;')
  expect(svg).not.toMatch(/NaN|Infinity/)
})
