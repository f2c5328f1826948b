import { asArray, asBytes, decode, encode, equal } from '@brume/codec'
import type { Journal } from '@brume/ports'

/**
 * Kinds of journal records of this actor; 1 to 15 are its own. Payload: `[groupId, bytes]`.
 *
 * | kind | bytes |
 * |---|---|
 * | 1 vote | as on the wire |
 * | 2 block | a signed block that was voted for |
 * | 3 certificate | one that was known |
 * | 4 evidence | proof against a member |
 * | 5 note | what is known about this journal itself: `standing.ts` |
 */
export const RECORD = { vote: 1, block: 2, certificate: 3, evidence: 4, note: 5 } as const

const RECORD_BYTES_MAX = 65_536

/** One record of one group. */
export interface GroupRecord {
  readonly sequence: number
  readonly kind: number
  readonly bytes: Uint8Array
}

/** Appends a record of a group; its sequence, 0 where the journal takes none. */
export function appendRecord(
  journal: Journal,
  groupId: Uint8Array,
  kind: number,
  bytes: Uint8Array,
  synced?: (error?: Error) => void
): number {
  return journal.append(kind, encode([groupId, bytes]), synced)
}

/** What the journal has of one group, oldest first. */
export function* recordsOf(journal: Journal | null, groupId: Uint8Array): Iterable<GroupRecord> {
  const kinds = new Set<number>(Object.values(RECORD))
  for (const { kind, payload, sequence } of journal?.replay() ?? []) {
    if (!kinds.has(kind)) continue
    const [group, bytes] = asArray(decode(payload, { bytesMax: RECORD_BYTES_MAX }), 'journal record', 2)
    if (!equal(asBytes(group, 'groupId', 32), groupId)) continue
    yield { sequence, kind, bytes: asBytes(bytes, 'record', { min: 1, max: RECORD_BYTES_MAX }) }
  }
}
