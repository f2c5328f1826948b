import type { NetNode } from '@brume/net'
import { decodeHostingRequest, encodeHostingRequest, HOSTING_PROTOCOL } from '@brume/protocols/hosting'
import { replace } from '@brume/testkit'

/** Head of the event of `teller.machine.ts` in canonical CBOR: a map of two, and the key `n`. */
const HEAD = Buffer.from([0xa2, 0x61, 0x6e])
/** Bytes that follow the first one of an integer, by its additional information (RFC 8949, 3). */
const FOLLOWING: Readonly<Record<number, number>> = { 24: 1, 25: 2, 26: 4 }

/**
 * The same network, except that whatever the group sends from here is another number than the group has said, with the proof
 * of the right one around it.
 */
export function forgeSends(net: NetNode, forged: () => void): NetNode {
  const request: NetNode['request'] = (peer, protocol, body, options) => {
    if (protocol.id !== HOSTING_PROTOCOL.id) return net.request(peer, protocol, body, options)
    const asked = decodeHostingRequest(body)
    const proof = asked.type === 'send' ? withOtherNumber(asked.proof) : undefined
    if (proof === undefined) return net.request(peer, protocol, body, options)
    forged()
    return net.request(peer, protocol, encodeHostingRequest({ type: 'send', proof }), options)
  }
  return replace(net, { request } as Partial<NetNode>)
}

function withOtherNumber(proof: Uint8Array): Uint8Array | undefined {
  const changed = Buffer.from(proof)
  const at = changed.lastIndexOf(HEAD)
  if (at === -1) return undefined
  const first = changed[at + HEAD.length] ?? 0
  const last = at + HEAD.length + (FOLLOWING[first & 0x1f] ?? 0)
  changed[last] = (changed[last] ?? 0) ^ 1
  return changed
}
