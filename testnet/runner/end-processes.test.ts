import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import { endProcesses } from './end-processes.ts'
import { identifyProcess, isRunning, type ProcessId, parseStat } from './process-table.ts'

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

async function startNode(script: string): Promise<ProcessId> {
  const child = spawn(process.execPath, ['-e', `${script};process.stdout.write('up');setInterval(()=>{},1e6)`])
  children.push(child)
  await once(child.stdout, 'data')
  const id = identifyProcess(child.pid ?? 0)
  if (id === undefined) throw new Error('the child did not start')
  return id
}

test('a command name with spaces and parentheses does not shift the fields', () => {
  const rest = Array.from({ length: 30 }, (_, index) => index + 3).join(' ')
  expect(parseStat(`42 (a ) (b) ${rest.replace('3', 'S')}`)).toEqual({ state: 'S', startTime: '22' })
})

test('a polite process ends by SIGTERM', async () => {
  const polite = await startNode('')
  expect(await endProcesses([polite], 10_000)).toEqual([])
  expect(isRunning(polite)).toBe(false)
})

test('a stopped process gets to end cleanly', async () => {
  const stopped = await startNode("process.on('SIGTERM',()=>process.exit(7))")
  const exited = once(children.at(-1) ?? process, 'exit')
  process.kill(stopped.pid, 'SIGSTOP')
  expect(await endProcesses([stopped], 10_000)).toEqual([])
  expect(await exited).toEqual([7, null])
})

test('one that ignores SIGTERM ends by SIGKILL', async () => {
  const deaf = await startNode("process.on('SIGTERM',()=>{})")
  expect(await endProcesses([deaf], 300)).toEqual([])
  expect(isRunning(deaf)).toBe(false)
})

test('a recycled pid is left alone: the start time must match', async () => {
  const other = await startNode('')
  await endProcesses([{ pid: other.pid, startTime: '1' }], 100)
  expect(isRunning(other)).toBe(true)
})
