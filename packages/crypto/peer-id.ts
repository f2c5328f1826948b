import { concat, equal, fromHex } from '@brume/codec'
import { base58btc } from 'multiformats/bases/base58'
import { CryptoError } from './error.ts'

const KEY_BYTES = 32

/**
 * libp2p's peer id of an Ed25519 key (specs/peer-ids): identity multihash (00, 36 bytes) of the
 * protobuf {type: Ed25519 (08 01), data: 32 bytes (12 20)}. The key can be read out of the id.
 */
const PREFIX = fromHex('002408011220')

export const PEER_ID_BYTES = 38

/** 38 bytes in base58 never take more digits; a longer text is refused before the quadratic decoding. */
const TEXT_CHARS_MAX = 52

/** `12D3KooW...`, 52 characters. Throws `CryptoError` unless the key has 32 bytes. */
export function peerIdFromKey(publicKey: Uint8Array): string {
  if (publicKey.length !== KEY_BYTES) {
    throw new CryptoError('BRUME_CRYPTO_KEY_SIZE', `a public key is ${KEY_BYTES} bytes, not ${publicKey.length}`)
  }
  return base58btc.baseEncode(concat(PREFIX, publicKey))
}

/** The Ed25519 key inside a peer id; undefined for other text and for ids of other kinds of key. */
export function keyFromPeerId(peerId: string): Uint8Array | undefined {
  return parse(peerId)?.slice(PREFIX.length)
}

/** The 38 bytes of a peer id. Throws `CryptoError` unless it is one of an Ed25519 key. */
export function peerIdBytes(peerId: string): Uint8Array {
  const bytes = parse(peerId)
  if (!bytes) {
    throw new CryptoError('BRUME_CRYPTO_KEY_SIZE', `not the peer id of an Ed25519 key: ${peerId.slice(0, 64)}`)
  }
  return bytes
}

/** The text of 38 bytes; undefined unless they are the peer id of an Ed25519 key. */
export function peerIdFromBytes(bytes: Uint8Array): string | undefined {
  return isPeerId(bytes) ? base58btc.baseEncode(bytes) : undefined
}

function parse(peerId: string): Uint8Array | undefined {
  if (peerId.length > TEXT_CHARS_MAX) return undefined
  try {
    const bytes = base58btc.baseDecode(peerId)
    // A leading '1' is a zero byte, so an id has one spelling; the length settles the rest.
    return isPeerId(bytes) ? bytes : undefined
  } catch {
    return undefined
  }
}

function isPeerId(bytes: Uint8Array): boolean {
  return bytes.length === PEER_ID_BYTES && equal(bytes.subarray(0, PREFIX.length), PREFIX)
}
