/** Length prefix of a frame: u32 big-endian. */
export const FRAME_HEADER_BYTES = 4

/** Frames of one turn leave in writes of about this size; a larger single frame leaves whole. */
export const WRITE_BYTES_MAX = 65_536

/** A hostile length must not reserve memory for bytes that never come: bodies grow from this, doubling. */
const BODY_BYTES_FIRST = 65_536

/** Why a stream of frames cannot be read on. */
export type FrameFault = 'empty' | 'too-long'

/**
 * Takes arbitrary chunks of a stream of `u32 length | body` and hands each body over, in a copy of
 * its own. After a fault it takes nothing more.
 */
export class FrameReader {
  readonly #bytesMax: number
  readonly #frame: (body: Uint8Array) => void
  readonly #header = new Uint8Array(FRAME_HEADER_BYTES)
  #headerLength = 0
  #body: Uint8Array | undefined
  #bodyLength = 0
  #expected = 0
  #fault: FrameFault | undefined

  constructor(bytesMax: number, frame: (body: Uint8Array) => void) {
    this.#bytesMax = bytesMax
    this.#frame = frame
  }

  get fault(): FrameFault | undefined {
    return this.#fault
  }

  /** Reads the whole chunk. Returns why the stream cannot be read on, if it cannot. */
  push(chunk: Uint8Array): FrameFault | undefined {
    this.pushWhile(chunk, () => true)
    return this.#fault
  }

  /** Reads while `goOn`, asked before each frame; returns how many bytes were read. */
  pushWhile(chunk: Uint8Array, goOn: () => boolean): number {
    let at = 0
    while (at < chunk.length && this.#fault === undefined && goOn()) {
      at = this.#body === undefined ? this.#readHead(chunk, at) : this.#readBody(chunk, at)
    }
    return at
  }

  #readHead(chunk: Uint8Array, at: number): number {
    if (this.#headerLength === 0 && chunk.length - at >= FRAME_HEADER_BYTES) {
      return this.#begin(readU32(chunk, at), chunk, at + FRAME_HEADER_BYTES)
    }
    while (at < chunk.length && this.#headerLength < FRAME_HEADER_BYTES) {
      this.#header[this.#headerLength++] = chunk[at++] ?? 0
    }
    if (this.#headerLength < FRAME_HEADER_BYTES) return at
    this.#headerLength = 0
    return this.#begin(readU32(this.#header, 0), chunk, at)
  }

  #begin(length: number, chunk: Uint8Array, at: number): number {
    if (length === 0 || length > this.#bytesMax) {
      this.#fault = length === 0 ? 'empty' : 'too-long'
      return chunk.length
    }
    if (chunk.length - at >= length) {
      this.#frame(new Uint8Array(chunk.subarray(at, at + length)))
      return at + length
    }
    this.#expected = length
    this.#body = new Uint8Array(Math.min(length, BODY_BYTES_FIRST))
    this.#bodyLength = 0
    return at
  }

  #readBody(chunk: Uint8Array, at: number): number {
    const take = Math.min(this.#expected - this.#bodyLength, chunk.length - at)
    const body = this.#room(this.#bodyLength + take)
    body.set(chunk.subarray(at, at + take), this.#bodyLength)
    this.#bodyLength += take
    if (this.#bodyLength === this.#expected) {
      this.#body = undefined
      this.#frame(body.length === this.#expected ? body : body.slice(0, this.#expected))
    }
    return at + take
  }

  #room(needed: number): Uint8Array {
    const body = this.#body ?? new Uint8Array(0)
    if (body.length >= needed) return body
    const grown = new Uint8Array(Math.min(this.#expected, Math.max(needed, body.length * 2)))
    grown.set(body.subarray(0, this.#bodyLength))
    this.#body = grown
    return grown
  }
}

/** All bodies with their prefixes, in one buffer. */
export function packFrames(bodies: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const body of bodies) length += FRAME_HEADER_BYTES + body.length
  const packed = Buffer.allocUnsafe(length)
  let at = 0
  for (const body of bodies) {
    at = packed.writeUInt32BE(body.length, at)
    packed.set(body, at)
    at += body.length
  }
  return packed
}

function readU32(bytes: Uint8Array, at: number): number {
  return (
    ((byte(bytes, at) << 24) | (byte(bytes, at + 1) << 16) | (byte(bytes, at + 2) << 8) | byte(bytes, at + 3)) >>> 0
  )
}

function byte(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0
}
