import { isIPv4, isIPv6 } from 'node:net'

/** A relayed address names two peers in some 150 bytes; nothing sensible is much longer. */
const BYTES_MAX = 256

const isPort = (value: string): boolean => /^\d{1,5}$/.test(value) && Number(value) <= 65_535
const isHost = (value: string): boolean => /^[\p{L}\p{N}_.-]{1,253}$/u.test(value)
const isPeerId = (value: string): boolean => /^12D3KooW[1-9A-HJ-NP-Za-km-z]{44}$/.test(value)

/** Protocols brume can listen on or dial, with what their value must look like; undefined: they have none. */
const PROTOCOLS: ReadonlyMap<string, ((value: string) => boolean) | undefined> = new Map([
  ['ip4', isIPv4],
  ['ip6', isIPv6],
  ['dns', isHost],
  ['dns4', isHost],
  ['dns6', isHost],
  ['dnsaddr', isHost],
  ['tcp', isPort],
  ['udp', isPort],
  ['p2p', isPeerId],
  ['ws', undefined],
  ['wss', undefined],
  ['quic-v1', undefined],
  ['p2p-circuit', undefined]
])

/** What a place for an address asks of it beyond being one. */
export interface AddressNeeds {
  /** It ends in /p2p/<peer id>. */
  readonly peer?: boolean
  readonly bytesMax?: number
}

/**
 * What is wrong with this multiaddr (multiformats.io/multiaddr), or undefined. Here so that a typing
 * error gets its sentence before the network, and libp2p with it, is loaded.
 */
export function multiaddrFault(address: string, needs: AddressNeeds = {}): string | undefined {
  const bytesMax = needs.bytesMax ?? BYTES_MAX
  if (Buffer.byteLength(address) > bytesMax) return `${address.slice(0, 32)}... is longer than ${bytesMax} bytes`
  if (!address.startsWith('/')) return `${address} does not begin with /`
  const parts = address.slice(1).split('/')
  let last = ''
  while (parts.length > 0) {
    last = parts.shift() ?? ''
    const fault = partFault(address, last, parts)
    if (fault !== undefined) return fault
  }
  return needs.peer === true && last !== 'p2p' ? `${address} does not end in /p2p/<peer id>` : undefined
}

function partFault(address: string, name: string, rest: string[]): string | undefined {
  if (!PROTOCOLS.has(name)) return `${address} has an unknown part /${name}`
  const fits = PROTOCOLS.get(name)
  if (fits === undefined) return undefined
  const value = rest.shift()
  if (value === undefined || value === '') return `${address} ends where /${name} needs a value`
  return fits(value) ? undefined : `${address} has a bad value in /${name}/${value}`
}
