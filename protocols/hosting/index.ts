import { asArray, asBytes, asText, asUint, type CborValue, CodecError, decode, encode, optional } from '@brume/codec'
import type { RequestProtocol } from '@brume/ports'

/** The largest manifest, and the largest input of an actor. */
const MANIFEST_BYTES_MAX = 65_536
const INPUT_BYTES_MAX = 65_536
const CODE_BYTES_MAX = 64
/** Messages are for people; a longer one is cut. */
const MESSAGE_BYTES_MAX = 512
/** What shows that a group has sent something: manifest, finality and attestation of a hundred members with room. */
const PROOF_BYTES_MAX = 262_144
/** Heads of CBOR around the parts. */
const OVERHEAD_BYTES = 64

/** What is asked of a peer about groups: one request a stream. */
export const HOSTING_PROTOCOL: RequestProtocol = {
  id: '/brume/hosting/1.0.0',
  requestBytesMax: PROOF_BYTES_MAX + OVERHEAD_BYTES,
  answerBytesMax: MANIFEST_BYTES_MAX + OVERHEAD_BYTES
}

export type HostingRequest =
  /** Take part in this group. `input`: what its actor begins with, canonical CBOR, where the manifest names only its digest. */
  | { readonly type: 'host'; readonly manifest: Uint8Array; readonly input: Uint8Array | null }
  /** The manifest of this group: who asks checks it against the id, which is its hash. */
  | { readonly type: 'manifest'; readonly groupId: Uint8Array }
  /** An event of a replicated actor for an actor of yours: the proof holds sender, target and event. */
  | { readonly type: 'send'; readonly proof: Uint8Array }

export type HostingAnswer =
  /** The group is joined; the event is processed, now or before. */
  | { readonly type: 'done' }
  /** Null: not known here. */
  | { readonly type: 'manifest'; readonly manifest: Uint8Array | null }
  | { readonly type: 'refused'; readonly code: string; readonly message: string }

/** `[0, manifest, input | null]`, `[1, groupId]` or `[2, proof]`, canonical CBOR. */
export function encodeHostingRequest(request: HostingRequest): Uint8Array {
  switch (request.type) {
    case 'host':
      return encode([0, request.manifest, request.input])
    case 'manifest':
      return encode([1, request.groupId])
    case 'send':
      return encode([2, request.proof])
  }
}

/** @throws CodecError */
export function decodeHostingRequest(bytes: Uint8Array): HostingRequest {
  const limits = { bytesMax: HOSTING_PROTOCOL.requestBytesMax, itemsMax: 8 }
  const [type, ...fields] = asArray(decode(bytes, limits), 'hosting request', { min: 2, max: 3 })
  const read = [readHost, readAsked, readSend][asUint(type, 'type', 2)] ?? readHost
  return read(fields)
}

function readHost(fields: readonly CborValue[]): HostingRequest {
  const [manifest, input] = asArray(fields, 'host', 2)
  return {
    type: 'host',
    manifest: asBytes(manifest, 'manifest', { min: 1, max: MANIFEST_BYTES_MAX }),
    input: optional(input, (value) => asBytes(value, 'input', { min: 1, max: INPUT_BYTES_MAX }))
  }
}

function readAsked(fields: readonly CborValue[]): HostingRequest {
  return { type: 'manifest', groupId: asBytes(asArray(fields, 'manifest', 1)[0], 'groupId', 32) }
}

function readSend(fields: readonly CborValue[]): HostingRequest {
  const [proof] = asArray(fields, 'send', 1)
  return { type: 'send', proof: asBytes(proof, 'proof', { min: 1, max: PROOF_BYTES_MAX }) }
}

/** `[0]`, `[1, manifest | null]` or `[2, code, message]`, canonical CBOR. */
export function encodeHostingAnswer(answer: HostingAnswer): Uint8Array {
  switch (answer.type) {
    case 'done':
      return encode([0])
    case 'manifest':
      return encode([1, answer.manifest])
    case 'refused':
      return encode([2, cut(answer.code, CODE_BYTES_MAX), cut(answer.message, MESSAGE_BYTES_MAX)])
  }
}

/** @throws CodecError */
export function decodeHostingAnswer(bytes: Uint8Array): HostingAnswer {
  const limits = { bytesMax: HOSTING_PROTOCOL.answerBytesMax, itemsMax: 8 }
  const [type, ...fields] = asArray(decode(bytes, limits), 'hosting answer', { min: 1, max: 3 })
  switch (type) {
    case 0:
      asArray(fields, 'done', 0)
      return { type: 'done' }
    case 1: {
      const [manifest] = asArray(fields, 'manifest', 1)
      const read = (value: CborValue | undefined) => asBytes(value, 'manifest', { min: 1, max: MANIFEST_BYTES_MAX })
      return { type: 'manifest', manifest: optional(manifest, read) }
    }
    case 2: {
      const [code, message] = asArray(fields, 'refused', 2)
      const texts = {
        code: asText(code, 'code', CODE_BYTES_MAX),
        message: asText(message, 'message', MESSAGE_BYTES_MAX)
      }
      return { type: 'refused', ...texts }
    }
    default:
      throw new CodecError('BRUME_CODEC_SHAPE', 'there is no such answer')
  }
}

/** The beginning of a text that fits so many bytes of UTF-8. */
function cut(text: string, bytesMax: number): string {
  const bytes = Buffer.from(text)
  if (bytes.length <= bytesMax) return text
  // Back to where the character begins that the cut would go through.
  const end = bytes.subarray(0, bytesMax + 1).findLastIndex((byte) => (byte & 0xc0) !== 0x80)
  return bytes.subarray(0, end).toString('utf8')
}
