import { asArray, asText, asUint, decode, encode } from '@brume/codec'
import { type Event, jsonOf, type Outgoing } from '@brume/runtime/replica'

/** Sends of one block, and so the step of its sequence numbers from one height to the next. */
const SENDS_PER_BLOCK = 16_384

/** `send/<height>/<index>`: under `told/`, for as long as its block can be proven. */
export const outgoingPath = (height: number, index: number): string => `send/${height}/${index}`

/** Where the leaf of a send is read. */
export const sentPath = (height: number, index: number): string => `told/${outgoingPath(height, index)}`

/** `height x 2^14 + index`: grows with every send of a group. */
export const sequenceOf = (height: number, index: number): number => height * SENDS_PER_BLOCK + index

/** `[1, index, target, event]`, canonical CBOR. */
export function encodeOutgoing({ index, to, event }: Outgoing): Uint8Array {
  return encode([1, index, to, event])
}

/** @throws CodecError */
export function decodeOutgoing(bytes: Uint8Array): Outgoing {
  const [version, index, to, event = null] = asArray(decode(bytes, { bytesMax: 4_096, depthMax: 36 }), 'send', 4)
  asUint(version, 'version', 1, 1)
  return {
    index: asUint(index, 'index', SENDS_PER_BLOCK),
    to: asText(to, 'target', 512),
    event: jsonOf(event) as Event
  }
}
