import { utf8 } from '@brume/codec'
import { DOMAIN, hash, keyFromPeerId } from '@brume/crypto'
import type { PeerId } from '@brume/ports'
import { base32 } from 'multiformats/bases/base32'
import { RuntimeError } from './error.ts'

/**
 * Where an actor lives: `brume://<authority>/<segment>{/<segment>}[#<incarnation>]`. There is one spelling of each
 * address, so addresses are compared and hashed as text.
 */
export interface ActorAddress {
  /** A peer id, or `group/<groupId in lower-case base32>`. */
  readonly authority: string
  /** The peer of a placed actor; null for one of a group. */
  readonly peer: PeerId | null
  /** The 32 bytes of the group's id; null for a placed actor. */
  readonly group: Uint8Array | null
  /** As in the address: segments, percent-encoded, joined by `/`. */
  readonly path: string
  /** Null: whoever lives there. */
  readonly incarnation: number | null
}

const SCHEME = 'brume://'
const GROUP = 'group/'
const GROUP_ID_BYTES = 32
/** Ids come from users and go into logs and the keys of tables. */
const SEGMENT_BYTES_MAX = 64
/** The depth of a tree of actors. */
const SEGMENTS_MAX = 16
/** Of the whole address; every frame that opens a pair carries two. */
export const ADDRESS_BYTES_MAX = 512
const ID_BYTES = 16

const PLAIN_SEGMENT = /^[A-Za-z0-9._~:@()-]{1,64}$/
const PLAIN_BYTE = /[A-Za-z0-9._~:@()-]/
const INCARNATION = /^(?:0|[1-9][0-9]{0,15})$/

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** @throws RuntimeError `BRUME_RUNTIME_ADDRESS` for anything but the one spelling of an address */
export function parseAddress(text: string): ActorAddress {
  if (text.length > ADDRESS_BYTES_MAX) refuse(text, `longer than ${ADDRESS_BYTES_MAX} bytes`)
  if (!text.startsWith(SCHEME)) refuse(text, `it begins with ${SCHEME}`)
  const hash = text.indexOf('#')
  const incarnation = hash === -1 ? null : parseIncarnation(text, text.slice(hash + 1))
  const rest = text.slice(SCHEME.length, hash === -1 ? undefined : hash)
  const slash = rest.indexOf('/', rest.startsWith(GROUP) ? GROUP.length : 0)
  if (slash === -1) refuse(text, 'it has no path')
  const authority = rest.slice(0, slash)
  const path = rest.slice(slash + 1)
  assertPath(path)
  return { authority, ...parseAuthority(text, authority), path, incarnation }
}

/** @throws RuntimeError as `parseAddress` does */
export function formatAddress(authority: string, path: string, incarnation: number | null = null): string {
  const text = `${SCHEME}${authority}/${path}`
  const whole = incarnation === null ? text : `${text}#${incarnation}`
  parseAddress(whole)
  return whole
}

/** The authority of the group's actors. */
export function groupAuthority(groupId: Uint8Array): string {
  return GROUP + base32.baseEncode(groupId)
}

/** The same place, whoever lives there. */
export function withoutIncarnation(address: string): string {
  const hash = address.indexOf('#')
  return hash === -1 ? address : address.slice(0, hash)
}

/** Names the actor in a store: the first 16 bytes of a hash of its address, in which the incarnation has no part. */
export function actorId(address: string): Uint8Array {
  return hash(DOMAIN.actorId, utf8(withoutIncarnation(address))).slice(0, ID_BYTES)
}

/** One segment of a path for any id of 1 to 64 bytes in UTF-8. @throws RuntimeError `BRUME_RUNTIME_ADDRESS` */
export function encodeSegment(id: string): string {
  if (PLAIN_SEGMENT.test(id)) return assertNoDots(id, id)
  const bytes = utf8(id)
  if (bytes.length === 0 || bytes.length > SEGMENT_BYTES_MAX || !id.isWellFormed()) {
    refuse(id, `an id takes 1 to ${SEGMENT_BYTES_MAX} bytes of well-formed text`)
  }
  let segment = ''
  for (const byte of bytes) {
    const char = String.fromCharCode(byte)
    segment += PLAIN_BYTE.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return segment
}

/** The id that a segment stands for. @throws RuntimeError `BRUME_RUNTIME_ADDRESS` */
export function decodeSegment(segment: string): string {
  if (PLAIN_SEGMENT.test(segment)) return assertNoDots(segment, segment)
  const bytes: number[] = []
  for (let at = 0; at < segment.length; at++) {
    const hex = segment[at] === '%' ? segment.slice(at + 1, at + 3) : undefined
    bytes.push(hex === undefined ? segment.charCodeAt(at) : Number.parseInt(hex, 16))
    if (hex !== undefined) at += 2
  }
  const id = decodeUtf8(segment, bytes)
  // Lower-case hex, needless escapes, raw characters: whatever encodes otherwise is another spelling.
  if (encodeSegment(id) !== segment) refuse(segment, 'not the one spelling of its id')
  return id
}

/** @throws RuntimeError `BRUME_RUNTIME_ADDRESS` unless it is 1 to 16 segments joined by `/` */
export function assertPath(path: string): void {
  const segments = path.split('/', SEGMENTS_MAX + 1)
  if (segments.length > SEGMENTS_MAX) refuse(path, `more than ${SEGMENTS_MAX} segments`)
  for (const segment of segments) {
    if (!PLAIN_SEGMENT.test(segment)) decodeSegment(segment)
    else assertNoDots(segment, path)
  }
}

function assertNoDots(segment: string, of: string): string {
  if (segment === '.' || segment === '..') refuse(of, `${segment} is no segment`)
  return segment
}

function parseAuthority(text: string, authority: string): Pick<ActorAddress, 'peer' | 'group'> {
  if (authority.startsWith(GROUP)) return { peer: null, group: parseGroup(text, authority.slice(GROUP.length)) }
  if (keyFromPeerId(authority) === undefined) refuse(text, 'its authority is no peer id')
  return { peer: authority, group: null }
}

function parseGroup(text: string, base: string): Uint8Array {
  let id: Uint8Array | undefined
  try {
    id = base32.baseDecode(base)
  } catch {
    // Told below, with what is right.
  }
  if (id?.length !== GROUP_ID_BYTES || base32.baseEncode(id) !== base) {
    refuse(text, `a group's id is ${GROUP_ID_BYTES} bytes in lower-case base32`)
  }
  return id
}

function parseIncarnation(text: string, digits: string): number {
  const incarnation = INCARNATION.test(digits) ? Number(digits) : Number.NaN
  if (!Number.isSafeInteger(incarnation)) refuse(text, 'an incarnation is a decimal integer below 2^53')
  return incarnation
}

function decodeUtf8(segment: string, bytes: readonly number[]): string {
  try {
    return strict.decode(Uint8Array.from(bytes))
  } catch {
    return refuse(segment, 'not UTF-8')
  }
}

function refuse(text: string, reason: string): never {
  throw new RuntimeError('BRUME_RUNTIME_ADDRESS', `not an address: ${text.slice(0, 80)}: ${reason}`)
}
