import { sha256 } from '@brume/crypto'
import { MEMBERS_MAX } from './arith.ts'
import { NOBODY, type Unsound, unavailable } from './availability.ts'
import { clampWeights, TOLERATING_NONE_MAX, type Weighable } from './clamp.ts'
import type { Domains } from './diversity.ts'
import type { MemberClass, Policy } from './policy.ts'

/** Who may be a member of the next committee, as the finalized state has it. */
export interface Candidate {
  /** Ed25519 public key, 32 bytes. */
  readonly key: Uint8Array
  /** The highest that members of more than half the weight vouch for. */
  readonly class: MemberClass
  readonly domains: Domains
  readonly volatile: boolean
  /** Members of more than half the weight vouch for it, and it has neither a warrant nor left. */
  readonly admitted: boolean
}

export type Formation<T> =
  | { readonly formed: true; readonly members: readonly (T & { readonly weight: number })[] }
  | ({ readonly formed: false } & Unsound)

/**
 * The next committee, ascending by key: a pure function of finalized state, equal on all members and out of
 * reach of any leader. Weight is that of the class, lowered until nobody and no capped domain exceeds F.
 *
 * @param seed - 32 bytes, the epoch's; it decides who of equal weight stays when there are more than 100
 * @returns the members, or why these candidates form none: then the committee of before goes on
 */
export function formCommittee<T extends Candidate>(
  candidates: readonly T[],
  policy: Policy,
  seed: Uint8Array
): Formation<T> {
  const raw = heaviest(candidates, policy, seed)
  if (raw.length === 0) return { formed: false, ...NOBODY }
  const clamped = clampWeights(raw, policy.caps)
  if ('exceeds' in clamped) {
    return { formed: false, reason: 'caps', detail: `${clamped.exceeds} would weigh more than may fail` }
  }
  const members = raw.map((member, i) => ({ ...member, weight: clamped.weights[i] ?? 0 }))
  const unsound = unavailable(members, policy)
  return unsound === null ? { formed: true, members } : { formed: false, ...unsound }
}

/** At most 100 of the admitted, by weight and then by chance, in order of their keys. */
function heaviest<T extends Candidate>(
  candidates: readonly T[],
  { classWeights }: Policy,
  seed: Uint8Array
): readonly (T & Weighable)[] {
  const admitted = candidates
    .filter((candidate) => candidate.admitted)
    .map((candidate) => ({ ...candidate, weight: classWeights[candidate.class] }))
  const staying =
    admitted.length <= MEMBERS_MAX
      ? admitted
      : admitted
          .map((candidate) => ({ candidate, lot: sha256(seed, candidate.key) }))
          .sort((a, b) => b.candidate.weight - a.candidate.weight || Buffer.compare(a.lot, b.lot))
          .slice(0, MEMBERS_MAX)
          .map(({ candidate }) => candidate)
  const least = Math.min(...staying.map(({ weight }) => weight))
  const equal = staying.length <= TOLERATING_NONE_MAX
  return staying
    .map((candidate) => (equal ? { ...candidate, weight: least } : candidate))
    .sort((a, b) => Buffer.compare(a.key, b.key))
}
