import { isIP } from 'node:net'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { type InterfaceAddress, isHostPrivate } from '../discovery/interfaces.ts'
import type { ProfileName } from '../host/profiles.ts'
import { Subnets } from './subnets.ts'

/** At most this many addresses are kept of one peer: more only slow the dial down. */
export const ADDRESSES_PER_PEER_MAX = 8
/** A wire limit of the membership record, kept here too: a longer multiaddr is no address of ours. */
export const ADDRESS_CHARACTERS_MAX = 256

/** What an address is, before anyone asks whether it may be used. */
type AddressKind = 'loopback' | 'unusable' | 'metadata' | 'private' | 'public' | 'dns' | 'relayed'

/** Why an address was refused: the label of `brume_net_address_refused_total`. */
export type Refusal =
  | 'malformed'
  | 'loopback'
  | 'unusable'
  | 'metadata'
  | 'foreign-private'
  | 'low-port'
  | 'dns'
  | 'relayed'

/** What the policy needs to know of this machine and its configuration. */
export interface AddressContext {
  readonly profile: ProfileName
  readonly interfaces: readonly InterfaceAddress[]
  /** Addresses somebody wrote down (listen, announce, bootstrap): without `/p2p/...`. */
  readonly configured: ReadonlySet<string>
}

interface Parsed {
  readonly kind: AddressKind
  readonly host: string
  readonly port: number
}

/** Cloud metadata services: a dial there would be a request forged in our name. */
const METADATA = new Set(['169.254.169.254', 'fd00:ec2::254'])
const LOOPBACK = new Subnets(['127.0.0.0/8', '::1/128'])
const UNUSABLE = new Subnets(['0.0.0.0/8', '224.0.0.0/4', '240.0.0.0/4', '::/128', 'ff00::/8'])
const PRIVATE = new Subnets([
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '169.254.0.0/16',
  '100.64.0.0/10',
  'fc00::/7',
  'fe80::/10'
])
/** IPv4 written as IPv6: a way around every rule above. A `BlockList` cannot name it without IPv4 itself. */
const MAPPED = /^::ffff:/i
/** Below are services of others, which must not be attacked through us; HTTPS is a usual way through firewalls. */
const PORT_MIN = 1_024
const HTTPS_PORT = 443

/** Undefined where the text is no multiaddr of TCP over IP or DNS. */
export function parseAddress(address: string): Parsed | undefined {
  try {
    return address.length > ADDRESS_CHARACTERS_MAX ? undefined : parsed(multiaddr(address))
  } catch {
    return undefined
  }
}

function parsed(address: Multiaddr): Parsed | undefined {
  const parts = address.getComponents()
  const host = parts.find(({ name }) => name === 'ip4' || name === 'ip6' || name.startsWith('dns'))
  const tcp = parts.find(({ name }) => name === 'tcp')
  if (host?.value === undefined) return undefined
  const relayed = parts.some(({ name }) => name === 'p2p-circuit')
  if (tcp === undefined && host.name !== 'dnsaddr') return undefined
  const port = Number(tcp?.value ?? HTTPS_PORT)
  return { kind: relayed ? 'relayed' : kindOf(host.name, host.value, port), host: host.value, port }
}

function kindOf(component: string, host: string, port: number): AddressKind {
  if (component.startsWith('dns')) return 'dns'
  if (METADATA.has(host)) return 'metadata'
  if (port === 0 || UNUSABLE.has(host) || isIP(host) === 0 || MAPPED.test(host)) return 'unusable'
  if (LOOPBACK.has(host)) return 'loopback'
  return PRIVATE.has(host) ? 'private' : 'public'
}

/** The address without its `/p2p/<id>` part: what is compared and stored. */
export function bareAddress(address: string): string {
  const at = address.lastIndexOf('/p2p/')
  return at === -1 || address.includes('/p2p-circuit') ? address : address.slice(0, at)
}

/** Undefined when it may be told to others, else why not (libp2p.md 8, first column). */
export function refuseAnnounce(address: string, context: AddressContext): Refusal | undefined {
  const found = parseAddress(address)
  if (found === undefined) return 'malformed'
  if (found.kind === 'unusable' || found.kind === 'metadata') return found.kind
  if (found.kind === 'loopback') return context.profile === 'local' ? undefined : 'loopback'
  if (found.kind === 'relayed') return context.profile === 'wan' ? undefined : 'relayed'
  if (context.configured.has(bareAddress(address))) return undefined
  if (found.kind === 'dns') return 'dns'
  if (found.kind === 'private' && !announcedInterface(found.host, context)) return 'foreign-private'
  return found.port < PORT_MIN ? 'low-port' : undefined
}

/** Undefined when it may be stored and dialled, else why not (libp2p.md 8, second column). */
export function refuseDial(address: string, context: AddressContext): Refusal | undefined {
  const found = parseAddress(address)
  if (found === undefined) return 'malformed'
  if (found.kind === 'unusable' || found.kind === 'metadata') return found.kind
  if (found.kind === 'loopback') return context.profile === 'local' ? undefined : 'loopback'
  if (context.profile === 'local') return 'foreign-private'
  if (found.kind === 'relayed') return context.profile === 'wan' ? undefined : 'relayed'
  if (context.configured.has(bareAddress(address))) return undefined
  if (found.kind === 'dns') return 'dns'
  if (found.kind === 'private' && !ownSubnets(context).has(found.host)) return 'foreign-private'
  return found.port < PORT_MIN && found.port !== HTTPS_PORT ? 'low-port' : undefined
}

/** Order of dialling: last good one, own subnet, public, relayed, loopback; else as they came. */
export function orderAddresses(
  addresses: readonly string[],
  context: AddressContext,
  lastGood: string | undefined
): readonly string[] {
  const own = ownSubnets(context)
  const rank = (address: string): number => {
    if (lastGood !== undefined && bareAddress(address) === lastGood) return 0
    const found = parseAddress(address)
    if (found === undefined) return 6
    if (found.kind === 'loopback') return 5
    if (found.kind === 'relayed') return 4
    return own.has(found.host) ? 1 : found.kind === 'private' ? 3 : 2
  }
  return addresses
    .map((address, index) => ({ address, index, rank: rank(address) }))
    .sort((a, b) => a.rank - b.rank || a.index - b.index)
    .map(({ address }) => address)
}

function announcedInterface(host: string, { interfaces }: AddressContext): boolean {
  return interfaces.some(({ name, address }) => address === host && !isHostPrivate(name))
}

function ownSubnets({ interfaces }: AddressContext): Subnets {
  return new Subnets(interfaces.filter(({ loopback }) => !loopback).map(({ cidr }) => cidr))
}
