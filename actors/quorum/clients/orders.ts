import { toHex } from '@brume/codec'
import { type Certificate, certify, type Final, votesOf } from '@brume/consensus'
import type { Cancel } from '@brume/ports'
import { bodyOf, type ClientAnswer, type ClientRequest, commandId, EXPIRY_MAX_MS } from '@brume/protocols/quorum'
import { isRefused } from '../blocks/inspector.ts'
import { QuorumError } from '../errors.ts'
import type { Delivered, DeskPorts } from './ports.ts'
import type { Proofs } from './proofs.ts'

type OrderRequest = Extract<ClientRequest, { type: 'order' }>
type Tell = (answer: ClientAnswer) => void

/** Clients that wait for commands of one group, all together: as many as the pool has commands, twice over. */
const WAITING_MAX = 8_192

interface Waiting {
  readonly id: string
  readonly request: OrderRequest
  readonly tell: Tell
  expiresMs: number
  /** Digest of the block whose payload the client has. */
  shown: string
}

/** What becomes of commands, told to those who sent them, with proof. */
export class Orders {
  readonly #ports: DeskPorts
  readonly #proofs: Proofs
  readonly #waiting = new Map<string, Set<Waiting>>()
  #count = 0

  constructor(ports: DeskPorts, proofs: Proofs) {
    this.#ports = ports
    this.#proofs = proofs
  }

  /** Takes a command, or one that was taken before: then what is known of it is told again. */
  take(request: OrderRequest, tell: Tell): Cancel {
    const waiting = { id: toHex(commandId(request.command)), request, tell, expiresMs: 0, shown: '' }
    this.#begin(waiting).catch((error: unknown) => this.#refuse(waiting, error))
    return () => this.#leave(waiting)
  }

