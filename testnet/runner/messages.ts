/**
 * What the runner and a peer's process say to each other over IPC; both run this very code, so nothing is
 * validated. A peer stops on SIGTERM, the guard's way too, and when the channel closes.
 */

/**
 * `silent` says nothing in the quorum. `stall` does not propose when it leads, or does so `delayMs` late. `equivocate`
 * proposes one block to one half of the members and another to the rest. `double-vote` says the opposite of
 * each vote as well. `bad-signature` signs wrongly. `censor` is deaf to the commands of `clients`. `collude` equivocates, and
 * supports either block of its accomplices where that one is known.
 */
export const BEHAVIOURS = [
  'silent',
  'stall',
  'equivocate',
  'double-vote',
  'bad-signature',
  'censor',
  'collude'
] as const

/** How a peer breaks the rules of the quorum. */
export interface Behaviour {
  readonly behaviour: (typeof BEHAVIOURS)[number]
  /** Names of those whose commands a `censor` leaves out. */
  readonly clients: readonly string[]
  /** Of `stall`; 0: never. */
  readonly delayMs: number
}

/** All a peer's process has to know. Its identity lies in the data folder, written there by the runner. */
export interface PeerConfig {
  readonly name: string
  readonly dataDir: string
  readonly networkName: string
  readonly profile: 'local' | 'lan'
  readonly mdns: boolean
  readonly bootstrap: readonly string[]
  /** Where to write each vote that arrives, for the checker; absent: nowhere. */
  readonly votesPath?: string
  /** Where to write what became final, height by height; absent: nowhere. */
  readonly finalsPath?: string
  readonly operator: string
  readonly site: string
  readonly roles: readonly string[]
  /** Peer ids of those that break the same rules together, this one among them. */
  readonly accomplices: readonly string[]
  readonly behaviour: Behaviour | null
  /** All connections are opened through the run's proxy on this port; absent: directly. */
  readonly proxyPort?: number
}

export type ToPeer =
  | { readonly type: 'config'; readonly config: PeerConfig }
  | { readonly type: 'submit'; readonly id: number; readonly client: string }
  | { readonly type: 'behave'; readonly behaviour: Behaviour | null }
  /** Every sync of the journal takes so much longer. */
  | { readonly type: 'disk'; readonly syncMs: number }

export interface MemberSample {
  readonly peer: string
  readonly state: 'up' | 'suspect' | 'dead'
  readonly connected: boolean
}

export interface GroupSample {
  readonly group: string
  readonly state: string
  readonly reason: string | undefined
  readonly epoch: number
  readonly view: number
  readonly height: number
  /** Digest of the newest final block, hex. */
  readonly digest: string
  readonly weights: readonly { readonly peer: string; readonly weight: number }[]
  /** Commands that wait here. */
  readonly pool: number
  /** Nothing to do: no timer is armed. */
  readonly dormant: boolean
  /** The height that the program has got to; final blocks may be waiting for it. */
  readonly executed: number
  /** The program's own value there; of a counter the count. */
  readonly value: number | undefined
}

/** Where a submitted command stands in the log. */
export interface Placed {
  /** Its id, in hex. */
  readonly command: string
  readonly height: number
  readonly view: number
  /** Peer id of who led that view. */
  readonly leader: string | undefined
}

/** Once a second. Latencies are those measured since the sample before, in milliseconds. */
export interface PeerSample {
  readonly connections: number
  readonly group: GroupSample | undefined
  readonly notarizedMs: readonly number[]
  readonly finalMs: readonly number[]
  readonly lagMs: number
  readonly rssBytes: number
  /** How often it has broken the rules, as it was told to. */
  readonly misdeeds: number
  /** Remote ports of the connections that others have opened to it. */
  readonly inboundPorts: readonly number[]
}

export type FromPeer =
  | { readonly type: 'ready'; readonly peerId: string; readonly addresses: readonly string[] }
  | { readonly type: 'members'; readonly members: readonly MemberSample[] }
  | { readonly type: 'sample'; readonly sample: PeerSample }
  | { readonly type: 'outcome'; readonly id: number; readonly placed?: Placed; readonly error?: string }
  /** This peer holds two valid signatures of that member that exclude each other. */
  | { readonly type: 'accused'; readonly member: string; readonly view: number }
  | { readonly type: 'failed'; readonly code: string; readonly message: string }
