import { compare, concat, equal, Writer } from '@brume/codec'
import { sha256 } from '@brume/crypto'
import { BUCKET_DIGEST_BYTES, BUCKETS, DIGEST_BYTES, SUMMARY_BYTES, type Summary } from '@brume/protocols/membership'
import { type Entry, isCurrent, type Table } from './table.ts'

/** A table as anti-entropy sees it: current records by bucket, and their digests. */
export interface Index {
  /** 256 x 8 B. */
  readonly digest: Uint8Array
  /** SHA-256 of the digest. */
  readonly root: Uint8Array
  /** Ascending by id16 within a bucket. */
  readonly buckets: readonly (readonly Entry[])[]
  readonly byId: ReadonlyMap<string, Entry>
}

const memo = new WeakMap<Table, { readonly epoch: number; readonly index: Index }>()

/** Sorting and hashing 2,048 members takes about 4 ms: done once per table and epoch. */
export function indexOf(table: Table, epoch: number): Index {
  const known = memo.get(table)
  if (known?.epoch === epoch) return known.index
  const index = buildIndex(table, epoch)
  memo.set(table, { epoch, index })
  return index
}

/** A table in the making changed: what was worked out for it no longer holds. */
export function forgetIndex(table: Table): void {
  memo.delete(table)
}

function buildIndex(table: Table, epoch: number): Index {
  const buckets: Entry[][] = Array.from({ length: BUCKETS }, () => [])
  const byId = new Map<string, Entry>()
  for (const entry of table.values()) {
    if (!isCurrent(entry, epoch)) continue
    buckets[entry.id16[0] ?? 0]?.push(entry)
    byId.set(entry.idHex, entry)
  }
  for (const bucket of buckets) bucket.sort((a, b) => compare(a.id16, b.id16))
  const digest = concat(...buckets.map(bucketDigest))
  return { digest, root: sha256(digest), buckets, byId }
}

/** Buckets in which two digests differ, ascending. */
export function differingBuckets(a: Uint8Array, b: Uint8Array): readonly number[] {
  const differing: number[] = []
  for (let at = 0; at < DIGEST_BYTES; at += BUCKET_DIGEST_BYTES) {
    const end = at + BUCKET_DIGEST_BYTES
    if (!equal(a.subarray(at, end), b.subarray(at, end))) differing.push(at / BUCKET_DIGEST_BYTES)
  }
  return differing
}

export function summaryOf(entry: Entry): Summary {
  return { id16: entry.id16, seq: entry.record.body.seq }
}

/** First 8 B of SHA-256 over sorted (id16 ‖ seq u64). */
function bucketDigest(entries: readonly Entry[]): Uint8Array {
  const writer = new Writer(entries.length * SUMMARY_BYTES)
  for (const entry of entries) writer.bytes(entry.id16).u64(entry.record.body.seq)
  return sha256(writer.finish()).subarray(0, BUCKET_DIGEST_BYTES)
}
