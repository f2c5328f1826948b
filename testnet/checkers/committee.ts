import type { KeyObject } from 'node:crypto'
import { asArray, asBytes, asUint, type CborValue, decode, encode } from '@brume/codec'
import { hash, publicKeyOf } from './statement.ts'

/** Who may vote, out of the group's manifest (quorum.md section 2). */
export interface CheckedCommittee {
  readonly groupId: Buffer
  readonly committeeHash: Buffer
  readonly keys: readonly KeyObject[]
  readonly weights: readonly number[]
  /** The least weight that decides: floor(2W / 3) + 1. */
  readonly quorum: number
}

const MEMBERS_FIELD = 7

export function readCommittee(manifest: Uint8Array): CheckedCommittee {
  const fields = asArray(decode(manifest, { bytesMax: 65_536 }), 'manifest', 9)
  const members: CborValue = fields[MEMBERS_FIELD] ?? null
  const rows = asArray(members, 'members', { min: 1, max: 100 }).map((row) => asArray(row, 'member', 7))
  const groupId = hash('brume/group/1', manifest)
  const weights = rows.map((row) => asUint(row[3] ?? null, 'weight', 1_000))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return {
    groupId,
    committeeHash: hash('brume/quorum-committee/1', encode([1, groupId, members])),
    keys: rows.map((row) => publicKeyOf(asBytes(row[1] ?? null, 'key', 32))),
    weights,
    quorum: Math.floor((2 * total) / 3) + 1
  }
}
