import { uptime } from 'node:os'
import { detectHost, type HostDescription, type MembershipSettings, sampleHostState } from '@brume/actors/membership'
import { createNet, type NetNode, type NetOptions } from '@brume/net'
import { createLog } from '@brume/observe'
import type { Clock, Disk, Log, Random, Store } from '@brume/ports'
import { systemClock, systemRandom } from '@brume/ports/system'
import { FLAG } from '@brume/protocols/membership'
import { WorkerExecutor } from '@brume/runtime/replica'
import { nodeDisk } from '@brume/store'
import type { MakeExecutor } from './actors/executors.ts'
import { type Config, type Overrides, readOverrides } from './config/index.ts'
import type { Programs } from './groups.ts'

/**
 * The outside world as the peer sees it. Production leaves all of it out and gets the machine's own;
 * the testnet wraps clocks, disks and networks here, and its faults exist nowhere else.
 */
export interface PeerPorts {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Disk under the journal. */
  readonly disk: Disk
  readonly makeNet: (options: NetOptions) => Promise<NetNode>
  readonly machine: HostPort
  readonly executor: MakeExecutor
  /** Stands between the network and everything that uses it. */
  readonly wrapNet: (net: NetNode) => NetNode
  /** Stands between the store and everything that uses it. */
  readonly wrapStore: (store: Store) => Store
}

/** What is told of this machine. */
export interface HostPort {
  /** @param storagePath - the disk whose size is told */
  readonly detect: (storagePath: string) => Promise<HostDescription>
  readonly sample: () => Promise<HostDescription['state']>
  /** For how long it has been up, asleep or not, ms; left out, the clock says so, which on Linux stands still in sleep. */
  readonly uptimeMs?: () => number
  /** How far the wall clock can be trusted; left out, the machine is asked. */
  readonly clockQuality?: () => Promise<0 | 1 | 2>
}

/** Settings by their names in config/knobs.ts, above those of config.json in the data directory, and: */
export interface PeerOptions extends Overrides {
  /** Default: this user's, see data/layout.ts. */
  readonly dataDir?: string
  /** `memory`: no data directory; a new identity each time, and nothing outlives the peer. Default `disk`. */
  readonly store?: 'disk' | 'memory'
  /** The disk was moved to this machine on purpose. */
  readonly keepIdentity?: boolean
  readonly ports?: Partial<PeerPorts>
  /** What the groups in the data directory may replicate. */
  readonly programs?: Programs
}

/** The settings among the options. @throws PeerError CONFIG */
export function settingsOf(options: PeerOptions): Overrides {
  const { dataDir: _, store: __, keepIdentity: ___, ports: ____, programs: _____, ...settings } = options
  return readOverrides(settings)
}

/** The real clock, randomness and disk; a log on standard error. */
export function machinePorts(config: Config): PeerPorts {
  const clock = systemClock()
  return {
    clock,
    random: systemRandom(),
    log: createLog({ level: config.logLevel }),
    disk: nodeDisk(),
    makeNet: createNet,
    machine: {
      detect: (storagePath) => detectHost({ storagePath }),
      sample: sampleHostState,
      uptimeMs: () => uptime() * 1_000
    },
    executor: (bundle, assignment) => new WorkerExecutor(bundle, assignment, clock),
    wrapNet: (net) => net,
    wrapStore: (store) => store
  }
}

/** What the network room takes from the settings; an empty `listen` means the profile's own addresses. */
export function netSettings(
  config: Config
): Pick<NetOptions, 'profile' | 'small' | 'listen' | 'announce' | 'discovery'> {
  const { profile, small, listen, announce, mdns, bootstrap } = config
  return { profile, small, announce, discovery: { mdns, bootstrap }, ...(listen.length > 0 ? { listen } : {}) }
}

/** What membership takes from the settings and the identity file. */
export function membershipSettings(config: Config, bornEpoch: number | undefined): MembershipSettings {
  const { operator, site, region, degree, roles } = config
  const born = bornEpoch === undefined ? {} : { notBefore: bornEpoch }
  return { operator, site, region, degree, flags: roles.reduce((flags, role) => flags | FLAG[role], 0), ...born }
}
