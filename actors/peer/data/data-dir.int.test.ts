import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Log } from '@brume/ports'
import { systemClock, systemRandom } from '@brume/ports/system'
import { openStore } from '@brume/store'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type DataDir, defaultDirectory, layoutOf, openDataDir, readIdentity, writeRunning } from './index.ts'

const silent: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }
const HOST_A = 'a'.repeat(64)
const HOST_B = 'b'.repeat(64)

let directory: string
const opened: DataDir[] = []

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'brume-data-'))
})
afterEach(async () => {
  for (const dir of opened.splice(0)) await dir.store.close()
  await rm(directory, { recursive: true })
})

async function open(options: { host?: string; keepIdentity?: boolean; at?: string } = {}): Promise<DataDir> {
  const { host = HOST_A, keepIdentity = false, at = directory } = options
  const dir = await openDataDir({
    directory: at,
    keepIdentity,
    host,
    random: systemRandom(),
    clock: systemClock(),
    log: silent,
    openStore
  })
  opened.push(dir)
  return dir
}

async function reopen(options: Parameters<typeof open>[0] = {}): Promise<DataDir> {
  await opened.pop()?.store.close()
  return open(options)
}

const idOf = (dir: DataDir): string => dir.record.identity.peerId

describe('the folder', () => {
  it('is made with all above it, closed to others', async () => {
    const at = join(directory, 'a', 'b')
    await open({ at })
    for (const folder of [at, join(directory, 'a')]) expect((await stat(folder)).mode & 0o777).toBe(0o700)
  })

  it.runIf(process.platform === 'linux')('is refused where none can be made', async () => {
    await expect(open({ at: '/proc/brume/a' })).rejects.toMatchObject({ code: 'BRUME_PEER_DATA_DIR' })
  })
})

describe('the identity', () => {
  it.each(['store', 'journal'] as const)('is not made anew beside what another has left in the %s', async (part) => {
    const { store, layout } = await open()
    if (part === 'store') await store.batch([{ type: 'put', key: Uint8Array.of(1), value: Uint8Array.of(2) }])
    else await mkdir(layout.journal)
    await rm(layout.identity)
    await expect(reopen()).rejects.toMatchObject({
      code: 'BRUME_PEER_IDENTITY',
      message: expect.stringContaining('restore it from a copy')
    })
    await expect(readIdentity(layout.identity)).resolves.toBeUndefined()
  })

  it('is made once and stays, for the owner only', async () => {
    const first = await open()
    const second = await reopen()
    expect(idOf(second)).toBe(idOf(first))
    expect((await stat(second.layout.identity)).mode & 0o777).toBe(0o600)
    expect((await readdir(directory)).sort()).toEqual(['groups', 'identity.json', 'store'])
  })

  it('remembers that a journal was born', async () => {
    const dir = await open()
    expect(dir.record.journalBorn).toBe(false)
    await dir.markJournalBorn()
    expect(dir.record.journalBorn).toBe(true)
    expect((await reopen()).record).toMatchObject({ journalBorn: true, host: HOST_A, bornEpoch: dir.record.bornEpoch })
  })

  it('may be without an epoch of birth, as other programs write it', async () => {
    const { layout } = await open()
    const { bornEpoch, ...rest } = JSON.parse(await readFile(layout.identity, 'utf8'))
    expect(bornEpoch).toBe(Math.floor(Date.now() / 3_600_000))
    await writeFile(layout.identity, JSON.stringify(rest))
    expect(await readIdentity(layout.identity)).toMatchObject({ bornEpoch: undefined })
    await writeFile(layout.identity, JSON.stringify({ ...rest, bornEpoch: -1 }))
    await expect(readIdentity(layout.identity)).rejects.toMatchObject({ code: 'BRUME_PEER_IDENTITY' })
    await writeFile(layout.identity, JSON.stringify(rest))
  })

  it.each([
    ['empty', ''],
    ['cut', '{"version":1,"see'],
    ['no object', '[1]'],
    ['of another version', '{"version":2}'],
    ['without a seed', '{"version":1,"journalBorn":false,"host":null}'],
    ['huge', `"${'x'.repeat(10_000)}"`]
  ])('is never made anew over a file that is %s', async (_what, content) => {
    await writeFile(layoutOf(directory).identity, content)
    await expect(open()).rejects.toMatchObject({ code: 'BRUME_PEER_IDENTITY' })
    expect(await readFile(layoutOf(directory).identity, 'utf8')).toBe(content)
  })

  it('is refused when a digit of the seed changed', async () => {
    const { layout, record } = await open()
    const text = await readFile(layout.identity, 'utf8')
    const digit = text.indexOf('"seed": "') + 9
    const flipped = text[digit] === '0' ? '1' : '0'
    await writeFile(layout.identity, text.slice(0, digit) + flipped + text.slice(digit + 1))
    await expect(readIdentity(layout.identity)).rejects.toMatchObject({ code: 'BRUME_PEER_IDENTITY' })
    await writeFile(layout.identity, text)
    expect((await readIdentity(layout.identity))?.identity.peerId).toBe(record.identity.peerId)
  })

  it('leaves the folder unlocked after it was refused', async () => {
    await writeFile(layoutOf(directory).identity, 'x')
    await expect(open()).rejects.toMatchObject({ code: 'BRUME_PEER_IDENTITY' })
    await rm(layoutOf(directory).identity)
    expect(idOf(await open())).toMatch(/^12D3KooW/)
  })
})

