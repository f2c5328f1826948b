import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { layoutOf, writeRunning } from '../../data/index.ts'
import { ask } from './running.ts'

let folder: string
let stopped: Server
const callers = new Set<Socket>()
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'brume-stopped-'))
  const control = join(folder, 's.sock')
  // As a process under SIGSTOP: the system takes the connection, nobody reads it.
  stopped = createServer({ pauseOnConnect: true }, (caller) => callers.add(caller))
  await new Promise<void>((listening) => stopped.listen(control, listening))
  await writeRunning(layoutOf(folder).running, { pid: process.pid, control })
})
afterEach(async () => {
  vi.restoreAllMocks()
  for (const caller of callers) caller.destroy()
  await new Promise((closed) => stopped.close(closed))
  await rm(folder, { recursive: true, force: true })
})

it('gives up on a peer that does not answer at all, and says before that it waits', { timeout: 60_000 }, async () => {
  const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  const asked = (['status', 'actors.list', 'quorum.read'] as const).map((request) => ask(folder, request))
  const answers = await Promise.allSettled(asked)
  for (const answer of answers) {
    expect(answer).toMatchObject({ status: 'rejected', reason: { code: 'BRUME_PEER_CONTROL' } })
  }
  expect(
    said.mock.calls.filter(([line]) => /^waiting for the peer, process \d+, to answer\n$/.test(String(line)))
  ).toHaveLength(3)
})
