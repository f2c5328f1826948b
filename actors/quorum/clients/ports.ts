import type { Certificate, Final, Proposal, Vote } from '@brume/consensus'
import type { Clock } from '@brume/ports'
import type {
  AttestationCertificate,
  CheckpointCertificate,
  Closing,
  LeafProof,
  Predicate,
  ReadLevel,
  Verified
} from '@brume/protocols/quorum'
import type { QuorumErrorCode } from '../errors.ts'
import type { Submission } from '../events.ts'
import type { Inspected, Leaf, ReadProof, Refusal } from '../ports.ts'

/** A command in a block, shown: whoever trusts the manifest may check `bundle` again, at any time, without anybody. */
export interface Proven {
  readonly height: number
  readonly view: number
  /** As `encodeBundle` wrote it; verified before it is handed over. */
  readonly bundle: Uint8Array
}

export interface SubmitOptions {
  /** Stops asking; whether the command takes effect is then not known. */
  readonly signal?: AbortSignal
  /** Who must be among those that signed it final, beyond what the group itself demands. */
  readonly predicate?: Predicate
}

/** A command on its way. Its promises reject with `QuorumError`. */
export interface Order {
  /** Lower-case hex of 32 bytes. */
  readonly id: string
  /** Ordered by a quorum: fast, and revocable. */
  readonly notarized: Promise<Proven>
  /** Ordered for good. */
  readonly final: Promise<Proven>
  /** Carried out: the leaf `answer/<id>`, attested by weight > F. */
  readonly attested: Promise<Proven & { readonly answer: Uint8Array }>
}

/** What a read found, all of one state. */
export interface Found {
  readonly height: number
  /** Null where a path is absent. A leaf is the program's own `[path, ...]`, canonical CBOR. */
  readonly leaves: readonly Uint8Array[] | null
  /** Of a certified read: proves the first leaf. */
  readonly bundle: Uint8Array | null
  /** Of a certified read, leaf by leaf: where they lie under the root that the bundle shows. */
  readonly places: readonly LeafProof[] | null
}

/** A final block as those who watch get it. */
export interface WatchedBlock {
  readonly header: Verified['header']
  readonly payload: Uint8Array
}

/** A group as its clients see it, members or not. */
export interface QuorumClient {
  submit(command: Uint8Array, options?: SubmitOptions): Order
  /**
   * `local`: one member's executed state. `final`: linearizable if that member is honest. `certified`: trusts no
   * member; linearizable with `atLeast` the height of an own command that was final before.
   */
  read(paths: readonly string[], level: ReadLevel, options?: { readonly atLeast?: number }): Promise<Found>
  /**
   * Final blocks from this height on (the first by default), each verified, without end. Throws `QuorumError` PRUNED
   * where members keep them no more.
   */
  watch(fromHeight?: number): AsyncIterable<WatchedBlock>
  /** Ends what is under way. */
  close(): void
}

/** Votes of a member of this group, or null for one that never sent any: what a fence is made of. */
export interface Fence {
  readonly epoch: number
  readonly view: number
}

/** A final block with its commands that took effect, by id. */
export interface Delivered {
  readonly proposal: Proposal
  readonly effective: ReadonlySet<string>
}

/** What the desk needs of its group. */
export interface DeskPorts {
  readonly clock: Clock
  readonly manifest: Uint8Array
  /** Why clients are not served here, if so. */
  readonly refusal: () => { readonly code: QuorumErrorCode; readonly message: string } | null
  /** A member that may have forgotten what it said, or is behind, must not say where it is. */
  readonly mayFence: () => boolean
  readonly floor: () => Final
  readonly inspect: (command: Uint8Array) => Inspected | Refusal
  /** @throws QuorumError */
  readonly submit: (command: Uint8Array) => Submission
  /** Takes the time that more signatures may take to arrive, ms. */
  readonly deltaMs: () => number
  /** Finalize votes held for a view, signatures checked. */
  readonly finalizers: (view: number) => readonly Vote[]
  readonly history: History
  readonly outcomes: Outcomes
  readonly fences: Fences
}

/** Final blocks and what is known of them. */
export interface History {
  /** Where a command took effect, for 24 h. */
  height(id: string): Promise<number | undefined>
  /** Group time from which no command's height is missing, ms; 0: from the first block. */
  knownFromMs(): number
  /** Blocks from this height up to the next with a finalization of its own, oldest first; undefined where pruned or not yet there. */
  chapter(height: number): Promise<Chapter | undefined>
  /** How the epochs from this one on ended, oldest first. */
  closings(epoch: number): Promise<readonly Closing[]>
}

export interface Chapter {
  readonly blocks: readonly { readonly header: Uint8Array; readonly payload: Uint8Array }[]
  readonly finalization: Certificate
}

/** What executing final blocks came to. */
export interface Outcomes {
  read(paths: readonly string[], atLeast: number, proof: ReadProof): Promise<readonly Leaf[] | null>
  /** Assembled and verified; null where there is none. @throws QuorumError where too few have said the same in time */
  attestation(height: number): Promise<AttestationCertificate | null>
  /** Of the state after that block, if a quorum has signed one that is kept here. */
  checkpoint(height: number): CheckpointCertificate | null
}

export interface Fences {
  /** The own one: the highest view a finalize vote was sent in, with its certificate; null before the first. */
  own(): Promise<Certificate | null>
  /** Of weight q, this member included, shown: resolves with the highest. @throws QuorumError */
  gather(): Promise<Fence>
  /** Resolves once a final block is above it, with the height that is final then. */
  passed(fence: Fence): Promise<number>
}
