import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { benchRecovery } from './command.ts'

test('after the leader was killed the others finalize the next command, and know that its streams are down', async () => {
  const out = await mkdtemp(join(tmpdir(), 'brume-bench-'))
  onTestFinished(() => rm(out, { recursive: true, force: true }))
  const json = join(out, 'recovery.json')
  const lines: string[] = []
  await benchRecovery({ trials: 1, out, json, say: (line) => lines.push(line), progress: () => {} })
  const { recoveries } = JSON.parse(await readFile(json, 'utf8'))
  expect(recoveries).toHaveLength(1)
  const [{ finalMs, downMs, knownMs, patienceMs, deltaMs }] = recoveries
  // Nobody gives a leader up before its deadline.
  expect(finalMs).toBeGreaterThan(patienceMs)
  expect(downMs).toBeGreaterThan(0)
  expect(knownMs).toBeGreaterThan(0)
  expect(deltaMs).toBeGreaterThan(0)
  expect(lines.join('\n')).toContain('verdict')
  expect((await readdir(out)).filter((name) => name.startsWith('data-'))).toEqual([])
}, 240_000)
