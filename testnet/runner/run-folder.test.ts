import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { identifyProcess } from './process-table.ts'
import { findRun, listRuns, newRunId, pruneRuns, RunFolder, type RunManifest } from './run-folder.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'brume-runs-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

function makeRun(runId: string): RunFolder {
  const run = new RunFolder(directory, runId)
  const manifest: RunManifest = {
    version: 1,
    runId,
    createdAt: '2026-01-01T00:00:00Z',
    peers: [],
    discovery: 'mdns',
    networkName: 'n',
    group: null,
    votes: false
  }
  run.create(manifest)
  return run
}

test('run ids sort by the second they were made in', () => {
  const early = newRunId(new Date('2026-02-03T04:05:06Z'))
  expect(early).toMatch(/^260203040506-[0-9a-f]{4}$/)
  expect(early < newRunId(new Date('2026-02-03T04:05:07Z'))).toBe(true)
})

test('a run without an id is the newest that runs, else the newest', () => {
  makeRun('260101000000-aaaa')
  makeRun('260101000001-aaaa')
  expect(findRun(directory).runId).toBe('260101000001-aaaa')
  const self = identifyProcess(process.pid)
  if (self === undefined) throw new Error('this process is not in the process table')
  findRun(directory, '260101000000-aaaa').writeProcesses([{ name: 'runner', ...self }])
  expect(findRun(directory).runId).toBe('260101000000-aaaa')
})

test('an unknown run is refused with the folder it was looked for in', () => {
  expect(() => findRun(directory, '260101000000-aaaa')).toThrow(
    expect.objectContaining({ code: 'BRUME_TESTNET_NO_RUN', message: expect.stringContaining(directory) })
  )
})

test('pruning keeps the newest finished runs and every running one', () => {
  for (let i = 0; i < 5; i++) makeRun(`26010100000${i}-aaaa`)
  const self = identifyProcess(process.pid)
  if (self === undefined) throw new Error('this process is not in the process table')
  findRun(directory, '260101000000-aaaa').writeProcesses([{ name: 'runner', ...self }])
  pruneRuns(directory, 2)
  expect(listRuns(directory).map((run) => run.runId)).toEqual([
    '260101000004-aaaa',
    '260101000003-aaaa',
    '260101000000-aaaa'
  ])
})
