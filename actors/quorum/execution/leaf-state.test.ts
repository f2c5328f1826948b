import { encode } from '@brume/codec'
import { leafHash, merkleRoot, pageHash, rootFromPath } from '@brume/crypto'
import { stateRootOf } from '@brume/protocols/quorum'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LeafState, readLeaf } from './leaf-state.ts'

const text = (value: string) => Uint8Array.from(Buffer.from(value))

function stateOf(count: number): LeafState {
  return LeafState.empty.with(Array.from({ length: count }, (_, i) => [`k/${1_000_000 + i}`, text(`v${i}`)] as const))
}

test('whatever was changed, the root is that of the leaves in the order of their paths', () => {
  const change = fc.tuple(fc.integer({ min: 0, max: 700 }), fc.option(fc.uint8Array({ maxLength: 8 })))
  fc.assert(
    fc.property(fc.array(fc.array(change, { maxLength: 40 }), { maxLength: 4 }), (blocks) => {
      let state = stateOf(600)
      const model = new Map(state.values())
      for (const block of blocks) {
        const changes = block.map(([key, value]) => [`k/${1_000_000 + key}`, value] as const)
        state = state.with(changes)
        for (const [path, value] of changes) value === null ? model.delete(path) : model.set(path, value)
        const leaves = [...model].sort(([a], [b]) => (a < b ? -1 : 1)).map((leaf) => encode([...leaf]))
        // Asked after each block, so that hashes of unchanged pages are carried along.
        expect(state.stateRoot).toEqual(stateRootOf(leaves.length, merkleRoot(leaves.map(leafHash))))
      }
      expect(new Map(state.values())).toEqual(model)
    }),
    { numRuns: 12 }
  )
})

test.each([0, 1, 256, 257, 600])('%i leaves: pages and single leaves lead to the root, and pages restore it', (n) => {
  const state = stateOf(n)
  const to = { height: 9, stateRoot: state.stateRoot, leaves: n }
  const restoration = LeafState.restoration(to)
  const count = Math.max(1, Math.ceil(n / 256))
  for (let page = 0; page < count; page++) {
    const data = state.page(page)
    const root = rootFromPath(pageHash(data?.leaves ?? []), page, count, data?.path ?? [])
    expect(stateRootOf(n, root ?? new Uint8Array(0))).toEqual(state.stateRoot)
    expect(restoration.take(page, data ?? { leaves: [], path: [] })).toBe(true)
  }
  expect(state.page(count)).toBeNull()
  expect([...(restoration.finish() ?? LeafState.empty).values()]).toEqual([...state.values()])
  for (const { leaf, index, count: leaves, path } of state.leaves('*').filter((_, i) => i % 97 === 0)) {
    const root = rootFromPath(leafHash(leaf), index, leaves, path)
    expect(stateRootOf(leaves, root ?? new Uint8Array(0))).toEqual(state.stateRoot)
  }
})

test('pages out of turn, out of order, or of another state restore nothing', () => {
  const state = stateOf(300)
  const to = { height: 9, stateRoot: state.stateRoot, leaves: 300 }
  const [first, second] = [state.page(0), state.page(1)]
  if (first === null || second === null) throw new RangeError('two pages were made')
  expect(LeafState.restoration(to).take(1, second)).toBe(false)
  const turned = LeafState.restoration(to)
  expect(turned.take(0, { ...first, leaves: first.leaves.toReversed() })).toBe(false)
  const other = LeafState.restoration({ ...to, stateRoot: stateOf(299).stateRoot })
  expect(other.take(0, first) && other.take(1, second)).toBe(true)
  expect(other.finish()).toBeNull()
})

test('leaves are found by path and by prefix, and a leaf above 4 KiB is refused', () => {
  const state = LeafState.empty.with(['b/2', 'a', 'b/1', 'c'].map((path) => [path, text(path)] as const))
  const names = (path: string) => state.leaves(path).map(({ leaf }) => readLeaf(leaf).path)
  expect([names('b/*'), names('a'), names('d'), names('*')]).toEqual([
    ['b/1', 'b/2'],
    ['a'],
    [],
    ['a', 'b/1', 'b/2', 'c']
  ])
  expect(() => state.with([['big', new Uint8Array(4_096)]])).toThrow(RangeError)
})
