import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Log } from '@brume/ports'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { PeerError } from '../errors.ts'
import { askControl, type ControlServer, controlPath, serveControl } from './index.ts'
import { LineCutter } from './lines.ts'
import { sweepSockets } from './sweep.ts'

const loud: unknown[] = []
const keep = (fields: object): void => void loud.push(fields)
const log: Log = { debug() {}, info() {}, warn: keep, error: keep, child: () => log }

let folder: string
let path: string
let server: ControlServer
const listeners = new Set<(event: object) => void>()

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'brume-control-'))
  path = join(folder, 's.sock')
  server = await serveControl(path, service, log)
  loud.length = 0
})

afterEach(async () => {
  await server.close()
  await rm(folder, { recursive: true })
})

const service = {
  answer(request: string): unknown {
    if (request === 'peers') throw new Error('no')
    if (request === 'actors.show') throw new PeerError('BRUME_PEER_USAGE', 'no such actor')
    return { asked: request }
  },
  stream(_: string, __: object, listener: (event: object) => void) {
    listeners.add(listener)
    return () => void listeners.delete(listener)
  }
}

/** Everything the server says to these raw bytes until it closes. */
function say(...chunks: readonly (string | Buffer)[]): Promise<string> {
  return new Promise((resolve, reject) => {
    let heard = ''
    const socket = connect(path, () => {
      for (const chunk of chunks) socket.write(chunk)
    })
    socket.on('data', (data) => {
      heard += data
    })
    socket.on('close', () => resolve(heard)).on('error', reject)
  })
}

