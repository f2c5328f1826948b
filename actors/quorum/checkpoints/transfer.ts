import { equal, toHex } from '@brume/codec'
import { type Certificate, type Committee, certifies, isWellFormed, KIND, signedBytes, votesOf } from '@brume/consensus'
import { pageCount, pageHash, rootFromPath } from '@brume/crypto'
import type { Net, PeerId } from '@brume/ports'
import {
  CHECKPOINT,
  type CheckpointAnswer,
  checkpointBytes,
  decodeCheckpointAnswer,
  decodePageAnswer,
  encodeSyncRequest,
  type Header,
  type PageAnswer,
  readHeader,
  recordDigest,
  SYNC_PROTOCOL,
  stateRootOf
} from '@brume/protocols/quorum'
import { QuorumError } from '../errors.ts'
import { findForged } from '../execution/seat.ts'
import type { Program } from '../ports.ts'

/** A page of 1 MiB at 10 Mbit/s takes 0.9 s; after each failure the next server gets half as much time again. */
const REQUEST_TIMEOUT_MS = 5_000
const REQUEST_TIMEOUT_MAX_MS = 30_000

/** Members that are asked for pages at once: one slow uplink does not set the pace, and 3 MiB wait at most. */
const SERVERS_AT_ONCE = 3

/** Members that are asked for their newest checkpoint: the best of a few is near enough to the newest. */
const CHECKPOINTS_ASKED = 3

/** A checkpoint that was fetched and holds together. */
export interface Fetched extends CheckpointAnswer {
  readonly place: Header
}

export interface TransferOptions {
  readonly net: Net
  readonly groupId: Uint8Array
  /** Members to whom a stream is open. */
  readonly servers: () => readonly PeerId[]
  /** The members of that epoch, where they are known here. */
  readonly committeeOf: (epoch: number) => Committee | null
  /** A server sent what no honest one can have. */
  readonly blame: (peer: PeerId, what: string) => void
}

/**
 * The newest checkpoint that a few members keep.
 *
 * @param isWanted - may it be used here?
 * @throws QuorumError SYNC where nobody has one
 */
export async function fetchCheckpoint(
  options: TransferOptions,
  isWanted: (height: number) => boolean
): Promise<Fetched> {
  let best: Fetched | null = null
  let asked = 0
  let failure: unknown
  for (const peer of options.servers()) {
    if (asked >= CHECKPOINTS_ASKED) break
    try {
      const found = await checkpointOf(options, peer)
      if (found === null) continue
      asked += 1
      const { height } = found.certificate
      if (isWanted(height) && height > (best?.certificate.height ?? 0)) best = found
    } catch (cause) {
      failure = cause
    }
  }
  if (best === null)
    throw new QuorumError('BRUME_QUORUM_SYNC', 'no member has a checkpoint for this', { cause: failure })
  return best
}

async function checkpointOf(options: TransferOptions, peer: PeerId): Promise<Fetched | null> {
  const { net, groupId } = options
  const request = encodeSyncRequest({ type: 'checkpoint', groupId })
  const bytes = await net.request(peer, SYNC_PROTOCOL, request, { timeoutMs: REQUEST_TIMEOUT_MS })
  try {
    const answer = decodeCheckpointAnswer(bytes)
    return answer === null ? null : await checkCheckpoint(answer, options)
  } catch (cause) {
    options.blame(peer, 'a checkpoint that does not hold together')
    throw cause
  }
}

/**
 * Believes a checkpoint for its certificate alone: everything else in the answer is bound by it.
 *
 * @throws QuorumError SYNC, CodecError
 */
export async function checkCheckpoint(
  answer: CheckpointAnswer,
  { groupId, committeeOf }: Pick<TransferOptions, 'groupId' | 'committeeOf'>
): Promise<Fetched> {
  const { certificate, header, record, leaves, merkleRoot, finalization } = answer
  const committee = committeeOf(certificate.epoch)
  if (committee === null) throw refused('its epoch is not known here')
  const place = readHeader(header)
  const fits =
    place.digest === certificate.block &&
    place.height === certificate.height &&
    place.epoch === certificate.epoch &&
    equal(place.groupId, groupId) &&
    recordDigest(record) === certificate.record &&
    toHex(stateRootOf(leaves, merkleRoot)) === certificate.stateRoot
  if (!fits) throw refused('its parts do not belong together')
  if (!(await isCertified(committee, certificate))) throw refused('no quorum has signed it')
  if (finalization !== null && !(await isFinal(committee, place, finalization))) throw refused('it is not final')
  return { ...answer, place }
}

