import type { EvidenceKind } from '@brume/protocols/quorum'
import type { ExecutionState } from './execution/machine.ts'

/** What a group tells those who watch it. Listeners run in the turn of the event and must be quick. */
export type GroupEvent =
  /** What is replicated goes on, is being restored, or waits for the operator; the order goes on beside it. */
  | { readonly type: 'execution'; readonly state: ExecutionState; readonly reason: string | null }
  | { readonly type: 'state'; readonly state: GroupState; readonly reason: string | null }
  /** This member has made a block and sends it. */
  | {
      readonly type: 'proposed'
      readonly view: number
      readonly height: number
      readonly digest: string
      readonly commands: number
    }
  /** Here a quorum is known to have notarized it: it may still be revoked. */
  | {
      readonly type: 'notarized'
      readonly view: number
      readonly height: number
      readonly digest: string
      readonly commands: number
    }
  /** Here it is known to be final. */
  | {
      readonly type: 'final'
      readonly view: number
      readonly height: number
      readonly digest: string
      readonly commands: readonly string[]
      readonly leader: number
    }
  | { readonly type: 'nullified'; readonly view: number }
  /** A new epoch begins here, after the final block of that height. */
  | { readonly type: 'epoch'; readonly epoch: number; readonly height: number; readonly isMember: boolean }
  /** The holder of a key is proven a liar: once a key and epoch, and once more after each start of this peer. */
  | {
      readonly type: 'warrant'
      /** Ed25519, 32 bytes. */
      readonly key: Uint8Array
      readonly kind: EvidenceKind
      readonly epoch: number
      readonly view: number
      /** The proof, as `decodeEvidence` reads it. */
      readonly evidence: Uint8Array
    }

/** `damaged`: the store has lost something, which is fetched from other members before anything else. */
export type GroupState = 'loading' | 'damaged' | 'joining' | 'syncing' | 'observing' | 'voting' | 'halted'

export interface MemberStatus {
  readonly index: number
  readonly peer: string
  readonly weight: number
  readonly connected: boolean
  readonly self: boolean
}

/** One group as this peer sees it. */
export interface GroupStatus {
  readonly group: string
  readonly name: string
  readonly state: GroupState
  readonly reason: string | null
  readonly members: readonly MemberStatus[]
  /** Weight in all, that may fail, that decides. */
  readonly weight: { readonly total: number; readonly faults: number; readonly quorum: number }
  readonly epoch: number
  /** Who decides in the next epoch. */
  readonly next: readonly { readonly peer: string; readonly weight: number }[]
  readonly view: number
  readonly height: number
  readonly digest: string
  readonly deltaMs: number
  /** Nothing to do: no timer is armed. */
  readonly dormant: boolean
  readonly pool: number
  /** Of what is replicated: how far it has come, and the newest height that a quorum certified all of. */
  readonly execution: {
    readonly state: ExecutionState
    readonly reason: string | null
    readonly height: number
    readonly checkpoint: number
  }
  /** Of blocks this member proposed, the last hundred; null before the first. */
  readonly latencyMs: { readonly notarizedP50: number | null; readonly finalP50: number | null }
}

/** A command on its way. */
export interface Submission {
  /** Lower-case hex of 32 bytes. */
  readonly id: string
  /** When a quorum has notarized its block: fast, and revocable. */
  readonly notarized: Promise<Ordered>
  /** When it is final. Rejects with `QuorumError` if it expires first or the group stops. */
  readonly final: Promise<Ordered>
}

export interface Ordered {
  readonly height: number
  readonly view: number
}