  /** A quorum has ordered the block; it may still be revoked. */
  notarized(block: Delivered['proposal'], certificate: Certificate | undefined): void {
    if (this.#count === 0 || certificate === undefined) return
    const { header, payload } = bodyOf(block)
    for (const { id } of bodyOf(block).commands) {
      for (const waiting of this.#waiting.get(id) ?? []) {
        const chapter = { blocks: [{ header, payload }], finalization: certificate }
        this.#orRefuse(waiting, this.#show(waiting, 'notarized', block.digest, chapter))
      }
    }
  }

  /** Blocks that became final, oldest first, and the newest of them. */
  finalized(blocks: readonly Delivered[], final: Final): void {
    if (this.#count === 0 || final.certificate === null) return
    const finalization = final.certificate
    blocks.forEach(({ proposal, effective }, i) => {
      const above = blocks.slice(i).map(({ proposal: block }) => bodyOf(block))
      for (const id of effective) {
        for (const waiting of this.#waiting.get(id) ?? []) {
          const chapter = { blocks: above, finalization }
          this.#orRefuse(waiting, this.#tellFinal(waiting, proposal.height, proposal.digest, chapter))
        }
      }
    })
    for (const waitings of this.#waiting.values()) for (const waiting of waitings) this.#expire(waiting, final)
  }

  /** What cannot be shown here, too few having attested it or execution being halted, another member may show. */
  #orRefuse(waiting: Waiting, telling: Promise<void>): void {
    telling.catch((error: unknown) => {
      if (this.#isWaiting(waiting)) this.#refuse(waiting, error)
    })
  }

  async #begin(waiting: Waiting): Promise<void> {
    const { clock, inspect, refusal } = this.#ports
    const refused = refusal()
    if (refused !== null) throw new QuorumError(refused.code, refused.message)
    const inspected = inspect(waiting.request.command)
    if (isRefused(inspected)) throw new QuorumError(`BRUME_QUORUM_${inspected.code}`, 'the group does not take it')
    if (inspected.expiresMs > clock.wall() + EXPIRY_MAX_MS) {
      throw new QuorumError('BRUME_QUORUM_MALFORMED', `a command expires within ${EXPIRY_MAX_MS / 1_000} s`)
    }
    waiting.expiresMs = inspected.expiresMs
    this.#join(waiting)
    if (await this.#tellStored(waiting)) return
    if (this.#expire(waiting, this.#ports.floor())) return
    try {
      const { final } = this.#ports.submit(waiting.request.command)
      final.catch((error: unknown) => this.#cameToNothing(waiting, error))
    } catch (error) {
      await this.#notTaken(waiting, error)
    }
  }

  /** It may have become final just now; and what is too late by this clock may stand in a block that is on its way. */
  async #notTaken(waiting: Waiting, error: unknown): Promise<void> {
    const code = error instanceof QuorumError ? error.code : ''
    if (code === 'BRUME_QUORUM_SEQUENCE_OLD') {
      if (await this.#tellStored(waiting)) return
      if (!this.#isKnown(waiting)) throw new QuorumError('BRUME_QUORUM_PRUNED', 'it or another took its place before')
    }
    if (code !== 'BRUME_QUORUM_EXPIRED') throw error
  }

  /** Its session went past it, or the group ended here. What merely expired by this clock is told by group time. */
  #cameToNothing(waiting: Waiting, error: unknown): void {
    if (!this.#isWaiting(waiting)) return
    if (error instanceof QuorumError && error.code === 'BRUME_QUORUM_SEQUENCE_GAP') return
    this.#notTaken(waiting, error).catch((failure: unknown) => {
      if (this.#isWaiting(waiting)) this.#refuse(waiting, failure)
    })
  }

  async #tellStored(waiting: Waiting): Promise<boolean> {
    const { history } = this.#ports
    const height = await history.height(waiting.id)
    if (height === undefined) return false
    const chapter = await history.chapter(height)
    if (chapter === undefined) {
      throw new QuorumError('BRUME_QUORUM_PRUNED', `it became final at height ${height}, whose block is not kept here`)
    }
    await this.#tellFinal(waiting, height, '', chapter)
    return true
  }

  /** Group time has passed its expiry, so it stands in no later block; does it stand in an earlier one? */
  #expire(waiting: Waiting, { height, timeMs }: Final): boolean {
    if (timeMs <= waiting.expiresMs || !this.#isWaiting(waiting)) return false
    const complete = this.#isKnown(waiting)
    void this.#ports.history.height(waiting.id).then(
      (found) => {
        if (found !== undefined || !this.#isWaiting(waiting)) return
        const code = complete ? 'BRUME_QUORUM_EXPIRED' : 'BRUME_QUORUM_PRUNED'
        const what = complete ? 'it took no effect and never will' : 'blocks in which it may stand are not known here'
        this.#refuse(waiting, new QuorumError(code, what), height)
      },
      (error: unknown) => this.#refuse(waiting, error)
    )
    return true
  }

  /** Is every block here, or what took effect in it, in which it may stand? */
  #isKnown({ expiresMs }: Waiting): boolean {
    return this.#ports.history.knownFromMs() <= expiresMs - EXPIRY_MAX_MS
  }

  async #tellFinal(waiting: Waiting, height: number, digest: string, chapter: Parameters<Proofs['bundle']>[1]) {
    const { deltaMs, clock, finalizers } = this.#ports
    if (!waiting.request.everySigner) await this.#show(waiting, 'final', digest, chapter)
    else {
      await new Promise<void>((go) => clock.after(deltaMs(), go))
      const { finalization } = chapter
      const finalized = withMore(finalization, finalizers(finalization.view))
      await this.#show(waiting, 'final', digest, { ...chapter, finalization: finalized })
    }
    await this.#tellAttested(waiting, height)
  }

  async #tellAttested(waiting: Waiting, height: number): Promise<void> {
    if (!this.#isWaiting(waiting)) return
    const { request, id, tell } = waiting
    const shown = await this.#proofs.leaves([`answer/${id}`], height, request.epoch)
    if (shown !== null && this.#isWaiting(waiting)) {
      tell({ number: request.number, type: 'attested', bundle: shown.bundle })
    }
    this.#leave(waiting)
  }

  async #show(
    waiting: Waiting,
    type: 'notarized' | 'final',
    digest: string,
    chapter: Parameters<Proofs['bundle']>[1]
  ): Promise<void> {
    const { request, tell } = waiting
    const isShown = digest !== '' && waiting.shown === digest
    waiting.shown = digest
    const bundle = await this.#proofs.bundle(request.epoch, chapter)
    if (!this.#isWaiting(waiting)) return
    const payload = isShown ? null : (chapter.blocks[0]?.payload ?? null)
    tell({ number: request.number, type, bundle, payload })
  }

  #join(waiting: Waiting): void {
    if (this.#count >= WAITING_MAX) {
      throw new QuorumError('BRUME_QUORUM_POOL_FULL', 'too many clients wait here; ask another member')
    }
    const same = this.#waiting.get(waiting.id) ?? new Set()
    this.#waiting.set(waiting.id, same.add(waiting))
    this.#count += 1
  }

  #isWaiting(waiting: Waiting): boolean {
    return this.#waiting.get(waiting.id)?.has(waiting) === true
  }

  #leave(waiting: Waiting): void {
    const same = this.#waiting.get(waiting.id)
    if (same?.delete(waiting) !== true) return
    this.#count -= 1
    if (same.size === 0) this.#waiting.delete(waiting.id)
  }

  #refuse(waiting: Waiting, error: unknown, height = this.#ports.floor().height): void {
    this.#leave(waiting)
    waiting.tell(refusalOf(waiting.request.number, error, height))
  }
}

/** A refusal as it travels: the code without its prefix, and what goes wrong here besides is `HALTED`. */
export function refusalOf(number: number, error: unknown, height: number): ClientAnswer {
  const own = error instanceof QuorumError
  const code = own ? error.code.slice('BRUME_QUORUM_'.length) : 'HALTED'
  const message = own ? error.message.slice(0, 80) : 'this member cannot answer'
  return { type: 'refused', number, code, height, message }
}

/** A certificate with the signatures that came after its quorum. */
function withMore(certificate: Certificate, more: Parameters<typeof certify>[0]): Certificate {
  const votes = new Map(votesOf(certificate).map((vote) => [vote.signer, vote]))
  for (const vote of more) if (vote.digest === certificate.digest) votes.set(vote.signer, vote)
  return certify([...votes.values()])
}
