import type { Effect, Held, Proposal, Vote } from '@brume/consensus'
import type { PeerId } from '@brume/ports'
import type { Frame, Outcomes } from '@brume/protocols/quorum'
import type { Epoch } from './epoch.ts'

/** What an epoch asks of its group: everything that outlives it. */
export interface Owner {
  /** As leader: a block of what waits, or null where there is nothing to put into one. */
  build(epoch: Epoch, request: Extract<Effect, { type: 'build' }>): Proposal | null
  /** The oldest pending commands. */
  oldest(): readonly Uint8Array[]
  /** A member proposes: its commands wait here too until the block is final. */
  proposed(proposal: Proposal): void
  command(from: PeerId, command: Uint8Array): void
  /** A member has a command that is too large to be sent unasked. */
  offered(from: PeerId, id: string): void
  /** A command that is here and not final. */
  find(id: string): Uint8Array | undefined
  /** By id, what a peer has of these. */
  fetch(from: PeerId, ids: readonly string[], timeoutMs: number): Promise<ReadonlyMap<string, Uint8Array>>
  notarized(epoch: Epoch, proposal: Proposal): void
  finalized(epoch: Epoch, blocks: readonly Held[]): void
  entered(epoch: Epoch, view: number, by: Extract<Effect, { type: 'entered' }>['by']): void
  /** A stream to a member opened or closed. */
  linked(epoch: Epoch): void
  behind(epoch: Epoch): void
  /** Two statements that exclude each other, both signatures valid. */
  conflicted(epoch: Epoch, a: Vote, b: Vote): void
  /** What executing blocks came to at a member, and a question for what it came to here. */
  outcomes(epoch: Epoch, member: number, outcomes: Outcomes): void
  attestationAsked(epoch: Epoch, member: number, view: number): void
  dropped(cause: string): void
  ticked(epoch: Epoch): void
  journalFailed(error: unknown): void
  /** The journal takes nothing for want of space, or takes it again. */
  journalSpace(isThere: boolean, reason: string): void
  /** This key has signed what this process does not know of. */
  muted(epoch: Epoch, reason: string): void
  twinHeard(epoch: Epoch, reason: string): void
  /** A peer is in that epoch, which is another. */
  announced(peer: PeerId, epoch: number): void
  /** A frame to all members. True where streams need not carry it. */
  aloud(epoch: Epoch, frame: Frame): boolean
  /** A frame of the epoch after this one. */
  early(epoch: Epoch, from: PeerId, frame: Frame): void
}
