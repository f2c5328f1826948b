import { readFileSync } from 'node:fs'
import { fromHex, toHex } from '@brume/codec'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { auditPath, leafHash, merkleRoot, PAGE_LEAVES, pageCount, pageHash, rootFromPath } from './index.ts'

interface Vectors {
  readonly empty: string
  readonly leaves: readonly string[]
  readonly roots: readonly string[]
}
const { merkle } = JSON.parse(readFileSync(new URL('vectors.json', import.meta.url), 'utf8')) as { merkle: Vectors }

const hashesOf = (count: number) => Array.from({ length: count }, (_, i) => leafHash(Buffer.from(`leaf ${i}`)))

describe('the tree of RFC 6962', () => {
  test('has the roots of the reference tests', () => {
    const hashes = merkle.leaves.map((leaf) => leafHash(fromHex(leaf)))
    expect(toHex(merkleRoot([]))).toBe(merkle.empty)
    merkle.roots.forEach((root, i) => {
      expect(toHex(merkleRoot(hashes.slice(0, i + 1)))).toBe(root)
    })
  })

  test('every path of every tree up to 40 leaves leads to the root, and from no other place', () => {
    for (let count = 1; count <= 40; count++) {
      const hashes = hashesOf(count)
      const root = toHex(merkleRoot(hashes))
      hashes.forEach((hash, index) => {
        const path = auditPath(hashes, index)
        expect(toHex(rootFromPath(hash, index, count, path) ?? new Uint8Array())).toBe(root)
        for (let other = 0; other <= count; other++) {
          const found = rootFromPath(hash, other, count, path)
          if (other !== index) expect(found === undefined || toHex(found) !== root).toBe(true)
        }
      })
    }
  })

  test('a path that is short, long or changed leads elsewhere or nowhere', () => {
    const arbitrary = fc.integer({ min: 1, max: 600 }).chain((count) => fc.tuple(fc.constant(count), fc.nat(count - 1)))
    fc.assert(
      fc.property(arbitrary, fc.nat(), ([count, index], pick) => {
        const hashes = hashesOf(count)
        const [hash, root, path] = [hashes[index] ?? new Uint8Array(), merkleRoot(hashes), auditPath(hashes, index)]
        expect(rootFromPath(hash, index, count, path)).toEqual(root)
        expect(rootFromPath(hash, index, count, [...path, hash])).toBeUndefined()
        if (path.length === 0) return
        expect(rootFromPath(hash, index, count, path.slice(1))).toBeUndefined()
        const changed = path.with(pick % path.length, hash)
        if (changed.some((sibling, i) => sibling !== path[i]))
          expect(rootFromPath(hash, index, count, changed)).not.toEqual(root)
      }),
      { numRuns: 300 }
    )
  })
})

describe('pages', () => {
  test.each([0, 1, 255, 256, 257, 511, 512, 513, 700, 1_025])('%i leaves: each page leads to the root', (count) => {
    const leaves = Array.from({ length: count }, (_, i) => Buffer.from(`leaf ${i}`))
    const root = merkleRoot(leaves.map(leafHash))
    const pages = Array.from({ length: pageCount(count) }, (_, i) =>
      leaves.slice(i * PAGE_LEAVES, (i + 1) * PAGE_LEAVES)
    )
    const hashes = pages.map(pageHash)
    expect(merkleRoot(hashes)).toEqual(root)
    hashes.forEach((hash, page) => {
      expect(rootFromPath(hash, page, hashes.length, auditPath(hashes, page))).toEqual(root)
    })
  })
})
