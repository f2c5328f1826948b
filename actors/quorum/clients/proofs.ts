import { ATTEST, type Bundle, CHECKPOINT, encodeBundle, type LeafProof } from '@brume/protocols/quorum'
import { QuorumError } from '../errors.ts'
import type { Leaf } from '../ports.ts'
import type { Chapter, DeskPorts } from './ports.ts'

/** Leaves of one state and what shows them. */
export interface Shown {
  readonly height: number
  readonly leaves: readonly LeafProof[]
  readonly bundle: Uint8Array
}

/** Puts together what shows a client that something is so. */
export class Proofs {
  readonly #ports: Pick<DeskPorts, 'history' | 'outcomes'>

  constructor(ports: Pick<DeskPorts, 'history' | 'outcomes'>) {
    this.#ports = ports
  }

  /** That the first block of the chapter is certified, to somebody who trusts the committee of this epoch. */
  async bundle(epoch: number, { blocks, finalization }: Chapter, proof: Bundle['proof'] = null): Promise<Uint8Array> {
    const closings =
      finalization.epoch > epoch ? (await this.#ports.history.closings(epoch)).slice(0, finalization.epoch - epoch) : []
    return encodeBundle({ closings, headers: blocks.map(({ header }) => header).reverse(), finalization, proof })
  }

  /**
   * Leaves with their proof: an attestation, or a checkpoint's certificate where too few attest anything of that height.
   * Null where a path is absent, or nothing shows it.
   *
   * @throws QuorumError SYNC where too few have attested it in time, and no checkpoint holds it
   */
  async leaves(paths: readonly string[], atLeast: number, epoch: number): Promise<Shown | null> {
    const { outcomes } = this.#ports
    try {
      return await this.#shown(await outcomes.read(paths, atLeast, true), epoch)
    } catch (error) {
      const isUnattested = error instanceof QuorumError && error.code === 'BRUME_QUORUM_SYNC'
      const older = isUnattested ? await outcomes.read(paths, atLeast, 'checkpoint') : null
      const shown = await this.#shown(older, epoch)
      if (shown === null) throw error
      return shown
    }
  }

  async #shown(leaves: readonly Leaf[] | null, epoch: number): Promise<Shown | null> {
    const [first] = leaves ?? []
    if (leaves === null || first === undefined) return null
    const { height } = first
    if (leaves.some((leaf) => leaf.height !== height)) {
      throw new QuorumError('BRUME_QUORUM_MALFORMED', 'these paths are of different blocks: read them one by one')
    }
    const proof = await this.#proofOf(first)
    const chapter = await this.#ports.history.chapter(height)
    if (proof === null || chapter === undefined) return null
    return { height, leaves: leaves.map(placeOf), bundle: await this.bundle(epoch, chapter, proof) }
  }

  async #proofOf(leaf: Leaf): Promise<Bundle['proof']> {
    const { outcomes } = this.#ports
    const { height, statement } = leaf
    if (statement === null) {
      const certificate = outcomes.checkpoint(height)
      return certificate && { kind: CHECKPOINT, certificate, ...placeOf(leaf) }
    }
    const certificate = await outcomes.attestation(height)
    return certificate && { kind: ATTEST, statement, certificate, ...placeOf(leaf) }
  }
}

export function placeOf({ leaf, index, count, path }: Leaf): LeafProof {
  return { leaf, index, count, path }
}
