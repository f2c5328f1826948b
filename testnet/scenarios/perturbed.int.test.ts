import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { checkRun } from '../checkers/check-run.ts'
import { prepareRun } from '../runner/prepare.ts'
import type { RunFolder } from '../runner/run-folder.ts'
import { Testnet } from '../runner/testnet.ts'

/** Generous: two cores may be shared with a dozen other test processes. */
const DEADLINE_MS = 60_000
/** What is silent for this long is halted, not slow: it is ten leader deadlines of an idle machine. */
const SILENCE_MS = 5_000

let directory: string
let folder: RunFolder
let testnet: Testnet
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'brume-testnet-test-'))
  folder = prepareRun({ directory, peers: 4, program: 'counter', discovery: 'mdns', votes: true })
  testnet = new Testnet({ folder, ratePerS: 10 })
})
afterEach(async () => {
  await testnet.stop('the end of the test')
  rmSync(directory, { recursive: true })
})

/** Resolves when every running peer has finalized `blocks` more than any had before. */
async function expectProgress(blocks: number): Promise<void> {
  const target = testnet.state().heightMax + blocks
  await testnet.until(`height ${target}`, DEADLINE_MS, ({ heightMin }) => heightMin >= target)
}

test('a group of four outlives one dead member, halts with two, goes on after their restart, and nobody votes twice', async () => {
  await testnet.start()
  await testnet.until('a full mesh', DEADLINE_MS, ({ meshedMs }) => meshedMs !== undefined)
  await expectProgress(5)

  await testnet.kill(['p1'])
  await expectProgress(5)

  await testnet.kill(['random:1'])
  await testnet.until('a halt', DEADLINE_MS, ({ events }) => events.some(({ event }) => event === 'group.stalled'))
  const halted = testnet.state().heightMax
  await new Promise((resolve) => setTimeout(resolve, SILENCE_MS))
  expect(testnet.state().heightMax).toBe(halted)
  expect(
    testnet
      .state()
      .peers.map(({ state }) => state)
      .sort()
  ).toEqual(['killed', 'killed', 'running', 'running'])

  expect(await testnet.restart(['all'])).toHaveLength(2)
  await expectProgress(5)

  testnet.pause(['p2'])
  await expectProgress(5)
  testnet.resume(['p2'])
  await expectProgress(5)

  await testnet.stop('the check')
  const report = await checkRun(folder)
  expect(report.violations).toEqual([])
  expect(report).toMatchObject({ ok: true, forged: 0 })
  expect(report.heightMax).toBeGreaterThanOrEqual(halted + 5)
}, 300_000)
