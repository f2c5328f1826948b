import { utf8 } from '@brume/codec'
import { type Identity, sha256 } from '@brume/crypto'
import { type Evidence, encodeCall, encodeSystem, offenceOf } from '@brume/protocols/quorum'

/** So long a group that has halted may take to go on; a command that expired is made anew. */
const EXPIRY_MS = 240_000

/**
 * The command that asks a group to act on evidence. Each offence has a session of its own: what a member asked
 * before a restart it need not remember.
 */
export function accusation(evidence: Evidence, identity: Identity, wallMs: number): Uint8Array {
  const offence = sha256(utf8(offenceOf(evidence)))
  const session = new DataView(offence.buffer, offence.byteOffset).getUint32(0)
  const call = {
    groupId: evidence.groupId,
    session,
    sequence: 1,
    expiresMs: Math.floor(wallMs) + EXPIRY_MS,
    body: encodeSystem({ name: 'evidence', evidence })
  }
  return encodeCall(call, identity)
}
