/**
 * What the runner and a peer's process say to each other over IPC; both run this very code, so nothing is
 * validated. A peer stops on SIGTERM, the guard's way too, and when the channel closes.
 */

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
}

export type ToPeer =
  | { readonly type: 'config'; readonly config: PeerConfig }
  | { readonly type: 'submit'; readonly id: number }

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
  /** The program's own value; of a counter the count. */
  readonly value: number | undefined
}

/** Once a second. Latencies are those measured since the sample before, in milliseconds. */
export interface PeerSample {
  readonly connections: number
  readonly group: GroupSample | undefined
  readonly notarizedMs: readonly number[]
  readonly finalMs: readonly number[]
  readonly lagMs: number
  readonly rssBytes: number
}

export type FromPeer =
  | { readonly type: 'ready'; readonly peerId: string; readonly addresses: readonly string[] }
  | { readonly type: 'members'; readonly members: readonly MemberSample[] }
  | { readonly type: 'sample'; readonly sample: PeerSample }
  | { readonly type: 'outcome'; readonly id: number; readonly error?: string }
  | { readonly type: 'failed'; readonly code: string; readonly message: string }