describe('the control socket', () => {
  it('answers one request with one line', async () => {
    expect(await askControl(path, 'status')).toEqual({ asked: 'status' })
    expect(await say('{"do":"id"}\n{"do":"status"}\n')).toBe('{"ok":true,"value":{"asked":"id"}}\n')
  })

  it('takes a request that comes in pieces', async () => {
    expect(await say('{"do"', ':"stat', 'us"}\n')).toContain('"asked":"status"')
  })

  it.each([
    ['garbage', Buffer.from([0xff, 0x00, 0x0a])],
    ['an unknown request', '{"do":"dance"}\n'],
    ['no object', 'null\n'],
    ['an empty line', '\n'],
    ['a prototype', '{"do":{"__proto__":"status"}}\n']
  ])('refuses %s and goes on', async (_what, bytes) => {
    expect(JSON.parse(await say(bytes))).toMatchObject({ ok: false, error: { code: 'BRUME_PEER_CONTROL' } })
    expect(await askControl(path, 'id')).toEqual({ asked: 'id' })
  })

  it('refuses an oversized line without waiting for its end', async () => {
    expect(JSON.parse(await say('x'.repeat(200_000)))).toMatchObject({ ok: false })
  })

  it('says what failed inside', async () => {
    await expect(askControl(path, 'peers')).rejects.toMatchObject({
      code: 'BRUME_PEER_CONTROL',
      message: expect.stringContaining('no')
    })
  })

  it('keeps to itself what the one who asked is told, and warns of its own faults', async () => {
    await expect(askControl(path, 'actors.show')).rejects.toMatchObject({ code: 'BRUME_PEER_USAGE' })
    expect(loud).toEqual([])
    await expect(askControl(path, 'peers')).rejects.toThrow()
    expect(loud).toMatchObject([{ request: 'peers', error: { message: 'no' } }])
  })

  it('forgets a client that leaves in the middle of a line', async () => {
    const socket = connect(path, () => socket.end('{"do":'))
    await new Promise((closed) => socket.resume().once('close', closed))
    expect(await askControl(path, 'id')).toEqual({ asked: 'id' })
  })

  it('streams events until the client leaves', async () => {
    const socket: Socket = connect(path, () => socket.write('{"do":"events"}\n'))
    let heard = ''
    socket.on('data', (data) => {
      heard += data
    })
    await vi.waitFor(() => expect(listeners.size).toBe(1), 5_000)
    for (const listener of listeners) listener({ event: 'x' })
    await vi.waitFor(() => expect(heard).toBe('{"ok":true,"value":null}\n{"event":"x"}\n'), 5_000)
    socket.destroy()
    await vi.waitFor(() => expect(listeners.size).toBe(0), 5_000)
  })

  it('lets a reader go that does not read', async () => {
    const socket: Socket = connect(path, () => socket.write('{"do":"events"}\n'))
    socket.pause()
    socket.on('error', () => undefined)
    await vi.waitFor(() => expect(listeners.size).toBe(1), 5_000)
    const event = { filler: 'x'.repeat(100_000) }
    await vi.waitFor(() => {
      for (const listener of listeners) listener(event)
      expect(listeners.size).toBe(0)
    }, 5_000)
    socket.destroy()
  })

  it('replaces the socket of a killed peer', async () => {
    const stale = join(folder, 'stale.sock')
    await writeFile(stale, '')
    const second = await serveControl(stale, service, log)
    expect(await askControl(stale, 'id')).toEqual({ asked: 'id' })
    await second.close()
    await expect(stat(stale)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('closes although clients are connected', async () => {
    const socket = connect(path)
    await new Promise((connected) => socket.once('connect', connected))
    await server.close()
    await expect(askControl(path, 'id')).rejects.toMatchObject({ code: 'BRUME_PEER_NOT_RUNNING' })
  })
})

describe('askControl', () => {
  const answering = async (answer: (socket: Socket) => void): Promise<unknown> => {
    const odd = join(folder, 'odd.sock')
    const other = createServer((socket) => answer(socket.on('error', () => undefined))).listen(odd)
    await new Promise((listening) => other.once('listening', listening))
    const asked = askControl(odd, 'id', { timeoutMs: 300 })
    await asked.catch(() => undefined)
    other.close()
    return asked
  }

  it.each([
    ['silence', () => undefined, 'did not answer within 300 ms'],
    ['a hang-up', (socket: Socket) => socket.end(), 'without an answer'],
    ['half an answer', (socket: Socket) => socket.end('{"ok":tr'), 'without an answer'],
    ['nonsense', (socket: Socket) => socket.end('hello\n'), 'cannot be read'],
    ['an error without words', (socket: Socket) => socket.end('{"ok":false}\n'), 'cannot be read']
  ])('reports %s', async (_what, answer, message) => {
    await expect(answering(answer)).rejects.toMatchObject({
      code: 'BRUME_PEER_CONTROL',
      message: expect.stringContaining(message)
    })
  })
})

describe('controlPath', () => {
  it('is one short path per directory, in a folder closed to others', async () => {
    const [one, again, other] = [
      await controlPath(folder),
      await controlPath(`${folder}/.`),
      await controlPath(tmpdir())
    ]
    expect(one).toBe(again)
    expect(other).not.toBe(one)
    expect((await stat(join(one, '..'))).mode & 0o777).toBe(0o700)
  })
})

describe('sweepSockets', () => {
  it('removes what killed peers left, and neither living sockets nor young ones', async () => {
    const bind = `require('node:net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`
    spawnSync(process.execPath, ['-e', bind, join(folder, 'dead.sock')])
    await sweepSockets(folder, Date.now())
    expect((await readdir(folder)).sort()).toEqual(['dead.sock', 's.sock'])
    await sweepSockets(folder, Date.now() + 120_000)
    expect(await readdir(folder)).toEqual(['s.sock'])
    expect(await askControl(path, 'id')).toEqual({ asked: 'id' })
  })
})

describe('LineCutter', () => {
  it('cuts lines wherever the chunks break, also inside a character', () => {
    const bytes = Buffer.from('one\nzwölf\n\nrest')
    for (let cut = 0; cut <= bytes.length; cut++) {
      const cutter = new LineCutter(16)
      expect([...cutter.push(bytes.subarray(0, cut)), ...cutter.push(bytes.subarray(cut))]).toEqual([
        'one',
        'zwölf',
        ''
      ])
    }
  })

  it('holds no more than its limit', () => {
    const cutter = new LineCutter(4)
    expect(cutter.push(Buffer.from('1234\n123'))).toEqual(['1234'])
    expect(() => cutter.push(Buffer.from('45'))).toThrow('longer than 4 bytes')
  })
})
