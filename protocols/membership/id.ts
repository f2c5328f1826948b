import type { ChannelProtocol } from '@brume/ports'

/** One stream a direction between connected peers: Hello first, then anti-entropy. */
export const MEMBERSHIP_PROTOCOL_ID = '/brume/membership/1.0.0'

/** Largest frame. 2,048 summaries of 24 B, or 31 records of full size, fit beside their heads. */
export const FRAME_BYTES_MAX = 65_536

export const MEMBERSHIP_CHANNEL: ChannelProtocol = {
  id: MEMBERSHIP_PROTOCOL_ID,
  class: 'control',
  frameBytesMax: FRAME_BYTES_MAX
}

/** The gossip topic of one network; `net8` is the first 8 hex digits of SHA-256(network id). */
export function membersTopic(net8: string): string {
  return `brume/members/${net8}`
}

/** Record layout version, field 0. */
export const RECORD_VERSION = 1

/** A whole signed record. Four times the typical one, so that a member costs at most 2 KiB anywhere. */
export const RECORD_BYTES_MAX = 2_048
export const NETWORK_ID_BYTES = 32
export const PEER_BYTES = 38
export const KEY_BYTES = 32
export const SIGNATURE_BYTES = 64
export const SALT_BYTES = 16

/** Outbound slots a record may announce: iot, Raspberry Pi, laptop, server. */
export const DEGREES = [4, 6, 8, 12] as const

/** Interfaces times transports of a real machine; more only serves to make others dial. */
export const ADDRESSES_MAX = 8
/** A `/dns6/.../tcp/.../ws/p2p/...` with a long host name. */
export const ADDRESS_BYTES_MAX = 128

export const OPERATOR_BYTES_MAX = 64
export const SITE_BYTES_MAX = 64
export const REGION_BYTES_MAX = 32

export const PROFILES_MAX = 8
export const CAPABILITIES_MAX = 16
export const CAPABILITY_BYTES_MAX = 32

/** An onion directory entry, opaque here. */
export const ONION_BYTES_MAX = 400

export const EXTENSIONS_MAX = 8
export const EXTENSIONS_BYTES_MAX = 256
export const EXTENSION_NAME_BYTES_MAX = 32

/** Digest: the first byte of SHA-256(peer) names a bucket. */
export const BUCKETS = 256
export const BUCKET_DIGEST_BYTES = 8
export const DIGEST_BYTES = BUCKETS * BUCKET_DIGEST_BYTES
export const ROOT_BYTES = 32

/** A peer in anti-entropy: the first 16 B of SHA-256(peer); a collision costs 2^64 work and repairs nothing else. */
export const ID_BYTES = 16
/** id16 ‖ seq u64. */
export const SUMMARY_BYTES = 24
/** Every member of a full membership in one frame of 48 KiB. */
export const SUMMARIES_MAX = 2_048
/** Signature checks of one frame: 64 x 126 us = 8 ms of the event loop. */
export const WANT_MAX = 64
export const RECORDS_MAX = 64

/** Length of an epoch of the default network: one record and one proof an hour are free. */
export const EPOCH_MS = 3_600_000

/** Bits of field 8. */
export const FLAG = {
  relay: 1,
  bootstrap: 2,
  gateway: 4,
  storage: 8,
  executor: 16,
  leaving: 32,
  beaconSource: 64
} as const
