import { asArray, asBytes, asUint, type CborValue, CodecError, decode, encode, optional } from '@brume/codec'
import type { ChannelProtocol } from '@brume/ports'
import type { Ship, ShipAck, StandbyFrame } from '@brume/runtime/standby'

export type { Beacon, Ship, ShipAck, StandbyFrame } from '@brume/runtime/standby'

const ID_BYTES = 16
const HASH_BYTES = 32
/** What waits for one peer is bounded by 512 KiB on a small machine: a frame takes no more than half of that. */
const FRAME_BYTES_MAX = 262_144
/** Pieces of small batches: of more than these a holder makes several frames. */
const ENTRIES_MAX = 4_096
/** Heads of CBOR and the fixed fields around entries and record. */
const OVERHEAD_BYTES = 128

/** What a holder may put into one Ship: entries, each with 5 bytes of head, and record together. */
export const SHIP_BYTES_MAX = FRAME_BYTES_MAX - OVERHEAD_BYTES
export const SHIP_ENTRIES_MAX = ENTRIES_MAX

/** `/brume/standby/1.0.0`: from a holder to its followers and back, one stream a direction for all actors of two peers. */
export const STANDBY_CHANNEL: ChannelProtocol = {
  id: '/brume/standby/1.0.0',
  // Bounded by bytes: acks are small frames, and many.
  class: 'bulk',
  frameBytesMax: FRAME_BYTES_MAX
}

/** `[1, id, epoch, fromSeq, prevHash, entries, record]`, `[2, id, epoch, seq, hash]`, `[3, n]` or `[4, n]`, canonical CBOR. */
export function encodeStandby(frame: StandbyFrame): Uint8Array {
  switch (frame.type) {
    case 'ship':
      return encode([1, frame.id, frame.epoch, frame.fromSeq, frame.prevHash, [...frame.entries], frame.record])
    case 'shipAck':
      return encode([2, frame.id, frame.epoch, frame.seq, frame.hash])
    case 'beacon':
      return encode([3, frame.n])
    case 'beaconAck':
      return encode([4, frame.n])
  }
}

/** @throws CodecError for anything but the one encoding of a frame */
export function decodeStandby(bytes: Uint8Array): StandbyFrame {
  const limits = { bytesMax: FRAME_BYTES_MAX, depthMax: 2, itemsMax: ENTRIES_MAX + 8 }
  const [type, ...fields] = asArray(decode(bytes, limits), 'standby frame', { min: 2, max: 7 })
  switch (type) {
    case 1:
      return readShip(fields)
    case 2:
      return readAck(fields)
    case 3:
    case 4:
      return { type: type === 3 ? 'beacon' : 'beaconAck', n: asUint(asArray(fields, 'beacon', 1)[0], 'n') }
    default:
      throw new CodecError('BRUME_CODEC_SHAPE', 'there is no such frame')
  }
}

function readShip(fields: readonly CborValue[]): Ship {
  const [id, epoch, fromSeq, prevHash, entries, record] = asArray(fields, 'ship', 6)
  const some = { min: 1, max: FRAME_BYTES_MAX }
  return {
    type: 'ship',
    id: asBytes(id, 'id', ID_BYTES),
    epoch: asUint(epoch, 'epoch'),
    fromSeq: asUint(fromSeq, 'fromSeq'),
    prevHash: asBytes(prevHash, 'prevHash', HASH_BYTES),
    entries: asArray(entries, 'entries', { min: 0, max: ENTRIES_MAX }).map((entry) => asBytes(entry, 'entry', some)),
    record: optional(record, (value) => asBytes(value, 'record', some))
  }
}

function readAck(fields: readonly CborValue[]): ShipAck {
  const [id, epoch, seq, hash] = asArray(fields, 'ack', 4)
  return {
    type: 'shipAck',
    id: asBytes(id, 'id', ID_BYTES),
    epoch: asUint(epoch, 'epoch'),
    seq: asUint(seq, 'seq'),
    hash: asBytes(hash, 'hash', HASH_BYTES)
  }
}
