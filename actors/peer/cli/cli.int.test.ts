import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { isAlive } from '../data/index.ts'
import { BrumeProcess, ownNetwork } from './testing.ts'

let folder: string
let cache: string
let network: string
const started: BrumeProcess[] = []

beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), 'brume-cli-cache-'))
})
afterAll(() => rm(cache, { recursive: true, force: true }))

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'brume-cli-'))
  network = ownNetwork()
})

afterEach(async () => {
  for (const process of started.splice(0)) {
    if (process.child.exitCode === null && process.child.signalCode === null) await process.kill('SIGKILL')
  }
  await rm(folder, { recursive: true, force: true })
})

function brume(args: readonly string[], environment: Record<string, string> = {}): BrumeProcess {
  const run = new BrumeProcess(args, { NODE_COMPILE_CACHE: cache, TMPDIR: folder, ...environment })
  started.push(run)
  return run
}

const up = (name: string, ...args: string[]): BrumeProcess =>
  brume(['up', '--json', '--profile', 'local', '--network', network, '--data-dir', join(folder, name), ...args])

/** The object a query prints. */
async function ask(command: string, name: string): Promise<Record<string, unknown>> {
  const run = brume([command, '--json', '--data-dir', join(folder, name)])
  await run.exited
  return JSON.parse(run.out)
}

const isRunning = (event: Record<string, unknown>): boolean => event.state === 'running'
const joined =
  (peer: unknown) =>
  (event: Record<string, unknown>): boolean =>
    event.event === 'peer.joined' && event.peer === peer

/** Two peers that have met. */
async function pair(): Promise<{ a: BrumeProcess; b: BrumeProcess; idA: unknown; idB: unknown }> {
  const [a, b] = [up('a'), up('b')]
  const [{ id: idA }, { id: idB }] = [await a.event(isRunning), await b.event(isRunning)]
  await Promise.all([a.event(joined(idB)), b.event(joined(idA))])
  return { a, b, idA, idB }
}

