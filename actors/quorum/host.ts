import type { Identity } from '@brume/crypto'
import type { Cancel, Clock, Log, Net, PeerId, Store } from '@brume/ports'
import type { System } from '@brume/runtime'
import type { ClientLine } from './clients/line.ts'
import type { VotesBy } from './gossip/voice.ts'
import type { QuorumMeters } from './meters.ts'
import type { Reception } from './votes/receive.ts'
import type { GroupJournal } from './votes/release.ts'

/** What all groups of a peer share. */
export interface Host {
  readonly identity: Identity
  readonly net: Net
  readonly store: Store
  /** Null: nothing said survives a restart, and the member must not vote after one. For benchmarks. */
  readonly journal: GroupJournal | null
  readonly clock: Clock
  readonly log: Log
  readonly kernel: System
  readonly meters: QuorumMeters
  readonly reception: Reception
  readonly line: ClientLine
  /** Has the network keep these peers connected. */
  readonly keepConnected: (owner: string, peers: readonly PeerId[]) => Cancel
  /** Votes leave this way whoever is connected: for measuring. */
  readonly votesBy?: VotesBy
  /** Without the shortcuts that votes take: for measuring. */
  readonly plain?: boolean
}
