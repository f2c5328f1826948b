import { type Committee, type Final, isWellFormed, KIND, type State, signedBytes, votesOf } from '@brume/consensus'
import { verify } from '@brume/crypto'
import type { Net, PeerId } from '@brume/ports'
import { decodeSyncAnswer, encodeSyncRequest, SYNC_PROTOCOL, type SyncAnswer } from '@brume/protocols/quorum'
import { QuorumError } from '../errors.ts'
import type { FinalBlock } from './ledger.ts'

/** One answer of 2 MiB at 10 Mbit/s takes 1.7 s. */
const REQUEST_TIMEOUT_MS = 10_000

export interface Chapter {
  readonly blocks: readonly FinalBlock[]
  readonly final: Final
}

/** What catching up needs of a group. */
export interface CatchUp {
  readonly net: Net
  readonly committee: Committee
  /** Peer of each member, by index. */
  readonly peers: readonly PeerId[]
  readonly state: () => State
  readonly adopt: (chapter: Chapter) => void
}

/**
 * Fetches blocks by height from members that are ahead until none that answers has more. Rejects where a
 * finalization is known whose blocks nobody gave.
 */
export async function catchUp({ net, committee, peers, state, adopt }: CatchUp): Promise<void> {
  const useless = new Set<number>()
  let failure: unknown = null
  for (let member = nextServer(state(), useless); member !== undefined; member = nextServer(state(), useless)) {
    const { final } = state()
    try {
      const chapter = await fetchChapter(net, peers[member] ?? '', committee, final)
      if (chapter === null) useless.add(member)
      // Votes may have moved the floor while the answer was under way.
      else if (state().final.height === final.height) adopt(chapter)
    } catch (error) {
      failure = error
      useless.add(member)
    }
  }
  if (failure !== null && state().ahead !== null) throw failure
}

function nextServer({ final, marks }: State, useless: ReadonlySet<number>): number | undefined {
  const member = marks.findIndex((mark, index) => mark.up && mark.final > final.view && !useless.has(index))
  return member === -1 ? undefined : member
}

/** Asks one peer for final blocks above the floor. Null when it has none. @throws NetError, QuorumError SYNC */
async function fetchChapter(net: Net, peer: PeerId, committee: Committee, floor: Final): Promise<Chapter | null> {
  const body = encodeSyncRequest({ type: 'blocks', groupId: committee.groupId, from: floor.height + 1 })
  const bytes = await net.request(peer, SYNC_PROTOCOL, body, { timeoutMs: REQUEST_TIMEOUT_MS })
  return checkChapter(committee, floor, readAnswer(committee, bytes))
}

function readAnswer(committee: Committee, bytes: Uint8Array): SyncAnswer {
  try {
    return decodeSyncAnswer(committee.groupId, bytes)
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
export function checkChapter(committee: Committee, floor: Final, { blocks, finalization }: SyncAnswer): Chapter | null {
  const last = blocks.at(-1)?.proposal
  if (last === undefined || finalization === null) return null
  let parent: { readonly digest: string; readonly height: number; readonly view: number; readonly timeMs: number } =
    floor
  for (const { proposal } of blocks) {
    const follows =
      proposal.parent === parent.digest && proposal.parentView === parent.view && proposal.height === parent.height + 1
    if (!follows || proposal.timeMs < parent.timeMs)
      throw new QuorumError('BRUME_QUORUM_SYNC', 'the blocks are no chain')
    parent = proposal
  }
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