describe('a disk on another machine', () => {
  it('becomes a new peer; the old identity, journal and store are set aside', async () => {
    const first = await open()
    await writeFile(first.layout.config, '{}')
    const second = await reopen({ host: HOST_B })
    expect(idOf(second)).not.toBe(idOf(first))
    const [aside] = await readdir(second.layout.previous)
    expect(aside).toContain(idOf(first))
    expect((await readdir(join(second.layout.previous, aside ?? ''))).sort()).toEqual(['identity.json', 'store'])
    expect(await readFile(second.layout.config, 'utf8')).toBe('{}')
  })

  it('stays the same peer with --keep-identity, from then on without it', async () => {
    const first = await open()
    expect(idOf(await reopen({ host: HOST_B, keepIdentity: true }))).toBe(idOf(first))
    expect(idOf(await reopen({ host: HOST_B }))).toBe(idOf(first))
  })
})

describe('a data directory', () => {
  it('belongs to one process, and says to which', async () => {
    const { layout } = await open()
    await expect(open()).rejects.toMatchObject({ code: 'BRUME_PEER_DATA_DIR_LOCKED' })
    await writeRunning(layout.running, { pid: process.pid, control: '' })
    await expect(open()).rejects.toThrow(`process ${process.pid} runs a peer on ${directory}`)
  })

  it('is refused to a second process', async () => {
    const store = layoutOf(directory).store
    const script = `import { openStore } from '@brume/store'
      await openStore(process.argv[1])
      process.stdout.write('open')
      setInterval(() => {}, 1000)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, store], {
      cwd: import.meta.dirname,
      stdio: ['ignore', 'pipe', 'inherit']
    })
    try {
      await once(child.stdout, 'data')
      await expect(open()).rejects.toMatchObject({ code: 'BRUME_PEER_DATA_DIR_LOCKED' })
    } finally {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    expect(idOf(await open())).toMatch(/^12D3KooW/)
  })

  it('under a path that is a file is refused with a sentence', async () => {
    await writeFile(join(directory, 'file'), '')
    await expect(open({ at: join(directory, 'file', 'brume') })).rejects.toMatchObject({
      code: 'BRUME_PEER_DATA_DIR',
      message: expect.stringContaining('choose another --data-dir')
    })
  })

  // Root may write everywhere.
  it.skipIf(process.getuid?.() === 0)('that cannot be written is refused with a sentence', async () => {
    await chmod(directory, 0o500)
    await expect(open()).rejects.toMatchObject({ code: 'BRUME_PEER_DATA_DIR' })
    await chmod(directory, 0o700)
  })
})

describe('defaultDirectory', () => {
  it('goes where it is told, then where the platform keeps data', () => {
    expect(defaultDirectory({ BRUME_DATA_DIR: '/srv/fog' })).toBe('/srv/fog')
    if (process.platform === 'darwin') return
    expect(defaultDirectory({ XDG_DATA_HOME: '/x' })).toBe('/x/brume')
    expect(defaultDirectory({ XDG_DATA_HOME: 'relative' })).toMatch(/\/\.local\/share\/brume$/)
  })
})
