import { type Reader, utf8, Writer } from '@brume/codec'
import type { Committee } from '@brume/consensus'
import { DOMAIN } from '@brume/crypto'

/** A member says that it is there: for those that have no stream to it, and would not begin without a quorum. */
export interface Presence {
  readonly epoch: number
  /** Index in the committee. */
  readonly signer: number
  /** Ed25519 over `presenceBytes`, 64 bytes. An old one proves little, so nothing but beginning may rest on it. */
  readonly signature: Uint8Array
}

/** `domain ‖ 0x00 ‖ groupId 32 ‖ epoch u64 ‖ committeeHash 32`. */
export function presenceBytes({ groupId, epoch, hash }: Committee): Uint8Array {
  const domain = utf8(DOMAIN.quorumPresent)
  const writer = new Writer(domain.length + 73).bytes(domain).u8(0)
  return writer.bytes(groupId).u64(epoch).bytes(hash).finish()
}

/** `epoch u64 ‖ signer u8 ‖ signature 64`. */
export function writePresence(writer: Writer, { epoch, signer, signature }: Presence): Writer {
  return writer.u64(epoch).u8(signer).bytes(signature)
}

/** @throws CodecError */
export function readPresence(reader: Reader): Presence {
  const presence = { epoch: reader.u64(), signer: reader.u8(), signature: reader.bytes(64).slice() }
  reader.end()
  return presence
}
