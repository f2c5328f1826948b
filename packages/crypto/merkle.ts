import { sha256 } from './hash.ts'

/** RFC 6962 section 2.1: leaves and nodes are hashed apart, so that neither passes for the other. */
const LEAF = Uint8Array.of(0)
const NODE = Uint8Array.of(1)

/** 0x01 ‖ left ‖ right, made in place: one piece is hashed in half the time of three. */
const node = Uint8Array.of(1, ...new Uint8Array(64))

/** Leaves of one page: at 4 KiB each a page is 1 MiB. A power of two, so that a page is a node of its tree. */
export const PAGE_LEAVES = 256

/** SHA-256(0x00 ‖ leaf), 32 bytes: what the functions here call a hash. */
export function leafHash(leaf: Uint8Array): Uint8Array {
  return sha256(LEAF, leaf)
}

/**
 * RFC 6962 Merkle tree hash, 32 bytes; SHA-256 of nothing for no leaves. One hash of 65 bytes per leaf.
 *
 * @param hashes - of leaves, by `leafHash`; or of pages, by this function over the leaves of each: the root is the same
 */
export function merkleRoot(hashes: readonly Uint8Array[]): Uint8Array {
  return rootOf(hashes, 0, hashes.length)
}

/** Siblings from the leaf up, by which `rootFromPath` gets from one hash to the root; `log2(count)` at most. */
export function auditPath(hashes: readonly Uint8Array[], index: number): readonly Uint8Array[] {
  const path: Uint8Array[] = []
  let from = 0
  let to = hashes.length
  while (to - from > 1) {
    const middle = from + splitOf(to - from)
    const isLeft = index < middle
    path.push(isLeft ? rootOf(hashes, middle, to) : rootOf(hashes, from, middle))
    if (isLeft) to = middle
    else from = middle
  }
  return path.reverse()
}

/**
 * The root that a hash and its path lead to: RFC 6962-bis section 2.1.3.2. Undefined where the path has not the
 * length that its place demands. Whether it is the right root is for the caller to compare.
 *
 * @param count - leaves (or pages) of the tree; the path proves nothing about it unless the root is bound to it
 */
export function rootFromPath(
  hash: Uint8Array,
  index: number,
  count: number,
  path: readonly Uint8Array[]
): Uint8Array | undefined {
  if (!Number.isSafeInteger(index) || index < 0 || index >= count) return undefined
  let at = index
  let last = count - 1
  let root = hash
  for (const sibling of path) {
    if (last === 0) return undefined
    if (at % 2 === 1 || at === last) {
      root = sha256(NODE, sibling, root)
      while (at % 2 === 0) {
        at /= 2
        last = Math.floor(last / 2)
      }
    } else {
      root = sha256(NODE, root, sibling)
    }
    at = Math.floor(at / 2)
    last = Math.floor(last / 2)
  }
  return last === 0 ? root : undefined
}

/** Pages of so many leaves; no leaves are one page without any. */
export function pageCount(leaves: number): number {
  return Math.max(1, Math.ceil(leaves / PAGE_LEAVES))
}

/** The hash of one page: with `auditPath` over those of all pages it leads to the root of the leaves. */
export function pageHash(leaves: readonly Uint8Array[]): Uint8Array {
  return merkleRoot(leaves.map(leafHash))
}

function rootOf(hashes: readonly Uint8Array[], from: number, to: number): Uint8Array {
  const only = hashes[from]
  if (only === undefined || to <= from) return sha256()
  if (to - from === 1) return only
  const middle = from + splitOf(to - from)
  const left = rootOf(hashes, from, middle)
  const right = rootOf(hashes, middle, to)
  node.set(left, 1)
  node.set(right, 33)
  return sha256(node)
}

/** The largest power of two below a count of at least two. */
function splitOf(count: number): number {
  let size = 1
  while (size * 2 < count) size *= 2
  return size
}
