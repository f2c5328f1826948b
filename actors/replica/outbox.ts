import { asArray, asBytes, asText, decode, encode, Writer } from '@brume/codec'
import type { Store } from '@brume/ports'
import { decodeSend, encodeSend } from '@brume/runtime/replica'
import type { Sending } from './dispatch.ts'

/** A send of 4 KiB with its proof. */
const ENTRY_BYTES_MAX = 2_101_248
const FROM_BYTES_MAX = 512

const keyOf = (seq: number): Uint8Array => new Writer(8).u64(seq).finish()

/**
 * What is on its way from this member and its target has not taken, on disk: a target may be away for longer than all
 * members are up. Entries are `[from, send, proof]`, by sequence number.
 */
export class Outbox {
  readonly #store: Store

  /** @param store - of one group */
  constructor(store: Store) {
    this.#store = store
  }

  keep({ from, proof, ...send }: Sending): Promise<void> {
    const value = encode([from, encodeSend(send), proof])
    return this.#store.batch([{ type: 'put', key: keyOf(send.seq), value }])
  }

  drop(seq: number): Promise<void> {
    return this.#store.batch([{ type: 'del', key: keyOf(seq) }])
  }

  /** The oldest first. @throws CodecError, StoreError */
  async *kept(): AsyncIterable<Sending> {
    for await (const [, value] of this.#store.entries()) {
      const [from, send, proof] = asArray(decode(value, { bytesMax: ENTRY_BYTES_MAX }), 'entry', 3)
      const { event, ...sent } = decodeSend(asBytes(send, 'send', { min: 1, max: ENTRY_BYTES_MAX }))
      yield {
        ...sent,
        from: asText(from, 'from', FROM_BYTES_MAX),
        event: event as Sending['event'],
        proof: asBytes(proof, 'proof', { min: 1, max: ENTRY_BYTES_MAX })
      }
    }
  }
}
