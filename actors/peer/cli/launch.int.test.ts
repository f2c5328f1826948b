import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

/** Says that this Node is an older one; the one that takes its place says what it is. */
const OLDER = `data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'20.11.0'}})`
const LAUNCHER = join(import.meta.dirname, 'launch.mjs')

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'brume-launch-'))
})
afterEach(() => rm(folder, { recursive: true }))

const byOlder = (script: string, ...args: readonly string[]): ChildProcess =>
  spawn(process.execPath, ['--import', OLDER, script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })

async function endOf(
  child: ChildProcess
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  let [out, err] = ['', '']
  child.stdout?.on('data', (data) => {
    out += data
  })
  child.stderr?.on('data', (data) => {
    err += data
  })
  const [code] = await once(child, 'close')
  return { code, out, err }
}

test('an older node starts the one that brume brings, with its arguments, and ends as it does', async () => {
  const { engines } = JSON.parse(await readFile(join(import.meta.dirname, '../../../package.json'), 'utf8'))
  expect(await readFile(LAUNCHER, 'utf8')).toContain(`[${engines.node.replace('>=', '').replace('.', ', ')}]`)
  const bin = join(import.meta.dirname, 'bin.mjs')
  const { node } = JSON.parse((await endOf(byOlder(bin, 'version', '--json'))).out)
  expect(node).not.toBe('20.11.0')
  expect(await endOf(byOlder(bin, 'id', '--data-dir', ''))).toMatchObject({
    code: 2,
    err: expect.stringContaining('USAGE')
  })
}, 60_000)

test('signals reach what it starts', async () => {
  const bin = join(folder, 'bin.mjs')
  await writeFile(bin, `import { launch } from '${LAUNCHER}'\nawait launch(new URL('./entry', import.meta.url))`)
  await writeFile(
    join(folder, 'entry.js'),
    `process.on('SIGTERM', () => process.exit(7)); setInterval(() => {}, 60_000); console.log('runs')`
  )
  const child = byOlder(bin)
  child.stdout?.once('data', () => child.kill('SIGTERM'))
  expect(await endOf(child)).toEqual({ code: 7, out: 'runs\n', err: '' })
}, 60_000)

test('where brume brings none, it says which one is needed', async () => {
  for (const file of ['launch.mjs', 'bin.mjs']) await cp(join(import.meta.dirname, file), join(folder, file))
  const err = expect.stringMatching(
    /^error: brume needs Node 24\.7 or newer, and this is 20\.11\.0; .* \(BRUME_PEER_NODE\)\n$/
  )
  expect(await endOf(byOlder(join(folder, 'bin.mjs'), 'version'))).toEqual({ code: 2, out: '', err })
}, 60_000)
