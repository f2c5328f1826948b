import { DOMAIN, hash, signedMessage } from '@brume/crypto'

/**
 * What a leader's VRF is asked in its first block of an epoch: `brume/quorum-seed/1 ‖ 0x00 ‖ groupId 32 ‖
 * epoch u64`, big-endian. Nobody chooses it, and each epoch has another.
 */
export function epochSeedInput(groupId: Uint8Array, epoch: number): Uint8Array {
  const number = Buffer.alloc(8)
  number.writeBigUInt64BE(BigInt(epoch))
  return signedMessage(DOMAIN.quorumSeed, groupId, number)
}

/**
 * The accumulator after one more leader's first final block, 32 bytes; it starts as the epoch's seed, and what
 * it is after the closing block is the seed of the next.
 *
 * @param acc - 32 bytes
 * @param key - the leader's signing key, 32 bytes
 * @param beta - 64 bytes, output of its proof; the proof itself could be varied until the seed suits
 */
export function accumulateSeed(acc: Uint8Array, key: Uint8Array, beta: Uint8Array): Uint8Array {
  return hash(DOMAIN.quorumSeed, acc, key, beta)
}
