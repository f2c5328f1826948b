import { decode, equal } from '@brume/codec'
import { type ProvedState, verifyState } from '@brume/protocols/actors/proof'
import { decodeManifest } from '@brume/protocols/quorum'
import { encodeSegment, formatAddress, groupAuthority } from '@brume/runtime/address'
import { type Assignment, decodeTerms, inputDigest, type Json, jsonOf } from '@brume/runtime/replica'
import { refusal } from './refusals.ts'

const INPUT_LIMITS = { bytesMax: 65_536, depthMax: 40, itemsMax: 30_000 }

/** What a replicated actor begins with: an input, or the state in which another group froze it. */
export interface Beginning {
  readonly input: Json
  readonly legacy: ProvedState | null
}

/**
 * Believes nobody: the manifest names the digest of an input, or the root of a state and whose it is.
 *
 * @param value - an input in canonical CBOR, or the proof of a state, as the manifest demands
 * @throws RuntimeError REJECTED; CodecError, BundleError
 */
export function readBeginning(manifest: Uint8Array, value: Uint8Array): Beginning {
  const { name, program } = decodeManifest(manifest)
  const { inputDigest: digest, origin } = decodeTerms(program)
  if (origin === null) {
    const input = jsonOf(decode(value, INPUT_LIMITS))
    if (equal(inputDigest(input), digest)) return { input, legacy: null }
    throw refusal('rejected', 'the input is not the one that the manifest names')
  }
  const legacy = verifyState(value, formatAddress(groupAuthority(origin.groupId), encodeSegment(name)))
  if (!legacy.snapshot.frozen) throw refusal('rejected', 'the state it is to go on from is not frozen')
  if (!equal(legacy.stateRoot, digest)) throw refusal('rejected', 'the state is not the one that the manifest names')
  return { input: null, legacy }
}

/** To migrate by, where nothing is replicated yet. */
export function trialOf({ leaves }: ProvedState, version: number): Assignment {
  return { address: 'brume://group/trial/trial#1', input: null, legacy: { leaves, version }, admins: [] }
}
