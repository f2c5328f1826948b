import type { Registry } from '@brume/observe'
import type { Clock, Log, Net, Random, Store } from '@brume/ports'
import type { ProfileName } from './host/profiles.ts'

export interface NetOptions {
  /** The identity's seed, 32 bytes: the libp2p key is made from it. */
  readonly seed: Uint8Array
  /** 32 bytes: separates networks, in the mDNS tag and the topics. */
  readonly networkId: Uint8Array
  readonly profile: ProfileName
  /** A machine of about 1 GB: fewer connections, half the buffers. */
  readonly small?: boolean
  /** Multiaddrs; the profile's own where absent. */
  readonly listen?: readonly string[]
  readonly announce?: readonly string[]
  readonly discovery: {
    /** In profile `local` over the loopback interface only. */
    readonly mdns: boolean
    /** Multiaddrs that end in `/p2p/<peer id>`. */
    readonly bootstrap: readonly string[]
  }
  /** Topics known now; others may be opened at any time. */
  readonly topics?: readonly string[]
  /** Where the table of known peers lives; without it nothing is remembered. */
  readonly store?: Store
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly registry: Registry
}

/** The `Net` port with a beginning and an end. A node that was stopped is not started again. */
export interface NetNode extends Net {
  /** Rejects with `NetError`: a listen port is in use. */
  start(): Promise<void>
  stop(): Promise<void>
}
