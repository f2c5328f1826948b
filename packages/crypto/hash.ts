import { createHash, hash as hashOnce } from 'node:crypto'
import { concat, utf8 } from '@brume/codec'

const SEPARATOR = new Uint8Array(1)

/** SHA-256 (FIPS 180-4) of the parts one after another, 32 bytes. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const only = parts.length === 1 ? parts[0] : undefined
  if (only) return plain(hashOnce('sha256', only, 'buffer'))
  const state = createHash('sha256')
  for (const part of parts) state.update(part)
  return plain(state.digest())
}

/** SHA-256(domain ‖ 0x00 ‖ parts), 32 bytes. Parts are not delimited: their lengths must be fixed or told. */
export function hash(domain: string, ...parts: readonly Uint8Array[]): Uint8Array {
  return sha256(signedMessage(domain, ...parts))
}

/** domain ‖ 0x00 ‖ parts: what is signed. Parts are not delimited: their lengths must be fixed or told. */
export function signedMessage(domain: string, ...parts: readonly Uint8Array[]): Uint8Array {
  return concat(utf8(domain), SEPARATOR, ...parts)
}

/** Without Buffer's overrides (`slice` as a view, JSON), which differ from what callers are promised. */
function plain(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length)
}
