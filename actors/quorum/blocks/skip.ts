import { compare } from '@brume/codec'
import {
  type Certificate,
  type Committee,
  type Final,
  isWellFormed,
  KIND,
  type Policy,
  signedBytes,
  votesOf
} from '@brume/consensus'
import { verify } from '@brume/crypto'
import type { Net, PeerId } from '@brume/ports'
import {
  committeeFrom,
  committeeHash,
  decodeCheckpointAnswer,
  decodeClosings,
  decodeCommittee,
  decodeRecord,
  encodeSyncRequest,
  type Handover,
  type Header,
  type QuorumRecord,
  readHeader,
  SYNC_PROTOCOL
} from '@brume/protocols/quorum'
import { checkCheckpoint, type Fetched } from '../checkpoints/transfer.ts'
import { QuorumError } from '../errors.ts'
import type { Passed } from './ledger-entries.ts'

/** A record of 1 MiB at 10 Mbit/s takes 0.9 s. */
const REQUEST_TIMEOUT_MS = 10_000

/** Where to go on when the blocks between are not kept any more. */
export interface Skip {
  readonly checkpoint: Fetched
  readonly record: QuorumRecord
  /** How the epochs between ended, by epoch. */
  readonly handovers: ReadonlyMap<number, Passed>
  /** Committees of these epochs and of the one in which it goes on. */
  readonly committees: readonly Committee[]
}

export interface SkipOptions {
  readonly net: Net
  readonly peer: PeerId
  /** Of the epoch at hand: trusted, and all others only through it. */
  readonly committee: Committee
  readonly policy: Policy
}

/**
 * Fetches the newest checkpoint that a peer keeps, and the chain of closings that leads to its committee from the
 * trusted one. Null where it has none above that height.
 *
 * @throws NetError, CodecError, QuorumError SYNC where it does not hold together
 */
export async function fetchSkip(options: SkipOptions, above: number): Promise<Skip | null> {
  const { net, peer, committee } = options
  const { groupId } = committee
  const request = encodeSyncRequest({ type: 'checkpoint', groupId })
  const answer = decodeCheckpointAnswer(
    await net.request(peer, SYNC_PROTOCOL, request, { timeoutMs: REQUEST_TIMEOUT_MS })
  )
  if (answer === null || answer.certificate.height <= above) return null
  const record = decodeRecord(answer.record)
  const committees = new Map([[committee.epoch, committee]])
  const handovers = await followClosings(options, record.membership.epoch, committees)
  const checkpoint = await checkCheckpoint(answer, { groupId, committeeOf: (epoch) => committees.get(epoch) ?? null })
  if (record.height !== answer.certificate.height) throw refused('its record is of another height')
  // Blocks of the epoch in which it goes on are read again when the program is restored: with their leaders.
  const { epoch, seed } = record.membership
  const entered = handovers.get(epoch - 1)
  if (entered !== undefined) handovers.set(epoch - 1, { ...entered, seed })
  return { checkpoint, record, handovers, committees: [...committees.values()] }
}

/** From the trusted committee to that of the wanted epoch, one signed hand-over after the other. */
async function followClosings(
  { net, peer, committee, policy }: SkipOptions,
  wanted: number,
  committees: Map<number, Committee>
): Promise<Map<number, Passed>> {
  const handovers = new Map<number, Passed>()
  let last = committee
  while (last.epoch < wanted) {
    const request = encodeSyncRequest({ type: 'closings', groupId: committee.groupId, epoch: last.epoch })
    const given = decodeClosings(await net.request(peer, SYNC_PROTOCOL, request, { timeoutMs: REQUEST_TIMEOUT_MS }))
    if (given.length === 0) throw refused('it does not say how an epoch ended')
    for (const handover of given) {
      if (last.epoch === wanted) break
      handovers.set(last.epoch, { ...handover, seed: null })
      last = successor(last, handover, policy)
      committees.set(last.epoch, last)
    }
  }
  return handovers
}

/** Who decides after an epoch, if its own committee says so. @throws QuorumError SYNC */
export function successor(committee: Committee, handover: Handover, policy: Policy): Committee {
  const { groupId, epoch } = committee
  const { view, digest, nextCommittee, ...header } = readHeader(handover.header)
  const { finalization } = handover
  const fits = header.epoch === epoch && compare(header.groupId, groupId) === 0
  if (!fits || nextCommittee === null) throw refused('an epoch ends with another block')
  const names = finalization.kind === KIND.finalize && finalization.view === view && finalization.digest === digest
  if (!names || !isWellFormed(committee, finalization)) throw refused('the end of an epoch is not final')
  for (const vote of votesOf(finalization)) {
    const key = committee.members[vote.signer]?.key
    if (key === undefined || !verify(key, signedBytes(committee, vote), vote.signature)) {
      throw refused('the end of an epoch is not signed by those who decided')
    }
  }
  if (compare(committeeHash(handover.committee), nextCommittee) !== 0) throw refused('others follow than were named')
  const { members } = decodeCommittee(handover.committee)
  // Leaders are of no interest here, so their seed is not either.
  return committeeFrom({ groupId, epoch: epoch + 1, seed: new Uint8Array(32), members, policy })
}

/** Where the order goes on: at a closing block the next epoch does, at its beginning. */
export function floorOf(
  { view, epoch, height, digest }: Header,
  record: QuorumRecord,
  certificate: Certificate | null
): Final {
  const { timeMs, membership } = record
  const isClosed = membership.epoch !== epoch
  return { view: isClosed ? 0 : view, height, digest, timeMs, certificate: isClosed ? null : certificate }
}

function refused(why: string): QuorumError {
  return new QuorumError('BRUME_QUORUM_SYNC', `a checkpoint is refused: ${why}`)
}
