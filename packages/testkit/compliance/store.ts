import type { Store, StoreOperation, StoreRange } from '@brume/ports'
import { afterEach, describe, expect, it } from 'vitest'

/** Registers the cases that every `Store` passes. `open` gives an empty one each time. */
export function storeCompliance(name: string, open: () => Promise<Store>): void {
  describe(`Store: ${name}`, () => {
    const opened: Store[] = []
    const fresh = async (): Promise<Store> => {
      const store = await open()
      opened.push(store)
      return store
    }
    afterEach(async () => {
      for (const store of opened.splice(0)) await store.close()
    })
    valueCases(fresh)
    orderCases(fresh)
    subCases(fresh)
    closeCases(fresh)
  })
}

type Fresh = () => Promise<Store>

const bytes = (...values: readonly number[]): Uint8Array => Uint8Array.from(values)
const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const put = (key: Uint8Array, value: Uint8Array): StoreOperation => ({ type: 'put', key, value })
const del = (key: Uint8Array): StoreOperation => ({ type: 'del', key })
const plain = (value: Uint8Array | undefined): number[] | undefined => value && [...value]

async function list(store: Store, range?: StoreRange): Promise<[number[], number[]][]> {
  const found: [number[], number[]][] = []
  for await (const [key, value] of store.entries(range)) found.push([[...key], [...value]])
  return found
}

const keysOf = async (store: Store, range?: StoreRange): Promise<number[][]> =>
  (await list(store, range)).map(([key]) => key)

function valueCases(fresh: Fresh): void {
  it('gives back what was put, and undefined for what was not', async () => {
    const store = await fresh()
    expect(await store.get(text('none'))).toBeUndefined()
    await store.batch([put(text('a'), bytes(1, 2, 3)), put(text('empty'), bytes())], { sync: true })
    expect(plain(await store.get(text('a')))).toEqual([1, 2, 3])
    expect(plain(await store.get(text('empty')))).toEqual([])
    await store.batch([put(text('a'), bytes(4)), del(text('empty')), del(text('never there'))])
    expect(plain(await store.get(text('a')))).toEqual([4])
    expect(await store.get(text('empty'))).toBeUndefined()
    await store.batch([])
  })
  it('reads at once what a batch that was confirmed has written', async () => {
    const store = await fresh()
    const part = store.sub('part/')
    expect(part.getSync(text('a'))).toBeUndefined()
    await part.batch([put(text('a'), bytes(1, 2)), put(text('empty'), bytes())])
    const read = part.getSync(text('a'))
    expect(plain(read)).toEqual([1, 2])
    expect(read?.constructor).toBe(Uint8Array)
    read?.fill(7)
    expect(plain(store.getSync(text('part/a')))).toEqual([1, 2])
    expect(plain(part.getSync(text('empty')))).toEqual([])
    await part.batch([del(text('a'))])
    expect(part.getSync(text('a'))).toBeUndefined()
  })
  it('applies a batch in order: the last change of a key counts', async () => {
    const store = await fresh()
    await store.batch([put(text('k'), bytes(1)), del(text('k')), put(text('k'), bytes(2))])
    expect(plain(await store.get(text('k')))).toEqual([2])
    await store.batch([put(text('k'), bytes(3)), del(text('k'))])
    expect(await store.get(text('k'))).toBeUndefined()
  })
  it('keeps values apart from the arrays of its callers', async () => {
    const store = await fresh()
    const value = bytes(1, 2)
    const key = text('k')
    await store.batch([put(key, value)])
    value.fill(9)
    key.fill(9)
    const read = await store.get(text('k'))
    expect(plain(read)).toEqual([1, 2])
    // Not a Buffer: its `slice` does not copy.
    expect(read?.constructor).toBe(Uint8Array)
    read?.fill(7)
    expect(plain(await store.get(text('k')))).toEqual([1, 2])
  })
  it('takes large values', async () => {
    const store = await fresh()
    const value = new Uint8Array(2_000_000).map((_, index) => index % 253)
    await store.batch([put(text('large'), value)])
    expect(Buffer.compare((await store.get(text('large'))) ?? bytes(), value)).toBe(0)
  })
}

