import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { counter, createLog, createRegistry, gauge, histogram, ObserveError } from './index.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'brume-observe-'))
})
afterEach(() => rm(folder, { recursive: true }))

const lines = async (file: string) => (await readFile(file, 'utf8')).trimEnd().split('\n')

describe('createLog', () => {
  test('appends JSON lines at and above its level, in a folder it makes', async () => {
    const file = join(folder, 'deep', 'peer.log')
    const log = createLog({ level: 'info', name: 'p1', destination: file })
    log.debug({ hidden: 1 }, 'not written')
    log.child({ room: 'net' }).warn({ seed: 'secret', identity: { seed: 'secret', id: 'x' }, n: 7 }, 'a sentence')
    createLog({ level: 'error', destination: file }).error(
      { error: new Error('outer', { cause: new Error('inner') }) },
      'failed'
    )
    const [first, second, third] = (await lines(file)).map((line) => JSON.parse(line))
    expect(first).toMatchObject({ level: 40, name: 'p1', room: 'net', n: 7, msg: 'a sentence', identity: { id: 'x' } })
    expect(JSON.stringify(first)).not.toContain('secret')
    expect(second).toMatchObject({ level: 50, error: { message: 'outer', cause: { message: 'inner' } } })
    expect(third).toBeUndefined()
  })

  test('writes for people when asked', async () => {
    const file = join(folder, 'peer.log')
    createLog({ level: 'debug', name: 'p1', pretty: true, destination: file }).info({ peers: 3, place: 'home' }, 'up')
    expect((await lines(file))[0]).toMatch(/^\d\d:\d\d:\d\d\.\d{3} info {2}p1 up peers=3 place=home$/)
  })

  test('throws where the file cannot be opened', () => {
    expect(() => createLog({ level: 'info', destination: folder })).toThrow(ObserveError)
  })

  test.skipIf(!existsSync('/dev/full'))('survives a full disk', () => {
    const log = createLog({ level: 'info', destination: '/dev/full' })
    for (let i = 0; i < 100; i++) log.info({ i }, 'lost')
  })
})

describe('metrics', () => {
  test('the same name gives the same metric, per registry', async () => {
    const registry = createRegistry()
    counter(registry, 'brume_test_total', 'Tests.', ['result']).inc({ result: 'ok' })
    counter(registry, 'brume_test_total', 'Tests.', ['result']).inc({ result: 'ok' }, 2)
    gauge(registry, 'brume_peers', 'Peers.').set(4)
    gauge(registry, 'brume_peers', 'Peers.').inc()
    histogram(registry, 'brume_wait_seconds', 'Waits.', [0.1, 1]).observe(0.5)
    histogram(registry, 'brume_wait_seconds', 'Waits.', [0.1, 1]).observe(2)
    const text = await registry.metrics()
    for (const line of [
      'brume_test_total{result="ok"} 3',
      'brume_peers 5',
      'brume_wait_seconds_bucket{le="1"} 1',
      'brume_wait_seconds_count 2'
    ]) {
      expect(text).toContain(line)
    }
    expect(await createRegistry().metrics()).not.toContain('brume_peers')
  })

  test('a name of another kind is refused', () => {
    const registry = createRegistry()
    gauge(registry, 'brume_x', 'X.')
    expect(() => counter(registry, 'brume_x', 'X.')).toThrow(ObserveError)
    expect(() => histogram(registry, 'brume_x', 'X.', [1])).toThrow(ObserveError)
  })
})