describe('brume up', () => {
  it('meets another peer by multicast; both list each other with their machines, and both stop cleanly', async () => {
    const { a, b, idA, idB } = await pair()
    const { peers } = await ask('peers', 'a')
    expect(peers).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ peer: idA, self: true }),
        expect.objectContaining({
          peer: idB,
          self: false,
          connected: true,
          state: 'up',
          host: expect.objectContaining({ cores: expect.any(Number), class: expect.any(String) }),
          capabilities: expect.any(Array)
        })
      ])
    )
    expect(await ask('status', 'b')).toMatchObject({ id: idB, state: 'running', members: { known: 1, connected: 1 } })
    expect(await a.kill('SIGTERM')).toBe(0)
    await b.event((event) => event.event === 'peer.left' && event.peer === idA)
    expect(await b.kill('SIGINT')).toBe(0)
    expect(a.events().at(-1)).toEqual({ event: 'peer.state', state: 'stopped' })
    expect(a.err + b.err).not.toContain('"level":50')
  }, 90_000)

  it('keeps its identity, and meets again after kill -9', async () => {
    const { a, b, idA, idB } = await pair()
    await a.kill('SIGKILL')
    await b.event((event) => event.event === 'peer.left')
    const again = up('a')
    expect((await again.event(isRunning)).id).toBe(idA)
    await again.event(joined(idB))
    expect(await ask('status', 'a')).toMatchObject({ journals: { membership: 'clean', quorum: 'clean' } })
    expect(await ask('id', 'a')).toEqual({ id: idA })
  }, 90_000)

  it('ends when nobody reads its lines any more', async () => {
    const a = up('a')
    await a.event(isRunning)
    a.child.stdout?.destroy()
    const b = up('b')
    await b.event((event) => event.event === 'peer.left')
    expect(await a.exited).toBe(0)
  }, 60_000)

  it('refuses a data directory that another process runs, and names it', async () => {
    const first = up('a')
    await first.event(isRunning)
    const second = up('a')
    expect(await second.exited).toBe(1)
    expect(JSON.parse(second.out.trim().split('\n').at(-1) ?? '')).toEqual({
      error: {
        code: 'BRUME_PEER_DATA_DIR_LOCKED',
        message: expect.stringContaining(`process ${first.child.pid} runs a peer`)
      }
    })
    expect(await ask('status', 'a')).toMatchObject({ pid: first.child.pid })
  }, 60_000)

  it('ends by itself after --for, with 0 and nothing left', async () => {
    const run = up('a', '--for', '300ms')
    expect(await run.exited).toBe(0)
    expect(isAlive(run.child.pid ?? 0)).toBe(false)
    expect((await readdir(join(folder, 'a'))).includes('running.json')).toBe(false)
    expect(await readdir(join(folder, `brume-${process.getuid?.()}`))).toEqual([])
  }, 60_000)

  it('ends at once at a second signal', async () => {
    const run = up('a')
    await run.event(isRunning)
    run.child.kill('SIGINT')
    await run.event((event) => event.state === 'stopping')
    expect([0, 130]).toContain(await run.kill('SIGINT'))
  }, 60_000)

  it('ends with 70 at an error that nobody caught, and logs it', async () => {
    const boom = join(folder, 'boom.mjs')
    await writeFile(boom, `process.once('SIGUSR2', () => { throw new Error('boom') })`)
    const args = ['up', '--json', '--profile', 'local', '--network', network, '--data-dir', join(folder, 'a')]
    const run = brume(args, { NODE_OPTIONS: `--import=${boom}` })
    await run.event(isRunning)
    expect(await run.kill('SIGUSR2')).toBe(70)
    expect(run.err).toContain('"msg":"an error was not caught"')
    expect(run.events().at(-1)).toEqual({
      error: { code: 'BRUME_PEER_INTERNAL', message: 'boom; this is a fault in brume' }
    })
    const again = up('a', '--for', '1ms')
    expect(await again.exited).toBe(0)
  }, 60_000)

  it('speaks to people without --json', async () => {
    const args = ['up', '--profile', 'local', '--network', network, '--data-dir', join(folder, 'a'), '--for', '1ms']
    const run = brume(args)
    expect(await run.exited).toBe(0)
    expect(run.out).toMatch(/^peer {5}12D3KooW\w+\naddress {2}\/ip4\/127.0.0.1\/tcp\/\d+/)
    expect(run.out).not.toContain('\u001b')
  }, 60_000)

  it('takes settings from file and variables', async () => {
    await mkdir(join(folder, 'a'))
    await writeFile(join(folder, 'a', 'config.json'), JSON.stringify({ network, preset: 'raspberry-pi' }))
    const run = brume(['up', '--json', '--data-dir', join(folder, 'a')], { BRUME_PROFILE: 'local' })
    expect(await run.event(isRunning)).toMatchObject({ network: { name: network }, profile: 'local' })
    expect(await ask('status', 'a')).toMatchObject({ preset: 'raspberry-pi' })
  }, 60_000)
})

describe('a start that cannot be', () => {
  async function refused(run: BrumeProcess, status = 1): Promise<unknown> {
    expect(await run.exited).toBe(status)
    expect(run.err).toBe('')
    return JSON.parse(run.out.trim().split('\n').at(-1) ?? '').error
  }

  it.each([
    ['BRUME_PEER_CONFIG', 'did you mean "network"', 2, 'config.json', '{"netwrk":"x"}'],
    ['BRUME_PEER_CONFIG', 'is not valid JSON', 2, 'config.json', '{'],
    ['BRUME_PEER_IDENTITY', 'is damaged', 1, 'identity.json', '{}']
  ])('says %s, %s', async (code, message, status, file, content) => {
    await mkdir(join(folder, 'a'))
    await writeFile(join(folder, 'a', file), content)
    expect(await refused(up('a'), status)).toEqual({ code, message: expect.stringContaining(message) })
  })

  it.each([
    ['BRUME_PEER_CONFIG', 'does not begin with /', ['--listen', '127.0.0.1:4720']],
    ['BRUME_PEER_CONFIG', '/p2p/<peer id>', ['--bootstrap', '/ip4/127.0.0.1/tcp/1']],
    ['BRUME_PEER_USAGE', 'Did you mean --listen', ['--lisen', 'x']],
    ['BRUME_PEER_USAGE', 'is not a duration', ['--for', 'ever']],
    ['BRUME_PEER_USAGE', '--data-dir takes a path', ['--data-dir', '']]
  ])('says %s, %s', async (code, message, args) => {
    expect(await refused(up('a', ...args), 2)).toEqual({ code, message: expect.stringContaining(message) })
  })

  it('says that the port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    try {
      await new Promise((listening) => other.once('listening', listening))
      const address = other.address()
      const port = typeof address === 'object' ? address?.port : undefined
      const error = await refused(up('a', '--listen', `/ip4/127.0.0.1/tcp/${port}`))
      const message = expect.stringContaining(`127.0.0.1:${port} is taken`)
      expect(error).toEqual({ code: 'BRUME_NET_PORT_IN_USE', message })
    } finally {
      other.close()
    }
  }, 60_000)

  it('says that the folder cannot be', async () => {
    await writeFile(join(folder, 'a'), 'a file')
    expect(await refused(up('a'))).toMatchObject({ code: 'BRUME_PEER_DATA_DIR' })
  })

  it('loads modules of machines before it tells of anything', async () => {
    const run = up('a', '--actors', join(import.meta.dirname, 'duration.ts'))
    const error = await refused(run, 2)
    expect(run.events()).toEqual([{ error }])
    expect(error).toMatchObject({ code: 'BRUME_PEER_USAGE', message: expect.stringContaining('has no default export') })
  })

  it('prints one line for people', async () => {
    const run = brume(['up', '--data-dir', join(folder, 'a'), '--degree', '5'])
    expect(await run.exited).toBe(2)
    expect(run.err).toBe('error: --degree must be one of 4, 6, 8, 12, not "5" (BRUME_PEER_CONFIG)\n')
  })
})

