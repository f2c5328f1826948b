import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { endProcesses } from '../runner/end-processes.ts'
import { listRuns } from '../runner/run-folder.ts'

const CLI = fileURLToPath(new URL('./brume-testnet.ts', import.meta.url))

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'brume-detach-'))
})
afterEach(async () => {
  await endProcesses(listRuns(directory).flatMap((run) => run.processes()))
  rmSync(directory, { recursive: true })
})

/** As npx runs `brume testnet ...`: its variables say so, and are inherited by whatever this starts. */
async function testnet(
  variables: NodeJS.ProcessEnv,
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly printed: string }> {
  const env = { ...process.env, npm_lifecycle_script: 'brume testnet up', ...variables }
  const child = spawn(process.execPath, [CLI, '--dir', directory, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data) => {
      printed += data
    })
  }
  const [code] = await once(child, 'close')
  return { code, printed }
}

test('a run that npx left behind is up when its id is printed, and stays so until down', async () => {
  const { code, printed } = await testnet({}, 'up', '-n', '2', '--group', 'none', '--detach')
  expect([code, printed]).toEqual([0, expect.stringMatching(/^\d{12}-[0-9a-f]{4}\n$/)])
  expect(await testnet({}, 'kill', 'p2')).toEqual({ code: 0, printed: 'kill: p2\n' })
  expect(await testnet({}, 'restart', 'all')).toEqual({ code: 0, printed: 'restart: p2\n' })
  const { peers } = JSON.parse((await testnet({}, 'status', '--json')).printed)
  expect(peers).toMatchObject([{ state: 'running' }, { state: 'running' }])
  expect(await testnet({}, 'down')).toEqual({ code: 0, printed: `run ${printed.trim()} is down\n` })
  expect(readFileSync(join(directory, 'detached.log'), 'utf8')).toContain('"reason":"down"')
}, 300_000)

test('a run that cannot start says why', async () => {
  const file = join(directory, 'no-folder')
  writeFileSync(file, '')
  const { code, printed } = await testnet({ TMPDIR: file }, 'up', '-n', '2', '--detach')
  expect([code, printed]).toEqual([
    1,
    expect.stringMatching(/the run did not start.*detached\.log ends with\n.*no-folder/s)
  ])
}, 300_000)
