import { Reader } from '@brume/codec'
import type { Certificate, Held, Vote } from '@brume/consensus'
import type { JournalRecord } from '@brume/ports'
import { decodeCertificate, decodeSignedBlock, readVote } from '@brume/protocols/quorum'

/** Kinds of records in the journal. */
export const RECORD = { vote: 1, block: 2, certificate: 3 } as const

export interface Memory {
  readonly votes: readonly Vote[]
  readonly held: readonly Held[]
  readonly certificates: readonly Certificate[]
}

/** What a journal knows of a group. */
export function recall(records: readonly JournalRecord[], groupId: Uint8Array): Memory {
  const votes: Vote[] = []
  const held: Held[] = []
  const certificates: Certificate[] = []
  for (const { kind, payload } of records) {
    if (kind === RECORD.vote) votes.push(readVote(new Reader(payload)))
    else if (kind === RECORD.block)
      held.push({ ...decodeSignedBlock(groupId, payload), certified: false, invalid: false })
    else certificates.push(decodeCertificate(payload))
  }
  return { votes, held, certificates }
}

/** Of it what is above the floor. */
export function above(view: number, { votes, held, certificates }: Memory): Memory {
  return {
    votes: votes.filter((vote) => vote.view > view),
    held: held.filter(({ proposal }) => proposal.view > view),
    certificates: certificates.filter((certificate) => certificate.view > view)
  }
}