function orderCases(fresh: Fresh): void {
  const keys = [bytes(), bytes(0), bytes(0, 0), bytes(1), bytes(127), bytes(128), bytes(255), bytes(255, 0)].slice(1)
  const filled = async (): Promise<Store> => {
    const store = await fresh()
    await store.batch(keys.toReversed().map((key) => put(key, key)))
    return store
  }
  it('orders keys by unsigned byte', async () => {
    const store = await filled()
    expect(await keysOf(store)).toEqual(keys.map(plain))
    expect(await keysOf(store, { reverse: true })).toEqual(keys.toReversed().map(plain))
  })
  it('bounds an iteration: from inclusive, to exclusive, limit', async () => {
    const store = await filled()
    expect(await keysOf(store, { from: bytes(1), to: bytes(128) })).toEqual([[1], [127]])
    expect(await keysOf(store, { from: bytes(1), to: bytes(128), reverse: true })).toEqual([[127], [1]])
    expect(await keysOf(store, { from: bytes(2), limit: 2 })).toEqual([[127], [128]])
    expect(await keysOf(store, { reverse: true, limit: 1 })).toEqual([[255, 0]])
    expect(await keysOf(store, { limit: 0 })).toEqual([])
    expect(await keysOf(store, { from: bytes(5), to: bytes(5) })).toEqual([])
  })
  it('iterates over the state at the time of the call', async () => {
    const store = await filled()
    const entries = store.entries({ from: bytes(127) })
    await store.batch([put(bytes(200), bytes(1)), del(bytes(255)), put(bytes(128), bytes(42))])
    const seen: number[][] = []
    for await (const [key, value] of entries) seen.push([...key, ...value])
    expect(seen).toEqual([
      [127, 127],
      [128, 128],
      [255, 255],
      [255, 0, 255, 0]
    ])
  })
  it('lets an iteration be left early', async () => {
    const store = await filled()
    for await (const [key] of store.entries()) {
      expect(plain(key)).toEqual([0])
      break
    }
    expect(await keysOf(store, { limit: 1 })).toEqual([[0]])
  })
}

function subCases(fresh: Fresh): void {
  it('shows a part of the keys through a prefix, nested too', async () => {
    const store = await fresh()
    const [one, two] = [store.sub('one/'), store.sub('two/')]
    const inner = one.sub('inner/')
    await one.batch([put(text('a'), bytes(1))])
    await two.batch([put(text('a'), bytes(2)), put(bytes(255, 255), bytes(3))])
    await inner.batch([put(text('a'), bytes(4))])
    expect(plain(await one.get(text('a')))).toEqual([1])
    expect(plain(await two.get(text('a')))).toEqual([2])
    expect(plain(await store.get(text('one/inner/a')))).toEqual([4])
    expect(await list(inner)).toEqual([[[...text('a')], [4]]])
    expect(await keysOf(one)).toEqual([[...text('a')], [...text('inner/a')]])
    expect(await keysOf(two)).toEqual([[...text('a')], [255, 255]])
    expect(await keysOf(two, { from: text('b'), reverse: true })).toEqual([[255, 255]])
    expect(await keysOf(one, { to: text('b') })).toEqual([[...text('a')]])
  })
  it('is not closed through a part', async () => {
    const store = await fresh()
    const part = store.sub('part/')
    await part.close()
    await part.batch([put(text('a'), bytes(1))])
    expect(plain(await part.get(text('a')))).toEqual([1])
  })
}

function closeCases(fresh: Fresh): void {
  it('rejects with BRUME_STORE_CLOSED after closing, parts too', async () => {
    const store = await fresh()
    const part = store.sub('part/')
    await store.batch([put(text('a'), bytes(1))])
    await store.close()
    await store.close()
    const closed = { name: 'StoreError', code: 'BRUME_STORE_CLOSED' }
    await expect(store.get(text('a'))).rejects.toMatchObject(closed)
    for (const view of [store, part]) {
      expect(() => view.getSync(text('a'))).toThrow(expect.objectContaining(closed))
    }
    await expect(store.batch([del(text('a'))])).rejects.toMatchObject(closed)
    await expect(part.get(text('a'))).rejects.toMatchObject(closed)
    await expect(list(store)).rejects.toMatchObject(closed)
  })
}