function isCertified(committee: Committee, certificate: CheckpointAnswer['certificate']): Promise<boolean> {
  const { signers, signatures } = certificate
  const known = signers.every((signer) => signer < committee.members.length)
  if (!known || !certifies(committee, CHECKPOINT, signers)) return Promise.resolve(false)
  const votes = signers.map((signer, i) => ({ signer, signature: signatures[i] ?? new Uint8Array(0) }))
  return new Promise((resolve) => {
    findForged(committee, checkpointBytes(committee, certificate), votes, (forged) => resolve(forged.length === 0))
  })
}

function isFinal(committee: Committee, { view, digest }: Header, finalization: Certificate): Promise<boolean> {
  const { kind } = finalization
  const names = kind === KIND.finalize && finalization.view === view && finalization.digest === digest
  if (!names || !isWellFormed(committee, finalization)) return Promise.resolve(false)
  return new Promise((resolve) => {
    findForged(committee, signedBytes(committee, finalization), votesOf(finalization), (forged) =>
      resolve(forged.length === 0)
    )
  })
}

function refused(why: string): QuorumError {
  return new QuorumError('BRUME_QUORUM_SYNC', `a checkpoint is refused: ${why}`)
}

/**
 * Fetches the pages of a checkpoint from three members at once and has the program restore them in order.
 * A page that does not lead to the root names its sender, who is not asked again.
 *
 * @throws QuorumError SYNC where the members run out, or the program does not take what a quorum has certified
 */
export async function restorePages(options: TransferOptions, from: Fetched, program: Program): Promise<void> {
  const { certificate, leaves } = from
  const to = { height: certificate.height, stateRoot: Buffer.from(certificate.stateRoot, 'hex'), leaves }
  const count = pageCount(leaves)
  const servers = new Servers(options.servers())
  const coming = new Map<number, Promise<PageAnswer>>()
  for (let page = 0; page < count; page++) {
    for (let ahead = page; ahead < Math.min(count, page + SERVERS_AT_ONCE); ahead++) {
      if (coming.has(ahead)) continue
      const answer = fetchPage(options, from, ahead, servers)
      // It is awaited in its turn; a failure before that is no unhandled one.
      answer.catch(() => {})
      coming.set(ahead, answer)
    }
    const data = await coming.get(page)
    coming.delete(page)
    if (data === undefined || !(await program.restore(to, page, data))) {
      throw new QuorumError('BRUME_QUORUM_SYNC', `the program does not take page ${page} of a certified state`)
    }
  }
}

/** Who serves pages, the least busy first. */
class Servers {
  readonly #busy: Map<PeerId, number>
  failures = 0

  constructor(peers: readonly PeerId[]) {
    this.#busy = new Map(peers.map((peer) => [peer, 0]))
  }

  take(): PeerId | undefined {
    const [first] = [...this.#busy].sort(([, a], [, b]) => a - b)
    if (first !== undefined) this.#busy.set(first[0], first[1] + 1)
    return first?.[0]
  }

  done(peer: PeerId): void {
    const busy = this.#busy.get(peer)
    if (busy !== undefined) this.#busy.set(peer, busy - 1)
  }

  drop(peer: PeerId): void {
    this.#busy.delete(peer)
    this.failures += 1
  }
}

async function fetchPage(options: TransferOptions, from: Fetched, page: number, servers: Servers): Promise<PageAnswer> {
  const { net, groupId, blame } = options
  const request = encodeSyncRequest({ type: 'page', groupId, height: from.certificate.height, page })
  let failure: unknown
  for (let peer = servers.take(); peer !== undefined; peer = servers.take()) {
    const timeoutMs = Math.min(REQUEST_TIMEOUT_MS * 1.5 ** servers.failures, REQUEST_TIMEOUT_MAX_MS)
    try {
      const answer = readPage(await net.request(peer, SYNC_PROTOCOL, request, { timeoutMs }))
      if (answer !== null && (answer === 'bad' || !leadsToRoot(from, page, answer))) {
        blame(peer, `bad hash: page ${page} of ${from.certificate.height}`)
      } else if (answer !== null) {
        servers.done(peer)
        return answer
      }
    } catch (cause) {
      failure = cause
    }
    servers.drop(peer)
  }
  const what = `nobody gives page ${page} of ${from.certificate.height}`
  throw new QuorumError('BRUME_QUORUM_SYNC', what, { cause: failure })
}

function readPage(bytes: Uint8Array): PageAnswer | 'bad' | null {
  try {
    return decodePageAnswer(bytes)
  } catch {
    return 'bad'
  }
}

function leadsToRoot({ leaves, merkleRoot }: Fetched, page: number, { leaves: given, path }: PageAnswer): boolean {
  const root = rootFromPath(pageHash(given), page, pageCount(leaves), path)
  return root !== undefined && equal(root, merkleRoot)
}
