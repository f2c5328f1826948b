import { asArray, asBytes, concat, decode, encode, equal } from '@brume/codec'
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
 * | 6 part | `kind u8 ‖ index u8 ‖ count u8 ‖ bytes`: a record too large for one, in consecutive parts |
 */
export const RECORD = { vote: 1, block: 2, certificate: 3, evidence: 4, note: 5, part: 6 } as const

const RECORD_BYTES_MAX = 65_536

/** Of a part, with room for the head of its record. */
const PART_BYTES_MAX = 61_440
const PART_HEAD_BYTES = 3

/** A block of 128 KiB takes three. */
const PARTS_MAX = 8

/** One record of one group. */
export interface GroupRecord {
  readonly sequence: number
  readonly kind: number
  readonly bytes: Uint8Array
}

/** Appends a record of a group, in parts if it is large; the sequence of the first, 0 where the journal takes none. */
export function appendRecord(
  journal: Journal,
  groupId: Uint8Array,
  kind: number,
  bytes: Uint8Array,
  synced?: (error?: Error) => void
): number {
  if (bytes.length <= PART_BYTES_MAX) return journal.append(kind, encode([groupId, bytes]), synced)
  const count = Math.ceil(bytes.length / PART_BYTES_MAX)
  if (count > PARTS_MAX) throw new RangeError(`a record of ${bytes.length} bytes`)
  const sequences = Array.from({ length: count }, (_, index) => {
    const part = bytes.subarray(index * PART_BYTES_MAX, (index + 1) * PART_BYTES_MAX)
    const framed = encode([groupId, concat(Uint8Array.of(kind, index, count), part)])
    // Syncs confirm in order: when the last part is on disk, all are.
    return journal.append(RECORD.part, framed, index === count - 1 ? synced : undefined)
  })
  return sequences[0] ?? 0
}

/** What the journal has of one group, oldest first. */
export function* recordsOf(journal: Journal | null, groupId: Uint8Array): Iterable<GroupRecord> {
  const kinds = new Set<number>(Object.values(RECORD))
  let parts: GroupRecord[] = []
  for (const { kind, payload, sequence } of journal?.replay() ?? []) {
    if (!kinds.has(kind)) continue
    const [group, value] = asArray(decode(payload, { bytesMax: RECORD_BYTES_MAX }), 'journal record', 2)
    if (!equal(asBytes(group, 'groupId', 32), groupId)) continue
    const bytes = asBytes(value, 'record', { min: 1, max: RECORD_BYTES_MAX })
    if (kind !== RECORD.part) {
      parts = []
      yield { sequence, kind, bytes }
      continue
    }
    const [of = 0, index = 0, count = 0] = bytes
    // A crash may have left the beginning of a record; what follows it begins anew.
    if (index === 0) parts = []
    if (index !== parts.length) continue
    parts.push({ sequence, kind: of, bytes: bytes.subarray(PART_HEAD_BYTES) })
    const [first] = parts
    if (parts.length < count || first === undefined) continue
    yield { sequence: first.sequence, kind: of, bytes: concat(...parts.map((part) => part.bytes)) }
    parts = []
  }
}
