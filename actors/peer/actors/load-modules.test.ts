import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SimClock } from '@brume/testkit'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadModules } from './modules.ts'

let folder: string
let clock: SimClock
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'brume-modules-'))
  clock = new SimClock()
})
afterEach(() => rm(folder, { recursive: true }))

async function load(code: string): Promise<unknown> {
  const file = join(folder, 'some.machine.mjs')
  await writeFile(file, code)
  return loadModules([file], clock)
}

test('a module is named by its file, each by another name', async () => {
  const file = join(import.meta.dirname, '../examples/quick-start/counter.machine.ts')
  expect(await loadModules([file], clock)).toMatchObject([{ name: 'counter', url: { protocol: 'file:' } }])
  await expect(loadModules([file, file], clock)).rejects.toMatchObject({ code: 'BRUME_PEER_USAGE' })
})

test.each([
  ['export const machine = 1', 'has no default export'],
  ['export default 1', 'some.machine.mjs has a default export that is no machine'],
  ['throw new Error("broken")', 'broken']
])('%s is refused before anything is started', async (code, message) => {
  await expect(load(code)).rejects.toMatchObject({
    code: 'BRUME_PEER_USAGE',
    message: expect.stringContaining(message)
  })
})

test('one that never comes to its end is refused after a while', async () => {
  const loading = load('await new Promise(() => {})')
  const refused = expect(loading).rejects.toMatchObject({
    code: 'BRUME_PEER_USAGE',
    message: expect.stringContaining('not loaded within 30 s')
  })
  await expect.poll(() => clock.size).toBe(1)
  clock.run(30_000)
  await refused
})
