import { asArray, asBytes, asUint, type CborValue, decode, encode } from '@brume/codec'
import { DOMAIN, hash, type Identity, signedMessage, verify } from '@brume/crypto'
import { COMMAND_BYTES_MAX } from './id.ts'

const VERSION = 1
const BODY_BYTES_MAX = 65_536
const U32_MAX = 0xffff_ffff

/** How far ahead of group time a command may expire: so long must its session be remembered. */
export const EXPIRY_MAX_MS = 300_000

/** A command in the common form: who wants it, its place in that client's session, until when. */
export interface Call {
  readonly groupId: Uint8Array
  /** Ed25519 key, 32 bytes. */
  readonly client: Uint8Array
  readonly session: number
  /** From 1; a command takes effect only as the next of its session. */
  readonly sequence: number
  /** Group time, ms since 1970. */
  readonly expiresMs: number
  readonly body: Uint8Array
}

/** Signs a call: `[1, groupId, client, session, sequence, expiresMs, body, signature]`, canonical CBOR. */
export function encodeCall(call: Omit<Call, 'client'>, identity: Identity): Uint8Array {
  const fields = fieldsOf({ ...call, client: identity.publicKey })
  return encode([...fields, identity.sign(signedMessage(DOMAIN.quorumCall, encode(fields)))])
}

function fieldsOf({ groupId, client, session, sequence, expiresMs, body }: Call): CborValue[] {
  return [VERSION, groupId, client, session, sequence, expiresMs, body]
}

/** @throws CodecError if it is no call. The signature is not looked at: see `isSigned`. */
export function decodeCall(bytes: Uint8Array): Call & { readonly signature: Uint8Array } {
  const fields = asArray(decode(bytes, { bytesMax: COMMAND_BYTES_MAX, itemsMax: 16 }), 'call', 8)
  const [version, groupId, client, session, sequence, expiresMs, body, signature] = fields
  asUint(version, 'version', VERSION, VERSION)
  return {
    groupId: asBytes(groupId, 'groupId', 32),
    client: asBytes(client, 'client', 32),
    session: asUint(session, 'session', U32_MAX),
    sequence: asUint(sequence, 'sequence', U32_MAX, 1),
    expiresMs: asUint(expiresMs, 'expiresMs'),
    body: asBytes(body, 'body', { min: 0, max: BODY_BYTES_MAX }),
    signature: asBytes(signature, 'signature', 64)
  }
}

export function isSigned(call: Call & { readonly signature: Uint8Array }): boolean {
  return verify(call.client, signedMessage(DOMAIN.quorumCall, encode(fieldsOf(call))), call.signature)
}

/** Names a command, 32 bytes. */
export function commandId(command: Uint8Array): Uint8Array {
  return hash(DOMAIN.quorumCommand, command)
}
