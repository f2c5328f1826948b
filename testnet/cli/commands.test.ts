import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { RunFolder } from '../runner/run-folder.ts'
import { EXIT, runCommand } from './commands.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'brume-commands-'))
})
afterEach(() => {
  vi.restoreAllMocks()
  rmSync(directory, { recursive: true })
})

async function testnet(...args: readonly string[]): Promise<{ readonly status: number; readonly err: string }> {
  let err = ''
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    err += text
    return true
  })
  vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  return { status: await runCommand(['node', 'brume-testnet', '--dir', directory, ...args]), err }
}

const SEED = '0'.repeat(32)

test.each([
  [
    ['sim', '--mutant', 'nope', '--seeds', '1'],
    /^error: no known bug is called 'nope'.* \(BRUME_TESTNET_ARGUMENT\)\n$/
  ],
  [
    ['sim', '--mutant', 'nope', '--seed', SEED],
    /^error: no known bug is called 'nope'.* \(BRUME_TESTNET_ARGUMENT\)\n$/
  ],
  [
    ['sim', '--mutant', 'nothing resent', '--seeds', '1'],
    /^error: --mutant takes --seed .* \(BRUME_TESTNET_ARGUMENT\)\n$/
  ],
  [['up', '--pears', '3'], /^error: unknown option '--pears' .* \(BRUME_TESTNET_ARGUMENT\)\n$/],
  [['soak', 'seeds', '--seed'], /^error: unknown option '--seed' .* \(BRUME_TESTNET_ARGUMENT\)\n$/],
  [['up', '--dir', ''], /^error: .*--dir.* \(BRUME_TESTNET_ARGUMENT\)\n$/],
  [['up', '-n', 'x'], /^error: -n takes .* \(BRUME_TESTNET_ARGUMENT\)\n$/]
])('%j is refused in one line', async (args, line) => {
  expect(await testnet(...args)).toEqual({ status: EXIT.argument, err: expect.stringMatching(line) })
})

test('a run that does not exist is refused', async () => {
  const err = expect.stringMatching(/^error: no run in .* \(BRUME_TESTNET_NO_RUN\)\n$/)
  expect(await testnet('status')).toEqual({ status: EXIT.failed, err })
})

test('a run without votes was not found wrong: nothing was shown', async () => {
  const manifest = { version: 1, runId: '261121000000-abcd', createdAt: '', peers: [] } as const
  const more = { discovery: 'list', networkName: 'x', group: null, votes: false } as const
  new RunFolder(directory, manifest.runId).create({ ...manifest, ...more })
  const err = expect.stringMatching(/^error: .*--votes.* \(BRUME_TESTNET_NO_VOTES\)\n$/)
  expect(await testnet('check')).toEqual({ status: EXIT.inconclusive, err })
})
