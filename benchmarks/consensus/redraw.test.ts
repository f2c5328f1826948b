import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { redraw } from './redraw.ts'
import type { ConsensusResult } from './result.ts'
import { sampleResult } from './samples.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'brume-redraw-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function runOf(name: string, commit: string, results: readonly ConsensusResult[]): Promise<string> {
  const path = join(folder, name)
  const machine = { cpu: 'a CPU', cores: 2, kernel: 'a kernel', node: 'v24' }
  await writeFile(path, JSON.stringify({ machine, profile: 'loopback', commit, results }))
  return path
}

async function drawn(files: readonly string[]): Promise<string> {
  const svg = join(folder, 'plot.svg')
  await redraw({ files, svg, say: () => undefined })
  return readFile(svg, 'utf8')
}

test('runs of different sizes become one plot, and what was measured again counts as it was then', async () => {
  const few = await runOf(
    'few.json',
    'abc',
    [4, 16].map((n) => sampleResult({ n, processes: n }))
  )
  const many = await runOf(
    'many.json',
    'def',
    [32, 100].map((n) => sampleResult({ n, processes: 1 }))
  )
  const again = await runOf('again.json', 'def', [
    sampleResult({ n: 16, processes: 16, finalMs: { p50: 700, p99: 900 } })
  ])
  const svg = await drawn([few, many, again])
  for (const n of [4, 16, 32, 100]) expect(svg).toContain(`>${n}</text>`)
  expect(svg).toContain('members, one process each; from 32 on 1 for all')
  expect(svg).toContain('commit abc / def')
  // Two dots for each of four sizes' medians and tails, not five.
  expect(svg.match(/<circle/g)).toHaveLength(4 * 4)
  expect(svg).not.toBe(await drawn([few, many]))
})

test('what is no run is refused by its name', async () => {
  const path = join(folder, 'none.json')
  for (const text of ['{', '{}', 'null', '{"machine": {}, "results": [{"n": 4}]}']) {
    await writeFile(path, text)
    await expect(drawn([path])).rejects.toMatchObject({
      code: 'BRUME_BENCH_USAGE',
      message: expect.stringContaining(path)
    })
  }
})
