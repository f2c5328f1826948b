import { networkInterfaces } from 'node:os'

/** One address of one network interface that is up. */
export interface InterfaceAddress {
  readonly name: string
  readonly address: string
  readonly family: 4 | 6
  /** `address/bits`. */
  readonly cidr: string
  readonly loopback: boolean
}

/** Interfaces of containers, bridges and tunnels: their addresses mean nothing to another machine. */
const PRIVATE_TO_HOST = /^(docker|br-|veth|virbr|tun|tap)/

export function isHostPrivate(name: string): boolean {
  return PRIVATE_TO_HOST.test(name)
}

/** Addresses of all interfaces that are up, as the kernel says now. */
export function interfaceAddresses(): readonly InterfaceAddress[] {
  const found: InterfaceAddress[] = []
  for (const [name, addresses] of Object.entries(networkInterfaces())) {
    for (const { address, family, cidr, internal } of addresses ?? []) {
      if (cidr === null) continue
      found.push({ name, address, family: family === 'IPv6' ? 6 : 4, cidr, loopback: internal })
    }
  }
  return found
}

/** One string per state of the interfaces: a change means the network changed under us. */
export function fingerprint(addresses: readonly InterfaceAddress[]): string {
  return addresses
    .map(({ name, cidr }) => `${name} ${cidr}`)
    .sort()
    .join(',')
}
