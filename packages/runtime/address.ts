import { DOMAIN, hashText, keyFromPeerId } from '@brume/crypto'
import type { PeerId } from '@brume/ports'
import { base32 } from 'multiformats/bases/base32'
import { assertPath, refuseAddress as refuse } from './segment.ts'

export { assertPath, decodeSegment, encodeSegment } from './segment.ts'

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
/** Of the whole address; every frame that opens a pair carries two. */
export const ADDRESS_BYTES_MAX = 512
const ID_BYTES = 16

const INCARNATION = /^(?:0|[1-9][0-9]{0,15})$/

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
  return hashText(DOMAIN.actorId, withoutIncarnation(address)).slice(0, ID_BYTES)
}

function parseAuthority(text: string, authority: string): Pick<ActorAddress, 'peer' | 'group'> {
  if (authority.startsWith(GROUP)) return { peer: null, group: parseGroup(text, authority.slice(GROUP.length)) }
  if (authority !== lastPeer && keyFromPeerId(authority) === undefined) refuse(text, 'its authority is no peer id')
  lastPeer = authority
  return { peer: authority, group: null }
}

/** Base58 costs more than all else of an address, and most are of one peer: this one's peer id is right. */
let lastPeer = ''

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
