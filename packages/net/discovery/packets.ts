import { keyFromPeerId } from '@brume/crypto'
import { multiaddr } from '@multiformats/multiaddr'
import type { ResponsePacket } from 'multicast-dns'
import { ADDRESS_CHARACTERS_MAX, ADDRESSES_PER_PEER_MAX, bareAddress } from '../addresses/policy.ts'

/** A peer somebody claims to be, at addresses it claims to have: a hint to dial, nothing more. */
export interface Candidate {
  readonly peer: string
  readonly addresses: readonly string[]
}

type Answer = ResponsePacket['answers'][number]

/** Seconds others may remember the answer; the value of the libp2p mDNS specification. */
const ANSWER_TTL_SECONDS = 120
/** A TXT string carries its length in one byte (RFC 6763 6.1). */
const TXT_BYTES_MAX = 255
const ADDRESS_PREFIX = 'dnsaddr='
/** Records looked at in one packet: a hostile one must cost no more than an honest one. */
export const RECORDS_MAX = 64

/** The answer to a query for `serviceTag`, in the libp2p format (libp2p specs, discovery/mdns). */
export function answerFor(serviceTag: string, name: string, peer: string, addresses: readonly string[]): Answer[] {
  const instance = `${name}.${serviceTag}`
  const records: Answer[] = [{ name: serviceTag, type: 'PTR', class: 'IN', ttl: ANSWER_TTL_SECONDS, data: instance }]
  for (const address of addresses.slice(0, ADDRESSES_PER_PEER_MAX)) {
    const data = `${ADDRESS_PREFIX}${bareAddress(address)}/p2p/${peer}`
    if (data.length > TXT_BYTES_MAX) continue
    records.push({ name: instance, type: 'TXT', class: 'IN', ttl: ANSWER_TTL_SECONDS, data })
  }
  return records
}

/**
 * The peer an answer names, or undefined when it is not about `serviceTag`, is our own, or does not
 * hold together. Records may stand among the answers (js-libp2p) or the additionals (go-libp2p).
 */
export function readAnswer(packet: ResponsePacket, serviceTag: string, ownName: string): Candidate | undefined {
  const records = [...(packet.answers ?? []), ...(packet.additionals ?? [])].slice(0, RECORDS_MAX)
  const pointer = records.find(({ type, name }) => type === 'PTR' && name === serviceTag)
  if (pointer === undefined || !('data' in pointer)) return undefined
  const instance = String(pointer.data)
  if (instance.startsWith(ownName)) return undefined
  return candidate(records.filter(({ type }) => type === 'TXT').flatMap(texts))
}

function texts(record: Answer): string[] {
  if (!('data' in record)) return []
  const data: unknown = record.data
  const strings: unknown[] = Array.isArray(data) ? data : [data]
  return strings
    .map((text) => (text instanceof Uint8Array ? Buffer.from(text).toString('utf8') : String(text)))
    .filter((text) => text.startsWith(ADDRESS_PREFIX) && text.length <= ADDRESS_CHARACTERS_MAX)
    .map((text) => text.slice(ADDRESS_PREFIX.length))
}

function candidate(addresses: readonly string[]): Candidate | undefined {
  let peer: string | undefined
  const found: string[] = []
  for (const address of addresses) {
    const named = peerOfAddress(address)
    if (named === undefined || (peer !== undefined && named !== peer)) continue
    peer = named
    if (found.length < ADDRESSES_PER_PEER_MAX) found.push(bareAddress(address))
  }
  return peer === undefined ? undefined : { peer, addresses: found }
}

/** The Ed25519 peer id at the end of a multiaddr; undefined when there is none or it is no address. */
export function peerOfAddress(address: string): string | undefined {
  try {
    const last = multiaddr(address).getComponents().at(-1)
    const peer = last?.name === 'p2p' ? last.value : undefined
    return peer !== undefined && keyFromPeerId(peer) !== undefined ? peer : undefined
  } catch {
    return undefined
  }
}
