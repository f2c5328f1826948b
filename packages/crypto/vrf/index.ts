import { DOMAIN } from '../domain.ts'
import { deriveSeed, identityFromSeed } from '../identity.ts'
import { prove } from './ecvrf.ts'

export { isVrfKey, PROOF_BYTES, proofToHash, type Verdict, verifyProof } from './ecvrf.ts'

/** A peer's second key pair: its outputs are random to all others, and yet only one output per input can be proven. */
export interface Prover {
  /** 32 bytes, Ed25519 form; not the signing key. */
  readonly publicKey: Uint8Array
  /** The 80-byte proof, and beta, the 64-byte output: hash beta and never the proof, which its maker can vary. */
  prove(alpha: Uint8Array): { readonly proof: Uint8Array; readonly beta: Uint8Array }
}

/** The VRF key of an identity, from its own seed. Throws `CryptoError` for a seed that is not 32 bytes. */
export function proverFromSeed(identitySeed: Uint8Array): Prover {
  const seed = deriveSeed(identitySeed, DOMAIN.vrf)
  const { publicKey } = identityFromSeed(seed)
  return Object.freeze({ publicKey, prove: (alpha: Uint8Array) => prove(seed, alpha) })
}
