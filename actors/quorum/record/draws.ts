import { toHex } from '@brume/codec'
import { accumulateSeed, epochSeedInput } from '@brume/consensus'
import type { Identity } from '@brume/crypto'
import { proofToHash, proverFromSeed, verifyProof } from '@brume/crypto/vrf'

/** Proofs that were checked: those of two epochs' members. */
const KNOWN_MAX = 256

/** Each leader's draw in its first block of an epoch: together they make the seed of the next one. */
export class Draws {
  readonly #groupId: Uint8Array
  readonly #identity: Identity
  /** By key, epoch and proof: was it valid? A check costs some milliseconds, and a block is judged twice. */
  readonly #known = new Map<string, boolean>()
  #own: { readonly epoch: number; readonly proof: Uint8Array } | null = null

  constructor(groupId: Uint8Array, identity: Identity) {
    this.#groupId = groupId
    this.#identity = identity
  }

  /** This member's proof for an epoch, 80 bytes. */
  prove(epoch: number): Uint8Array {
    if (this.#own?.epoch === epoch) return this.#own.proof
    const { proof } = proverFromSeed(this.#identity.seed).prove(epochSeedInput(this.#groupId, epoch))
    this.#own = { epoch, proof }
    return proof
  }

  isValid(vrfKey: Uint8Array, epoch: number, proof: Uint8Array): boolean {
    const name = `${toHex(vrfKey)}/${epoch}/${toHex(proof)}`
    const known = this.#known.get(name)
    if (known !== undefined) return known
    const { valid } = verifyProof(vrfKey, epochSeedInput(this.#groupId, epoch), proof)
    this.#known.set(name, valid)
    if (this.#known.size > KNOWN_MAX) for (const oldest of this.#known.keys().take(1)) this.#known.delete(oldest)
    return valid
  }

  /**
   * What the next seed becomes with one more leader's draw.
   *
   * @param key - the leader's signing key
   * @param proof - of a block that is final or valid; its output goes in, never the proof, which its maker can vary
   */
  mix(draw: Uint8Array, key: Uint8Array, proof: Uint8Array): Uint8Array {
    return accumulateSeed(draw, key, proofToHash(proof) ?? new Uint8Array(64))
  }
}
