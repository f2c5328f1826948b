import { pageCount, pageHash, rootFromPath } from '@brume/crypto'
import {
  type CheckpointAnswer,
  encodeCheckpointAnswer,
  encodeClosings,
  encodePageAnswer,
  encodeSyncAnswer,
  type SyncRequest
} from '@brume/protocols/quorum'
import type { Ledger } from '../blocks/ledger.ts'
import type { Execution } from '../execution/execution.ts'

/** What other members fetch in bulk. Each request is answered with what there is: one too high with nothing. */
export class Shelf {
  readonly #ledger: Ledger
  readonly #execution: () => Execution | null

  /** @param execution - null before the group has read its past */
  constructor(ledger: Ledger, execution: () => Execution | null) {
    this.#ledger = ledger
    this.#execution = execution
  }

  answer(request: SyncRequest): Promise<Uint8Array> {
    switch (request.type) {
      case 'blocks':
        return this.#blocks(request.from)
      case 'checkpoint':
        return this.#checkpoint().then(encodeCheckpointAnswer)
      case 'page':
        return this.#page(request.height, request.page)
      case 'closings':
        return this.#ledger.closings(request.epoch).then(encodeClosings)
    }
  }

  async #blocks(from: number): Promise<Uint8Array> {
    const prunedTo = await this.#ledger.prunedTo()
    if (from <= prunedTo) return encodeSyncAnswer([], null, prunedTo)
    const { blocks, finalization } = await this.#ledger.chapter(from)
    return encodeSyncAnswer(blocks, finalization)
  }

  /** The newest one whose pages can be had here too. */
  async #checkpoint(): Promise<CheckpointAnswer | null> {
    const execution = this.#execution()
    for (const { certificate, header, record, leaves } of execution?.checkpoints.toReversed() ?? []) {
      const first = leaves === null ? null : await execution?.page(certificate.height, 0)
      if (leaves === null || first === null || first === undefined) continue
      const merkleRoot = rootFromPath(pageHash(first.leaves), 0, pageCount(leaves), first.path)
      if (merkleRoot === undefined) continue
      const finalization = (await this.#ledger.proofAt(certificate.height)) ?? null
      return { certificate, header, record, leaves, merkleRoot, finalization }
    }
    return null
  }

  async #page(height: number, page: number): Promise<Uint8Array> {
    return encodePageAnswer((await this.#execution()?.page(height, page)) ?? null)
  }
}
