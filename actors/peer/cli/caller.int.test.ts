import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, onTestFinished, test, vi } from 'vitest'

const CALLER = new URL('./caller.ts', import.meta.url).href
/** Says so when its caller ends, and would live for long. */
const COMMAND = `import { whenCallerEnds } from '${CALLER}'
whenCallerEnds(() => process.exit())
setTimeout(() => {}, 600_000)
console.log(process.pid)`
const WAIT = { timeout: 60_000, interval: 50 }

/** A shell that waits for the command, as npm starts one for a script. Resolves once the command runs. */
async function start(script: string): Promise<{ readonly shell: ChildProcess; readonly pid: number }> {
  const run = `"${process.execPath}" --input-type=module --eval "$COMMAND"; true`
  const env = { PATH: process.env.PATH, COMMAND, npm_lifecycle_script: script }
  const shell = spawn('sh', ['-c', run], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = await once(shell.stdout, 'data')
  const pid = Number(line)
  onTestFinished(() => {
    if (isRunning(pid)) process.kill(pid, 'SIGKILL')
  })
  return { shell, pid }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test('a command that npm has run in the foreground ends with its shell; one that was left behind does not', async () => {
  const [foreground, daemon] = await Promise.all([start('brume up'), start('brume up & echo started')])
  for (const { shell } of [foreground, daemon]) shell.kill('SIGTERM')
  await vi.waitFor(() => expect(isRunning(foreground.pid)).toBe(false), WAIT)
  expect(isRunning(daemon.pid)).toBe(true)
}, 120_000)
