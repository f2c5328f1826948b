import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Bits of CapEff (capabilities(7)). */
const CAP_NET_ADMIN = 12n
const CAP_SYS_ADMIN = 21n
/** Own private range of section 4 of testing.md; it exists inside the namespaces only. */
const NETWORK = '10.77.0'

/** Some machines joined by a switch, each a network namespace; the switch is one more. */
export interface Lan {
  /** Namespace names of the hosts. */
  readonly hosts: readonly string[]
  /** Every namespace made, the switch's too. */
  readonly all: readonly string[]
  remove(): void
}

function ip(...args: readonly string[]): { readonly ok: boolean; readonly why: string } {
  const run = spawnSync('ip', args, { encoding: 'utf8' })
  return { ok: run.status === 0, why: run.error?.message ?? run.stderr.trim() }
}

function must(...args: readonly string[]): void {
  const { ok, why } = ip(...args)
  if (!ok) throw new Error(`ip ${args.join(' ')}: ${why}`)
}

function effectiveCapabilities(): bigint {
  try {
    const [, hex] = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
    return BigInt(`0x${hex ?? '0'}`)
  } catch {
    return 0n
  }
}

/** Why namespaces cannot be had on this machine, or undefined when they can. Leaves nothing behind. */
export function whyNoNamespaces(runId: string): string | undefined {
  const capabilities = effectiveCapabilities()
  const has = (bit: bigint): boolean => ((capabilities >> bit) & 1n) === 1n
  if (!has(CAP_NET_ADMIN) || !has(CAP_SYS_ADMIN)) return 'needs CAP_NET_ADMIN and CAP_SYS_ADMIN (run as root)'
  const version = ip('-V')
  if (!version.ok) return `ip (iproute2) does not run: ${version.why}`
  const name = `brm-${runId}-probe`
  const made = ip('netns', 'add', name)
  if (!made.ok) return `ip netns add: ${made.why}`
  const paired = ip('link', 'add', 'name', 'v0', 'netns', name, 'type', 'veth', 'peer', 'name', 'v1', 'netns', name)
  ip('netns', 'delete', name)
  return paired.ok ? undefined : `veth pairs: ${paired.why}`
}

function addSwitch(name: string): void {
  must('netns', 'add', name)
  must('-n', name, 'link', 'add', 'br0', 'type', 'bridge')
  must('-n', name, 'link', 'set', 'br0', 'up')
}

/** The cable's both ends are made inside the namespaces, so that the machine's own never sees them. */
function addHost(host: string, index: number, bridge: string): void {
  const port = `port${index}`
  must('netns', 'add', host)
  must('link', 'add', 'name', 'eth0', 'netns', host, 'type', 'veth', 'peer', 'name', port, 'netns', bridge)
  must('-n', bridge, 'link', 'set', port, 'master', 'br0', 'up')
  must('-n', host, 'addr', 'add', `${NETWORK}.${index + 1}/24`, 'dev', 'eth0')
  must('-n', host, 'link', 'set', 'lo', 'up')
  must('-n', host, 'link', 'set', 'eth0', 'up')
}

/** Makes a LAN named after the run; a failure removes what was made before it. */
export function makeLan(runId: string, count: number): Lan {
  const bridge = `brm-${runId}-sw`
  const hosts = Array.from({ length: count }, (_, index) => `brm-${runId}-${index + 1}`)
  const all = [bridge, ...hosts]
  const remove = (): void => {
    for (const name of all) ip('netns', 'delete', name)
  }
  try {
    addSwitch(bridge)
    hosts.forEach((host, index) => {
      addHost(host, index, bridge)
    })
  } catch (error) {
    remove()
    throw error
  }
  return { hosts, all, remove }
}

/** The route without which ordinary multicast programs find nobody. */
export function addMulticastRoute(host: string): void {
  must('-n', host, 'route', 'add', '224.0.0.0/4', 'dev', 'eth0')
}

/** Command line that removes these namespaces: for the guard, should the runner die first. */
export function removalCommand(names: readonly string[]): readonly string[] {
  return ['sh', '-c', 'for name; do ip netns delete "$name"; done', 'sh', ...names]
}
