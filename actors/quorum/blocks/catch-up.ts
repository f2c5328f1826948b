import { type Committee, type Final, isWellFormed, KIND, signedBytes, votesOf } from '@brume/consensus'
import { verify } from '@brume/crypto'
import type { Net, PeerId } from '@brume/ports'
import {
  bodyOf,
  decodeSyncAnswer,
  encodeSyncRequest,
  isClosing,
  SYNC_PROTOCOL,
  type SyncAnswer
} from '@brume/protocols/quorum'
import { QuorumError } from '../errors.ts'
import type { FinalBlock } from './ledger-entries.ts'

/** One answer of 2 MiB at 10 Mbit/s takes 1.7 s. */
const REQUEST_TIMEOUT_MS = 10_000

export interface Chapter {
  readonly blocks: readonly FinalBlock[]
  readonly final: Final
}

/** Where a group stands: who decides what comes next, on what. */
export interface Floor {
  readonly committee: Committee
  /** What the block that closes this epoch must name, 32 bytes. */
  readonly nextHash: Uint8Array
  readonly final: Final
}

/** What catching up needs of a group. */
export interface CatchUp {
  readonly net: Net
  readonly floor: () => Floor
  /** Peers that are known to be ahead, or may be. */
  readonly servers: () => readonly PeerId[]
  readonly adopt: (chapter: Chapter) => void
  /** This peer has no blocks from the floor on any more: goes on from a checkpoint. False where it has none. */
  readonly skip: (peer: PeerId) => Promise<boolean>
  /** Is a finalization known whose blocks are not here? */
  readonly lacks: () => boolean
}

/**
 * Fetches blocks by height from peers that are ahead until none that answers has more, across any number of
 * epochs: each answer is of one, and the committee of the next comes out of its blocks. Rejects where a
 * finalization is known whose blocks nobody gave.
 */
export async function catchUp({ net, floor, servers, adopt, skip, lacks }: CatchUp): Promise<void> {
  const useless = new Set<PeerId>()
  let failure: unknown = null
  let fruitful: PeerId | null = null
  for (;;) {
    const server: PeerId | undefined = fruitful ?? servers().find((peer) => !useless.has(peer))
    if (server === undefined) break
    const at = floor()
    try {
      const chapter = await fetchChapter(net, server, at)
      const gave: boolean = chapter === 'pruned' ? await skip(server) : chapter !== null
      fruitful = gave ? server : null
      if (!gave) useless.add(server)
      if (chapter === 'pruned' || chapter === null) continue
      // Votes may have moved the floor while the answer was under way.
      if (floor().final.digest === at.final.digest) adopt(chapter)
    } catch (error) {
      failure = error
      fruitful = null
      useless.add(server)
    }
  }
  if (failure !== null && lacks()) throw failure
}

/** Asks one peer for final blocks above the floor. Null when it has none yet. @throws NetError, QuorumError SYNC */
export async function fetchChapter(net: Net, peer: PeerId, floor: Floor): Promise<Chapter | 'pruned' | null> {
  const { groupId } = floor.committee
  const body = encodeSyncRequest({ type: 'blocks', groupId, from: floor.final.height + 1 })
  const bytes = await net.request(peer, SYNC_PROTOCOL, body, { timeoutMs: REQUEST_TIMEOUT_MS })
  const answer = readAnswer(groupId, bytes)
  return answer.pruned === null ? checkChapter(floor, answer) : 'pruned'
}

function readAnswer(groupId: Uint8Array, bytes: Uint8Array): SyncAnswer {
  try {
    return decodeSyncAnswer(groupId, bytes)
  } catch (cause) {
    throw new QuorumError('BRUME_QUORUM_SYNC', 'the answer does not decode', { cause })
  }
}

/**
 * Believes blocks only as a chain on the own floor whose last one a quorum finalized: who sends them
 * need not be trusted.
 *
 * @throws QuorumError SYNC
 */
export function checkChapter(floor: Floor, { blocks, finalization }: SyncAnswer): Chapter | null {
  const last = blocks.at(-1)?.proposal
  if (last === undefined || finalization === null) return null
  requireChain(floor, blocks)
  const { committee } = floor
  const { kind, view, digest } = finalization
  const names = kind === KIND.finalize && view === last.view && digest === last.digest
  if (!names || !isWellFormed(committee, finalization) || !votesOf(finalization).every(isSigned)) {
    throw new QuorumError('BRUME_QUORUM_SYNC', 'the blocks are not shown to be final')
  }
  const { height, timeMs } = last
  return { blocks, final: { view, height, digest, timeMs, certificate: finalization } }

  function isSigned(vote: ReturnType<typeof votesOf>[number]): boolean {
    const key = committee.members[vote.signer]?.key
    return key !== undefined && verify(key, signedBytes(committee, vote), vote.signature)
  }
}

function requireChain({ committee, nextHash, final }: Floor, blocks: readonly FinalBlock[]): void {
  let parent: { readonly digest: string; readonly height: number; readonly view: number; readonly timeMs: number } =
    final
  let closed = false
  for (const { proposal } of blocks) {
    const follows =
      proposal.parent === parent.digest && proposal.parentView === parent.view && proposal.height === parent.height + 1
    if (!follows || proposal.timeMs < parent.timeMs || proposal.epoch !== committee.epoch)
      throw new QuorumError('BRUME_QUORUM_SYNC', 'the blocks are no chain')
    const { nextCommittee } = bodyOf(proposal)
    if (nextCommittee === null ? closed : Buffer.compare(nextCommittee, nextHash) !== 0)
      throw new QuorumError('BRUME_QUORUM_SYNC', 'the blocks name another next committee than the own record')
    closed ||= isClosing(proposal)
    parent = proposal
  }
}
