import { ATTEST, type Bundle, encodeBundle, type LeafProof } from '@brume/protocols/quorum'
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

  /** Leaves with their proof; null where a path is absent, or too few members attest its block. */
  async leaves(paths: readonly string[], atLeast: number, epoch: number): Promise<Shown | null> {
    const { history, outcomes } = this.#ports
    const leaves = await outcomes.read(paths, atLeast, true)
    const [first] = leaves ?? []
    if (leaves === null || first?.statement === null || first === undefined) return null
    if (leaves.some(({ height }) => height !== first.height)) {
      throw new QuorumError('BRUME_QUORUM_MALFORMED', 'these paths are of different blocks: read them one by one')
    }
    const certificate = await outcomes.attestation(first.height)
    const chapter = await history.chapter(first.height)
    if (certificate === null || chapter === undefined) return null
    const proof = { kind: ATTEST, statement: first.statement, certificate, ...placeOf(first) } as const
    const bundle = await this.bundle(epoch, chapter, proof)
    return { height: first.height, leaves: leaves.map(placeOf), bundle }
  }
}

export function placeOf({ leaf, index, count, path }: Leaf): LeafProof {
  return { leaf, index, count, path }
}
