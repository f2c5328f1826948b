import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { openJournal, openStore } from '../index.ts'
import { SEGMENT_BYTES_MIN } from './layout.ts'

const RUNS = 5
const PROGRAM = fileURLToPath(new URL('../testing/append-forever.ts', import.meta.url))

/** Starts the program, kills it after so many confirmations, and gives all that it had told by then. */
async function killAfter(directory: string, run: number, count: number): Promise<string[]> {
  const child: ChildProcess = spawn(process.execPath, [PROGRAM, directory, run === 0 ? 'first' : 'again'], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const lines: string[] = []
  try {
    if (child.stdout === null) throw new Error('the child has no output')
    const reader = createInterface({ input: child.stdout })
    reader.on('line', (line) => {
      lines.push(line)
      if (lines.length === count) child.kill('SIGKILL')
    })
    const ended = once(child, 'exit')
    await once(reader, 'close')
    await ended
  } finally {
    child.kill('SIGKILL')
  }
  return lines
}

it('loses nothing confirmed when its process is killed', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'brume-kill-'))
  try {
    const confirmed = new Set<number>()
    for (let run = 0; run < RUNS; run += 1) {
      const lines = await killAfter(directory, run, 150 + run * 83)
      expect(lines[0]).toBe('verdict clean')
      for (const line of lines.slice(1)) confirmed.add(Number(line))
    }
    const store = await openStore(join(directory, 'store'))
    const journal = await openJournal({
      directory: join(directory, 'journal'),
      owner: new Uint8Array(32).fill(7),
      store,
      expected: true,
      segmentBytes: SEGMENT_BYTES_MIN
    })
    const found = new Set([...journal.replay()].map(({ sequence }) => sequence))
    expect([...confirmed].filter((sequence) => !found.has(sequence))).toEqual([])
    expect(confirmed.size).toBeGreaterThan(RUNS * 140)
    expect(journal).toMatchObject({ verdict: 'clean', cleanStop: false, storeBehind: false })
    await journal.close()
    await store.close()
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}, 120_000)
