import { asArray, asBytes, asText, decode, encode, equal } from '@brume/codec'
import { auditPath, leafHash, merkleRoot, PAGE_LEAVES, pageCount } from '@brume/crypto'
import { LEAF_BYTES_MAX, stateRootOf } from '@brume/protocols/quorum'
import type { Leaf, Page, Target } from '../ports.ts'

const PATH_BYTES_MAX = 512

/** A leaf is `[path, value]`, canonical CBOR, at most 4 KiB. */
interface Entry {
  readonly path: string
  readonly leaf: Uint8Array
  /** Made with the leaf, so that the cost of a root is spread over the blocks that change it. */
  readonly hash: Uint8Array
}

/**
 * The leaves of one state in the order of their paths, immutable. A changed copy shares the hashes of all pages
 * that did not change, so that the root after a block costs what the block changed: the hash of each new leaf,
 * and for each page that was touched 255 more of 65 bytes, about 0.5 ms.
 */
export class LeafState {
  readonly #entries: readonly Entry[]
  readonly #hashes: (Uint8Array | undefined)[]
  #root: Uint8Array | undefined

  private constructor(entries: readonly Entry[], hashes: (Uint8Array | undefined)[]) {
    this.#entries = entries
    this.#hashes = hashes
  }

  static readonly empty = new LeafState([], [])

  get size(): number {
    return this.#entries.length
  }

  /** Binds the leaves and their number, 32 bytes. */
  get stateRoot(): Uint8Array {
    this.#root ??= stateRootOf(this.size, merkleRoot(this.#pageHashes()))
    return this.#root
  }

  get(path: string): Uint8Array | undefined {
    const at = this.#find(path)
    const entry = this.#entries[at]
    return entry?.path === path ? readLeaf(entry.leaf).value : undefined
  }

  /** A copy with these values set, or, where null, removed. @throws RangeError for a leaf above 4 KiB */
  with(changes: Iterable<readonly [path: string, value: Uint8Array | null]>): LeafState {
    const entries = [...this.#entries]
    const hashes = [...this.#hashes]
    for (const [path, value] of changes) {
      const at = find(entries, path)
      const known = entries[at]?.path === path
      if (value === null && !known) continue
      const place = Math.floor(at / PAGE_LEAVES)
      if (known && value !== null) hashes[place] = undefined
      else hashes.length = Math.min(hashes.length, place)
      if (value === null) entries.splice(at, 1)
      else entries.splice(at, known ? 1 : 0, entryOf(path, leafOf(path, value)))
    }
    return new LeafState(entries, hashes)
  }

  /** Paths with their values, in order. */
  *values(prefix = ''): Iterable<readonly [path: string, value: Uint8Array]> {
    for (let at = this.#find(prefix); at < this.size; at++) {
      const entry = this.#entries[at]
      if (entry === undefined || !entry.path.startsWith(prefix)) return
      yield [entry.path, readLeaf(entry.leaf).value]
    }
  }

  page(page: number): Page | null {
    const hashes = this.#pageHashes()
    if (page < 0 || page >= hashes.length) return null
    return { leaves: this.pageLeaves(page), path: auditPath(hashes, page) }
  }

  /** Leaves at a path, or, where it ends with `*`, at all with that prefix; with their way to the root. */
  leaves(path: string): readonly Omit<Leaf, 'height' | 'statement'>[] {
    const prefix = path.endsWith('*') ? path.slice(0, -1) : undefined
    const found: Omit<Leaf, 'height' | 'statement'>[] = []
    let within: { readonly page: number; readonly hashes: readonly Uint8Array[] } | undefined
    for (let at = this.#find(prefix ?? path); at < this.size; at++) {
      const name = this.#entries[at]?.path
      if (name === undefined || !(prefix === undefined ? name === path : name.startsWith(prefix))) break
      const page = Math.floor(at / PAGE_LEAVES)
      if (within?.page !== page) within = { page, hashes: this.#hashesOf(page) }
      found.push(this.#leafAt(at, page, within.hashes))
    }
    return found
  }

  #leafAt(index: number, page: number, hashes: readonly Uint8Array[]): Omit<Leaf, 'height' | 'statement'> {
    const path = [...auditPath(hashes, index % PAGE_LEAVES), ...auditPath(this.#pageHashes(), page)]
    return { leaf: this.#entries[index]?.leaf ?? new Uint8Array(), index, count: this.size, path }
  }

  /** Of one page, without its path. */
  pageLeaves(page: number): readonly Uint8Array[] {
    return this.#entries.slice(page * PAGE_LEAVES, (page + 1) * PAGE_LEAVES).map(({ leaf }) => leaf)
  }

  #hashesOf(page: number): readonly Uint8Array[] {
    return this.#entries.slice(page * PAGE_LEAVES, (page + 1) * PAGE_LEAVES).map(({ hash }) => hash)
  }

  #pageHashes(): readonly Uint8Array[] {
    return Array.from({ length: pageCount(this.size) }, (_, page) => {
      const hash = this.#hashes[page] ?? merkleRoot(this.#hashesOf(page))
      this.#hashes[page] = hash
      return hash
    })
  }

  #find(path: string): number {
    return find(this.#entries, path)
  }

  /** Puts together what pages bring, in order; each page is hashed as it comes. */
  static restoration(to: Target): Restoration {
    const entries: Entry[] = []
    const hashes: Uint8Array[] = []
    return {
      take: (page, { leaves }) => {
        if (page !== hashes.length) return false
        for (const leaf of leaves) {
          const { path } = readLeaf(leaf)
          if ((entries.at(-1)?.path ?? '') >= path && entries.length > 0) return false
          entries.push(entryOf(path, leaf))
        }
        hashes.push(merkleRoot(entries.slice(hashes.length * PAGE_LEAVES).map(({ hash }) => hash)))
        return true
      },
      finish: () => {
        const state = new LeafState(entries, [...hashes])
        return state.size === to.leaves && equal(state.stateRoot, to.stateRoot) ? state : null
      }
    }
  }
}

export interface Restoration {
  /** False for a page out of turn, or leaves out of order. @throws CodecError for what is no leaf */
  take(page: number, data: Page): boolean
  /** Null where the root does not come out. */
  finish(): LeafState | null
}

/** @throws CodecError */
export function readLeaf(leaf: Uint8Array): { readonly path: string; readonly value: Uint8Array } {
  const [path, value] = asArray(decode(leaf, { bytesMax: LEAF_BYTES_MAX, itemsMax: 4 }), 'leaf', 2)
  return {
    path: asText(path, 'path', PATH_BYTES_MAX),
    value: asBytes(value, 'value', { min: 0, max: LEAF_BYTES_MAX })
  }
}

function entryOf(path: string, leaf: Uint8Array): Entry {
  return { path, leaf, hash: leafHash(leaf) }
}

function leafOf(path: string, value: Uint8Array): Uint8Array {
  const leaf = encode([path, value])
  if (leaf.length > LEAF_BYTES_MAX) throw new RangeError(`a leaf of ${leaf.length} bytes; ${LEAF_BYTES_MAX} are kept`)
  return leaf
}

/** The first entry that is not before this path. */
function find(entries: readonly Entry[], path: string): number {
  let [from, to] = [0, entries.length]
  while (from < to) {
    const middle = (from + to) >> 1
    if ((entries[middle]?.path ?? '') < path) from = middle + 1
    else to = middle
  }
  return from
}
