import { asArray, asBytes, asText, asUint, type CborValue, decode, encode, optional } from '@brume/codec'
import { peerIdBytes, peerIdFromBytes } from '@brume/crypto'
import type { PeerId } from '@brume/ports'
import { malformed } from './errors.ts'
import {
  readCertificate,
  readHost,
  readPlace,
  readState,
  readWork,
  U16_MAX,
  U32_MAX,
  writeCertificate,
  writeHost,
  writePlace,
  writeState,
  writeWork
} from './fields.ts'
import {
  ADDRESS_BYTES_MAX,
  ADDRESSES_MAX,
  DEGREES,
  EXTENSION_NAME_BYTES_MAX,
  EXTENSIONS_BYTES_MAX,
  EXTENSIONS_MAX,
  KEY_BYTES,
  NETWORK_ID_BYTES,
  ONION_BYTES_MAX,
  PEER_BYTES,
  RECORD_BYTES_MAX,
  RECORD_VERSION,
  SALT_BYTES,
  SIGNATURE_BYTES
} from './id.ts'
import type { RecordBody, SignedRecord } from './messages.ts'

const FIELDS = 18
/** `[body, signature]` nests once; inside the body extensions may nest a little. */
const DEPTH_MAX = 8
/** 18 fields, 24 items of host, state and place, 8 + 8 + 16 list items, and what extensions may hold. */
const ITEMS_MAX = 512

/** The body's canonical bytes, which are what is signed. */
export function encodeBody(body: RecordBody): Uint8Array {
  return encode([
    RECORD_VERSION,
    body.networkId,
    peerIdBytes(body.peer),
    body.vrfKey,
    body.notBefore,
    body.seq,
    body.epoch,
    body.salt,
    body.flags,
    body.degree,
    body.addresses,
    writePlace(body.place),
    writeCertificate(body.certificate),
    writeHost(body.host),
    writeState(body.state),
    writeWork(body.work),
    body.onion,
    body.extensions
  ])
}

/** Reads a body. Throws `CodecError` or `RecordError`; checks every limit and no signature. */
export function decodeBody(bytes: Uint8Array): RecordBody {
  const value = decode(bytes, { bytesMax: RECORD_BYTES_MAX, depthMax: DEPTH_MAX, itemsMax: ITEMS_MAX })
  const fields = asArray(value, 'record', FIELDS)
  asUint(fields[0], 'record version', RECORD_VERSION, RECORD_VERSION)
  return {
    networkId: asBytes(fields[1], 'network id', NETWORK_ID_BYTES),
    peer: readPeer(fields[2]),
    vrfKey: asBytes(fields[3], 'vrf key', KEY_BYTES),
    notBefore: asUint(fields[4], 'notBefore', U32_MAX),
    seq: asUint(fields[5], 'seq'),
    epoch: asUint(fields[6], 'epoch', U32_MAX),
    salt: optional(fields[7], (salt) => asBytes(salt, 'salt', SALT_BYTES)),
    flags: asUint(fields[8], 'flags', U16_MAX),
    degree: readDegree(fields[9]),
    addresses: asArray(fields[10], 'addresses', { min: 0, max: ADDRESSES_MAX }).map(readAddress),
    place: readPlace(fields[11]),
    certificate: readCertificate(fields[12]),
    host: readHost(fields[13]),
    state: readState(fields[14]),
    work: readWork(fields[15]),
    onion: optional(fields[16], (onion) => asBytes(onion, 'onion', { min: 1, max: ONION_BYTES_MAX })),
    extensions: readExtensions(fields[17])
  }
}

/** `[bodyBytes, signature]`. */
export function encodeSigned(bodyBytes: Uint8Array, signature: Uint8Array): Uint8Array {
  return encode([bodyBytes, signature])
}

/** Reads a whole record of at most 2,048 B. Throws `CodecError` or `RecordError`; checks no signature. */
export function decodeRecord(bytes: Uint8Array): SignedRecord {
  const value = decode(bytes, { bytesMax: RECORD_BYTES_MAX, depthMax: 2, itemsMax: 4 })
  const [body, signature] = asArray(value, 'signed record', 2)
  const bodyBytes = asBytes(body, 'record body', { min: 1, max: RECORD_BYTES_MAX })
  return {
    bytes,
    bodyBytes,
    signature: asBytes(signature, 'record signature', SIGNATURE_BYTES),
    body: decodeBody(bodyBytes)
  }
}

function readPeer(value: CborValue | undefined): PeerId {
  const peer = peerIdFromBytes(asBytes(value, 'peer', PEER_BYTES))
  if (peer === undefined) throw malformed('the peer id is not the identity multihash of an Ed25519 key')
  return peer
}

function readDegree(value: CborValue | undefined): RecordBody['degree'] {
  const number = asUint(value, 'degree', 12)
  const degree = DEGREES.find((candidate) => candidate === number)
  if (degree === undefined) throw malformed(`degree ${number} is none of ${DEGREES.join(', ')}`)
  return degree
}

/** Text in the outer form of a multiaddr; `packages/net` parses and judges it before any dial. */
function readAddress(value: CborValue | undefined): string {
  const text = asText(value, 'address', ADDRESS_BYTES_MAX)
  if (!/^(\/[\x21-\x2e\x30-\x7e]+)+$/.test(text)) throw malformed('an address is no multiaddr text')
  return text
}

function readExtensions(value: CborValue | undefined): RecordBody['extensions'] {
  if (!isTextMap(value)) throw malformed('extensions are not a map with text keys')
  const names = Object.keys(value)
  if (names.length > EXTENSIONS_MAX) throw malformed(`more than ${EXTENSIONS_MAX} extensions`)
  for (const name of names) asText(name, 'extension name', EXTENSION_NAME_BYTES_MAX)
  if (encode(value).length > EXTENSIONS_BYTES_MAX) throw malformed(`extensions above ${EXTENSIONS_BYTES_MAX} bytes`)
  return value
}

function isTextMap(value: CborValue | undefined): value is { readonly [name: string]: CborValue } {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !ArrayBuffer.isView(value) &&
    !(value instanceof Map)
  )
}
