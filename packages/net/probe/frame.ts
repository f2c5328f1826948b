/** `kind u8 | flags u8 | 0 u16 | own loop lag in ms u32 | nonce u64`, big-endian (libp2p.md 6). */
export const PROBE_BYTES = 16

export interface ProbeFrame {
  readonly kind: 'ask' | 'echo'
  /** The sender's own event-loop lag, milliseconds. */
  readonly lagMs: number
  readonly nonce: bigint
}

const ASK = 1
const ECHO = 2
const U32_MAX = 0xffff_ffff

export function encodeProbe({ kind, lagMs, nonce }: ProbeFrame): Uint8Array {
  const frame = Buffer.alloc(PROBE_BYTES)
  frame.writeUInt8(kind === 'ask' ? ASK : ECHO, 0)
  frame.writeUInt32BE(Math.min(U32_MAX, Math.max(0, Math.round(lagMs))), 4)
  frame.writeBigUInt64BE(nonce, 8)
  return frame
}

/** Undefined for what is no probe; unknown flags are left for later versions. */
export function decodeProbe(bytes: Uint8Array): ProbeFrame | undefined {
  if (bytes.length !== PROBE_BYTES) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const kind = view.getUint8(0)
  if (kind !== ASK && kind !== ECHO) return undefined
  return { kind: kind === ASK ? 'ask' : 'echo', lagMs: view.getUint32(4), nonce: view.getBigUint64(8) }
}

/** Cuts a stream into pieces of one fixed size; what remains waits for the next chunk. */
export class FixedReader {
  readonly #size: number
  readonly #piece: (bytes: Uint8Array) => void
  #rest = new Uint8Array(0)

  constructor(size: number, piece: (bytes: Uint8Array) => void) {
    this.#size = size
    this.#piece = piece
  }

  push(chunk: Uint8Array): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    let at = 0
    for (; at + this.#size <= bytes.length; at += this.#size) this.#piece(bytes.subarray(at, at + this.#size))
    this.#rest = new Uint8Array(bytes.subarray(at))
  }
}
