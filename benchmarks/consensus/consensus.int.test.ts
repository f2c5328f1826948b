import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { run } from '../command-line.ts'
import { benchConsensus } from './command.ts'
import type { ConsensusFile } from './result.ts'

let out = ''
afterEach(async () => {
  if (out !== '') await rm(out, { recursive: true, force: true })
})

const TINY = { openMs: 1_000, closedMs: 500, warmUpMs: 300, sliceMs: 500 }

/** With a journal, and over gossip, the gate measures itself: `brume bench consensus --smoke`. */
test('four real processes are measured, and once with attested results', async () => {
  out = await mkdtemp(join(tmpdir(), 'brume-bench-'))
  const json = join(out, 'deep', 'figures.json')
  const lines: string[] = []
  await benchConsensus({
    sizes: [4],
    processes: undefined,
    profile: 'loopback',
    bindings: ['streams', 'plain'],
    journals: [false],
    effort: TINY,
    out,
    json,
    cpuProfile: false,
    say: (line) => lines.push(line),
    progress: () => {}
  })
  const file: ConsensusFile = JSON.parse(await readFile(json, 'utf8'))
  expect(file.commit).not.toBe('')
  expect(file.machine.cores).toBeGreaterThan(0)
  expect(file.results.map(({ n, binding, journal }) => [n, binding, journal])).toEqual([
    [4, 'streams', false],
    [4, 'plain', false],
    [4, 'streams', false]
  ])
  const attesting = file.results.filter(({ attests }) => attests)
  expect(attesting.map(({ attestedMs }) => (attestedMs?.p50 ?? 0) > 0)).toEqual([true])
  for (const result of file.results) {
    expect(result.blocks).toBeGreaterThan(0)
    expect(result.deltaMs).toBeGreaterThan(0)
    expect(result.syncMs > 0).toBe(result.journal)
    for (const { p50, p99 } of [result.notarizedMs, result.finalMs, result.submitFinalMs]) {
      expect(p50).toBeGreaterThan(0)
      expect(p99).toBeGreaterThanOrEqual(p50)
    }
    // Whoever knows that a block is final knew before that it is notarized, and a command waits for its block.
    expect(result.finalMs.p50).toBeGreaterThan(result.notarizedMs.p50)
    const syncs = result.journal ? 3 * result.syncMs : 0
    expect(result.ratio).toBeCloseTo(result.finalMs.p50 / (3 * result.deltaMs + syncs), 6)
    expect(result.commandsPerS).toBeGreaterThanOrEqual(0)
    expect(result.cpuMsPerViewMember).toBeGreaterThan(0)
    // Two votes of 89 bytes or more to each of three others.
    expect(result.bytesPerViewMember).toBeGreaterThan(3 * 2 * 89)
  }
  expect(lines.join('\n')).toContain('commands/s')
  expect((await readdir(out)).filter((name) => name.startsWith('data-'))).toEqual([])
  expect(await readFile(join(out, 'consensus.svg'), 'utf8')).toMatch(/^<svg /)
}, 240_000)

test('a command line that says nothing sensible ends with status 2', async () => {
  const write = process.stderr.write
  process.stderr.write = () => true
  try {
    expect(await run(['consensus', '-n', '3'])).toBe(2)
    expect(await run(['consensus', '--binding', 'pigeons'])).toBe(2)
    expect(await run(['idle', '--for', 'ever'])).toBe(2)
  } finally {
    process.stderr.write = write
  }
})
