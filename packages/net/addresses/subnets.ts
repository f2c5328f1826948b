import { BlockList, isIP } from 'node:net'

/** A set of CIDR subnets of either family; empty contains nothing. */
export class Subnets {
  readonly #list = new BlockList()

  /** Throws on what is not `address/bits`: subnets come from code and interfaces, never from the wire. */
  constructor(cidrs: Iterable<string>) {
    for (const cidr of cidrs) {
      const [address = '', bits = ''] = cidr.split('/')
      this.#list.addSubnet(address, Number(bits), isIP(address) === 6 ? 'ipv6' : 'ipv4')
    }
  }

  /** False for anything that is not an IP address. An IPv6 zone (`%eth0`) is ignored. */
  has(ip: string): boolean {
    const bare = ip.split('%')[0] ?? ip
    const family = isIP(bare)
    return family !== 0 && this.#list.check(bare, family === 6 ? 'ipv6' : 'ipv4')
  }
}

/**
 * gossipsub asks its colocation whitelist `has(ip)` and compares exact strings. This one answers for
 * subnets, so that many peers behind one exempt address keep their score (libp2p.md 3).
 */
export class SubnetSet extends Set<string> {
  readonly #subnets: Subnets

  constructor(cidrs: Iterable<string>) {
    super()
    this.#subnets = new Subnets(cidrs)
  }

  override has(ip: string): boolean {
    return this.#subnets.has(ip)
  }
}
