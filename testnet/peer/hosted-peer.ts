import type { Behaviour, GroupSample, MemberSample, Placed } from '../runner/messages.ts'

/** What a testnet's process needs of the peer it hosts. */
export interface HostedPeer {
  readonly peerId: string
  /** Dialable, each ending in /p2p/<peer id>. */
  addresses(): readonly string[]
  connections(): number
  /** Remote ports of the connections that others have opened. */
  inboundPorts(): readonly number[]
  /** Members other than the peer itself. */
  members(): readonly MemberSample[]
  /** Calls when a member may have come or gone. */
  onMembers(listener: () => void): void
  group(): GroupSample | undefined
  /** Latencies since the call before, in milliseconds. */
  takeLatencies(): { readonly notarizedMs: readonly number[]; readonly finalMs: readonly number[] }
  /** Submits one command of this client to the group; resolves when it is final, rejects when it was refused. */
  submit(client: string): Promise<Placed>
  /** Frames and commands that were not treated as the rules ask. */
  misdeeds(): number
  behave(behaviour: Behaviour | null): void
  slowDisk(syncMs: number): void
  /** Calls with each member, by peer id, of which this peer holds two signatures that exclude each other. */
  onAccused(listener: (member: string, view: number) => void): void
  /** Never rejects; safe at any time, and again. */
  stop(): Promise<void>
}
