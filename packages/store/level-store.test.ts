import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { storeCompliance } from '@brume/testkit/compliance'
import { ClassicLevel } from 'classic-level'
import { afterEach, describe, expect, it } from 'vitest'
import { openStore } from './index.ts'

const folders: string[] = []

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'brume-store-'))
  folders.push(path)
  return path
}

afterEach(async () => {
  for (const path of folders.splice(0)) await rm(path, { recursive: true, force: true })
})

const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const raw = (directory: string) =>
  new ClassicLevel<Uint8Array, Uint8Array>(directory, { keyEncoding: 'view', valueEncoding: 'view' })

storeCompliance('LevelDB', async () => openStore(join(await folder(), 'store')))

describe('openStore', () => {
  it('refuses a folder that another process has open', async () => {
    const directory = await folder()
    const child = fork(new URL('./testing/hold-store.ts', import.meta.url), [directory])
    try {
      expect((await once(child, 'message'))[0]).toBe('open')
      await expect(openStore(directory)).rejects.toMatchObject({ name: 'StoreError', code: 'BRUME_STORE_LOCKED' })
    } finally {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    const store = await openStore(directory)
    await store.close()
  })

  it('keeps values over a close', async () => {
    const directory = await folder()
    const store = await openStore(directory)
    await store.sub('a/').batch([{ type: 'put', key: text('k'), value: text('v') }], { sync: true })
    await store.close()
    const again = await openStore(directory)
    expect(await again.get(text('a/k'))).toEqual(text('v'))
    await again.close()
  })

  it('says where it cannot write', async () => {
    const directory = join(await folder(), 'file')
    await writeFile(directory, 'not a folder')
    await expect(openStore(directory)).rejects.toMatchObject({ name: 'StoreError', code: 'BRUME_STORE_IO' })
  })

  it('names the key of a damaged value, wherever the bit flipped, and of one under a wrong key', async () => {
    const directory = await folder()
    const store = await openStore(directory)
    await store.batch([{ type: 'put', key: text('ns/key'), value: text('payload') }])
    await store.close()
    const level = raw(directory)
    const good = (await level.get(text('ns/key'))) ?? new Uint8Array()
    expect(good).toHaveLength(5 + 7)
    const bad = Array.from({ length: good.length * 8 }, (_, bit) => {
      const value = good.slice()
      value[bit >> 3] = (value[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      return value
    })
    await level.batch(bad.map((value, bit) => ({ type: 'put', key: text(`ns/bad-${bit}`), value })))
    await level.put(text('ns/other'), good)
    await level.put(text('ns/short'), good.subarray(0, 4))
    await level.close()
    const again = await openStore(directory)
    const names = [...bad.map((_, bit) => `bad-${bit}`), 'other', 'short']
    for (const name of names) {
      const damaged = { code: 'BRUME_STORE_DAMAGED', message: expect.stringContaining(`"ns/${name}"`) }
      await expect(again.sub('ns/').get(text(name))).rejects.toMatchObject(damaged)
      expect(() => again.sub('ns/').getSync(text(name))).toThrow(expect.objectContaining(damaged))
    }
    const iterate = async () => {
      for await (const _ of again.entries());
    }
    await expect(iterate()).rejects.toMatchObject({ code: 'BRUME_STORE_DAMAGED' })
    expect(await again.sub('ns/').get(text('key'))).toEqual(text('payload'))
    await again.close()
  })

  it('never returns a wrong value, whatever byte of its files is flipped', async () => {
    const directory = await folder()
    const store = await openStore(directory)
    const keys = Array.from({ length: 200 }, (_, index) => `key-${index}`)
    await store.batch(keys.map((key) => ({ type: 'put', key: text(key), value: text(`value of ${key}`) })))
    await store.close()
    const [log] = (await readdir(directory)).filter((name) => name.endsWith('.log'))
    const path = join(directory, log ?? '')
    const bytes = await readFile(path)
    for (let at = 11; at < bytes.length; at += Math.ceil(bytes.length / 12)) {
      const flipped = Buffer.from(bytes)
      flipped[at] = (flipped[at] ?? 0) ^ 0x10
      const copy = await folder()
      for (const name of await readdir(directory))
        await writeFile(join(copy, name), await readFile(join(directory, name)))
      await writeFile(join(copy, log ?? ''), flipped)
      await expectNoWrongValue(copy, keys)
    }
  })
})

async function expectNoWrongValue(directory: string, keys: readonly string[]): Promise<void> {
  const store = await openStore(directory)
  for (const key of keys) {
    const value = await store.get(text(key)).catch((error) => {
      expect(error).toMatchObject({ code: 'BRUME_STORE_DAMAGED' })
    })
    if (value !== undefined) expect(value).toEqual(text(`value of ${key}`))
  }
  await store.close()
}
