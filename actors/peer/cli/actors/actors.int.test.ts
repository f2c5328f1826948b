import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { BrumeProcess, ownNetwork } from '../testing.ts'

const machine = fileURLToPath(new URL('../../examples/quick-start/counter.machine.ts', import.meta.url))
const fragile = fileURLToPath(new URL('../../fixtures/fragile.machine.ts', import.meta.url))
const network = ownNetwork()
let folder: string
let peer: BrumeProcess

const isRunning = ({ event, state }: Record<string, unknown>): boolean => event === 'peer.state' && state === 'running'

function start(): BrumeProcess {
  const settings = ['--network', network, '--profile', 'local', '--no-mdns', '--actors', machine, '--actors', fragile]
  return new BrumeProcess(['up', '--json', '--data-dir', folder, ...settings])
}

async function brume(...args: readonly string[]): Promise<Record<string, unknown>> {
  const process = new BrumeProcess(['--data-dir', folder, 'actors', '--json', ...args])
  await process.exited
  return process.events()[0] ?? { printed: process.err }
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'brume-actors-'))
  peer = start()
  await peer.event(isRunning, 60_000)
}, 90_000)
afterAll(async () => {
  await peer.kill('SIGTERM')
  await rm(folder, { recursive: true, force: true })
})

it('runs a module, shows what it becomes, and keeps it over a kill -9', { timeout: 240_000 }, async () => {
  expect(await brume('list')).toMatchObject({
    actors: [{ path: 'counter', kind: 'counter', durability: 'journal' }, { path: 'fragile' }]
  })
  expect(await brume('send', 'counter', '{"type":"add","by":2}')).toEqual({ seq: 1 })
  expect(await brume('send', 'counter', '{"type":"add","by":3}', '--ask')).toEqual({ reply: 5 })
  expect(await brume('show', 'counter')).toMatchObject({ seq: 2, context: { n: 5 }, cell: 'active' })

  await peer.kill('SIGKILL')
  peer = start()
  await peer.event(isRunning, 60_000)
  expect(await brume('show', 'counter')).toMatchObject({ context: { n: 5 } })
  expect(await brume('history', 'counter', '--from', '1')).toMatchObject({
    entries: [{ event: { type: 'add', by: 2 } }, { event: { type: 'add', by: 3 } }]
  })
  expect(await brume('at', 'counter', '1')).toMatchObject({ context: { n: 2 } })
})

it('follows an actor while it changes', { timeout: 120_000 }, async () => {
  const tail = new BrumeProcess(['--data-dir', folder, 'actors', 'tail', 'counter', '--json'])
  const counted = async (): Promise<unknown> => {
    await brume('send', 'counter', '{"type":"add","by":0}')
    return tail.events()[0]
  }
  await expect.poll(counted, { timeout: 60_000 }).toMatchObject({ became: { context: { n: 5 } } })
  await tail.kill('SIGINT')
})

it('brings back an actor that failed too often, and says why it did', { timeout: 240_000 }, async () => {
  await brume('send', 'fragile', '{"type":"add"}')
  for (let count = 0; count < 6; count++) await brume('send', 'fragile', '{"type":"fail"}')
  const failure = 'Error: no such thing'
  expect(await brume('list')).toMatchObject({
    actors: [{}, { path: 'fragile', status: 'failed', restarts: 5, failure }]
  })
  expect(await brume('send', 'fragile', '{"type":"add"}')).toMatchObject({
    error: { code: 'BRUME_RUNTIME_FAILED', message: expect.stringContaining(failure) }
  })
  expect(await brume('resurrect', 'fragile')).toMatchObject({ address: expect.stringMatching(/\/fragile$/) })
  expect(await brume('send', 'fragile', '{"type":"add"}')).toEqual({ seq: 2 })
  expect(await brume('show', 'fragile')).toMatchObject({ cell: 'active', context: { n: 2 } })
})

it('says what is wrong with a request', { timeout: 120_000 }, async () => {
  expect(await brume('show', 'nobody')).toMatchObject({ error: { code: 'BRUME_RUNTIME_NOACTOR' } })
  expect(await brume('send', 'counter', 'add')).toMatchObject({ error: { code: 'BRUME_PEER_USAGE' } })
  expect(await brume('at', 'counter', '99999')).toMatchObject({
    error: { code: 'BRUME_PEER_USAGE', message: expect.stringMatching(/^counter has processed \d+ events, not 99999$/) }
  })
  const nobody = 'brume://12D3KooWLR7EPFq4ENqY8KXNEunUiHWXKNk3RrUa9oiR7q9PBYB4/counter'
  expect(await brume('show', nobody)).toMatchObject({
    error: { code: 'BRUME_PEER_UNREACHABLE', message: expect.stringContaining('no peer 12D3KooWLR7E') }
  })
  expect(await brume('send', 'counter', '{"type":"xstate.stop"}')).toMatchObject({
    error: { code: 'BRUME_RUNTIME_INVALID' }
  })
})
