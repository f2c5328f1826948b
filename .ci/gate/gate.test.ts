import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readCounts } from './counts.ts'
import { runStage } from './run-stage.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'brume-gate-test-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const file = (status: string, ...tests: string[]) => ({
  name: resolve('a.test.ts'),
  status,
  assertionResults: tests.map((result) => ({
    fullName: `a ${result} test`,
    status: result,
    failureMessages: result === 'failed' ? ['\x1b[31mwhat was expected\x1b[39m\n  at a stack'] : []
  }))
})

describe('counts', () => {
  const counted = (report: unknown) => {
    const path = join(folder, 'report.json')
    writeFileSync(path, typeof report === 'string' ? report : JSON.stringify(report))
    return readCounts(path)
  }

  test('are of tests, with the names of those skipped', () => {
    const report = { testResults: [file('failed', 'passed', 'failed', 'skipped'), file('passed', 'passed')] }
    expect(counted(report)).toEqual({
      passed: 2,
      failed: 1,
      failures: ['a.test.ts: a failed test: what was expected'],
      skipped: ['a skipped test']
    })
  })

  test('a file that does not load is a failure', () => {
    expect(counted({ testResults: [file('failed'), file('passed', 'passed')] })).toMatchObject({ passed: 1, failed: 1 })
  })

  test('no test, half a report and no report are failures', () => {
    expect(counted({ testResults: [] }).failed).toBe(1)
    expect(counted('{"testRes').failed).toBe(1)
    expect(readCounts(join(folder, 'absent.json')).failed).toBe(1)
  })
})

describe('a stage', () => {
  const run = (code: string, limitMs = 60_000, signal = new AbortController().signal) => {
    writeFileSync(join(folder, 'stage.mjs'), code)
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ scripts: { stage: 'node stage.mjs' } }))
    return runStage({ name: 'trial', script: 'stage', args: [], limitMs }, signal, folder)
  }

  test('that exits with 0 is ok, and its skips are kept', async () => {
    const code = `console.log('\\x1b[33mSKIP net/mdns: no multicast\\x1b[0m'); console.error('SKIP disk/full: not root')`
    const { ok, skips } = await run(code)
    expect(ok).toBe(true)
    expect([...skips].sort()).toEqual(['SKIP disk/full: not root', 'SKIP net/mdns: no multicast'])
  })

  test('that exits otherwise is not', async () => {
    expect(await run('process.exitCode = 3')).toMatchObject({ ok: false, why: 'exit code 3' })
  })

  test('that hangs is ended at its limit', async () => {
    const { ok, why } = await run('setInterval(() => {}, 1000)', 1_000)
    expect({ ok, why }).toEqual({ ok: false, why: expect.stringContaining('still running') })
  })

  test('that leaves a process behind fails, and the process is ended', async () => {
    const code = `
      import { spawn } from 'node:child_process'
      const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
      console.log('SKIP pid/' + child.pid + ': left')
      child.unref()`
    const { ok, why, skips } = await run(code)
    expect({ ok, why }).toEqual({ ok: false, why: 'it left processes running' })
    const pid = Number(/\d+/.exec(skips[0] ?? '')?.[0])
    await expect.poll(() => alive(pid), { timeout: 10_000 }).toBe(false)
  })

  test('that is interrupted ends', async () => {
    const interrupt = new AbortController()
    interrupt.abort()
    expect(await run('setInterval(() => {}, 1000)', 60_000, interrupt.signal)).toMatchObject({ why: 'interrupted' })
  })
})

/** A zombie that its parent has not waited for is dead, though it still takes signals. */
function alive(pid: number): boolean {
  const state = spawnSync('ps', ['-o', 'stat=', '-p', `${pid}`], { encoding: 'utf8' }).stdout.trim()
  return state !== '' && !state.startsWith('Z')
}