describe('queries', () => {
  it.each(['status', 'peers', 'id'])('%s says when there is no peer', async (command) => {
    const run = brume([command, '--data-dir', join(folder, 'none')])
    expect(await run.exited).toBe(1)
    expect(run.err).toMatch(/^error: no peer .* start one with: brume up \(BRUME_PEER_(NOT_RUNNING|NO_IDENTITY)\)\n$/)
  })

  it('status says so when the peer was killed', async () => {
    const run = up('a')
    await run.event(isRunning)
    await run.kill('SIGKILL')
    expect(await ask('status', 'a')).toMatchObject({ error: { code: 'BRUME_PEER_NOT_RUNNING' } })
  }, 60_000)

  it('version is the one of package.json', async () => {
    const run = brume(['version', '--json'])
    await run.exited
    const { version } = JSON.parse(await readFile(join(import.meta.dirname, '../../package.json'), 'utf8'))
    expect(JSON.parse(run.out)).toEqual({ version, node: process.versions.node })
  })
})

describe('subcommands', () => {
  let path: string
  beforeEach(async () => {
    path = join(folder, 'bin')
    await mkdir(path)
    await writeFile(
      join(path, 'brume-hello'),
      '#!/bin/sh\ntrap "exit 9" TERM; echo "hello $*"; [ "$1" = wait ] && while :; do sleep 0.05; done; exit 7'
    )
    await chmod(join(path, 'brume-hello'), 0o755)
    await writeFile(join(path, 'brume-plain'), 'not executable')
    await symlink(join(path, 'nowhere'), join(path, 'brume-dangling'))
  })
  const withPath = (...args: string[]) => brume(args, { PATH: `${path}:/usr/bin:/bin` })

  it('are found on PATH, get the arguments, and give their status', async () => {
    const run = withPath('hello', '--json', 'a b')
    expect(await run.exited).toBe(7)
    expect(run.out).toBe('hello --json a b\n')
  })

  it('get --json from before their name, but no data directory, which is not theirs', async () => {
    const [run, other] = [withPath('--json', 'hello', 'a b'), withPath('--data-dir', 'a', 'hello')]
    expect([await run.exited, run.out]).toEqual([7, 'hello a b --json\n'])
    expect([await other.exited, other.err]).toEqual([2, expect.stringContaining('(BRUME_PEER_USAGE)')])
  })

  it('get signals', async () => {
    const run = withPath('hello', 'wait')
    while (!run.out.includes('hello')) await new Promise((next) => setTimeout(next, 10))
    expect(await run.kill('SIGTERM')).toBe(9)
  })

  it('are listed by help when they can be run', async () => {
    const run = withPath()
    expect(await run.exited).toBe(0)
    expect(run.out).toContain('\n  hello\n')
    expect(run.out).not.toMatch(/plain|dangling/)
  })

  it('that do not exist are refused with a guess', async () => {
    const run = withPath('--json', 'hullo')
    expect(await run.exited).toBe(2)
    expect(JSON.parse(run.out).error).toEqual({
      code: 'BRUME_PEER_UNKNOWN_COMMAND',
      message: expect.stringContaining('did you mean hello?')
    })
    expect(await withPath('../bin/brume-hello').exited).toBe(2)
  })
})
