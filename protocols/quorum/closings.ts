import { asArray, asBytes, decode, encode } from '@brume/codec'
import { HEADER_BYTES_MAX } from './block.ts'
import type { Closing } from './bundle.ts'
import { decodeCertificate, encodeCertificate } from './certificate.ts'
import { SYNC_ANSWER_BYTES_MAX } from './id.ts'

/** Ends of epochs in one answer: of 100 members with the longest names, one takes 70 KiB. */
export const CLOSINGS_PER_ANSWER_MAX = 24

const CERTIFICATE_BYTES_MAX = 8_192
const COMMITTEE_BYTES_MAX = 65_536

/** How an epoch ended, and who decides from then on. */
export interface Handover extends Closing {
  /** As `encodeCommittee` wrote it. */
  readonly committee: Uint8Array
}

/** `[[header, finalization, committee]]`, canonical CBOR: consecutive epochs from the wanted one on. */
export function encodeClosings(closings: readonly Handover[]): Uint8Array {
  return encode(
    closings.map(({ header, finalization, committee }) => [header, encodeCertificate(finalization), committee])
  )
}

/** Form alone: each is for the committee before it to have signed. @throws CodecError */
export function decodeClosings(bytes: Uint8Array): readonly Handover[] {
  const list = asArray(decode(bytes, { bytesMax: SYNC_ANSWER_BYTES_MAX, itemsMax: 256 }), 'closings', {
    min: 0,
    max: CLOSINGS_PER_ANSWER_MAX
  })
  return list.map((item) => {
    const [header, finalization, committee] = asArray(item, 'closing', 3)
    return {
      header: asBytes(header, 'header', { min: 1, max: HEADER_BYTES_MAX }),
      finalization: decodeCertificate(asBytes(finalization, 'finalization', { min: 1, max: CERTIFICATE_BYTES_MAX })),
      committee: asBytes(committee, 'committee', { min: 1, max: COMMITTEE_BYTES_MAX })
    }
  })
}
