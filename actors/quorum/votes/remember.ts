import { Reader } from '@brume/codec'
import type { Certificate, Held, Vote } from '@brume/consensus'
import type { Journal } from '@brume/ports'
import { decodeCertificate, decodeSignedBlock, readVote } from '@brume/protocols/quorum'
import { type GroupRecord, RECORD, recordsOf } from './records.ts'
import { decodeNote, type FoundNote } from './standing.ts'

/** What the journal knew of one epoch of a group at start. */
export interface Remembered {
  readonly votes: readonly Vote[]
  readonly held: readonly Held[]
  readonly certificates: readonly Certificate[]
  /** First record of each view, in the order of the journal. */
  readonly firsts: readonly ViewStart[]
  readonly notes: readonly FoundNote[]
}

export interface ViewStart {
  readonly view: number
  readonly sequence: number
}

/** Of an epoch that begins now. */
export const NOTHING: Remembered = { votes: [], held: [], certificates: [], firsts: [], notes: [] }

/** Own votes, blocks voted for, and certificates of one epoch above its floor, as the journal has them. */
export function remember(journal: Journal | null, groupId: Uint8Array, epoch: number, floorView: number): Remembered {
  const votes = new Map<string, Vote>()
  const held: Held[] = []
  const certificates: Certificate[] = []
  const firsts: ViewStart[] = []
  const notes: FoundNote[] = []
  for (const record of recordsOf(journal, groupId)) {
    const { view, epoch: of } = take(record)
    if (of === epoch && view > (firsts.at(-1)?.view ?? floorView)) firsts.push({ view, sequence: record.sequence })
  }
  return { votes: [...votes.values()], held, certificates, firsts, notes }

  function take({ kind, bytes, sequence }: GroupRecord): { readonly view: number; readonly epoch: number } {
    switch (kind) {
      case RECORD.block: {
        const block = decodeSignedBlock(groupId, bytes)
        if (isAbove(block.proposal)) held.push({ ...block, certified: false, invalid: false })
        return block.proposal
      }
      case RECORD.vote: {
        const vote = readVote(new Reader(bytes))
        // A volatile member that stopped cleanly twice has written it twice.
        if (isAbove(vote)) votes.set(`${vote.view}/${vote.kind}`, vote)
        return vote
      }
      case RECORD.certificate: {
        const certificate = decodeCertificate(bytes)
        if (isAbove(certificate)) certificates.push(certificate)
        return certificate
      }
      default: {
        if (kind !== RECORD.note) return { view: 0, epoch }
        const note = decodeNote(bytes)
        if (note.epoch === epoch) notes.push({ ...note, sequence })
        return { view: 0, epoch }
      }
    }
  }

  function isAbove(at: { readonly view: number; readonly epoch: number }): boolean {
    return at.epoch === epoch && at.view > floorView
  }
}
