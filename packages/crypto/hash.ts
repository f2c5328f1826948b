import { createHash, hash as hashOnce } from 'node:crypto'
import { concat, utf8 } from '@brume/codec'

const SEPARATOR = new Uint8Array(1)

/** SHA-256 (FIPS 180-4) of the parts one after another, 32 bytes. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const only = parts.length === 1 ? parts[0] : undefined
  if (only) return fromBinary(hashOnce('sha256', only, 'binary'))
  const state = createHash('sha256')
  for (const part of parts) state.update(part)
  return fromBinary(state.digest('binary'))
}

/** SHA-256(domain ‖ 0x00 ‖ parts), 32 bytes. Parts are not delimited: their lengths must be fixed or told. */
export function hash(domain: string, ...parts: readonly Uint8Array[]): Uint8Array {
  return sha256(signedMessage(domain, ...parts))
}

/** `hash` of one text in UTF-8, which is not copied on the way: half the time for a short one. */
export function hashText(domain: string, text: string): Uint8Array {
  return fromBinary(hashOnce('sha256', `${domain}\0${text}`, 'binary'))
}

/** domain ‖ 0x00 ‖ parts: what is signed. Parts are not delimited: their lengths must be fixed or told. */
export function signedMessage(domain: string, ...parts: readonly Uint8Array[]): Uint8Array {
  return concat(utf8(domain), SEPARATOR, ...parts)
}

/** Of 'binary' text, a character a byte: the engine makes it in a third of the time of memory of its own. */
function fromBinary(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i)
  return bytes
}
