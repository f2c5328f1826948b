import type { SimRandom } from '@brume/testkit'
import { shuffled } from '../world/streams.ts'

/** What a liar may do; several at once. */
export const ROLES = [
  /** Says nothing at all. */
  'mute',
  /** Says everything late. */
  'late',
  /** As leader, two blocks; to each member one. */
  'equivocate',
  /** Votes for everything it hears of, and against it. */
  'double',
  /** Some of its signatures are nonsense. */
  'bad-signature',
  /** Repeats what it heard, as it is or as of this epoch. */
  'replay',
  /** Changes fields of what it says. */
  'mutate',
  /** Tells some what it keeps from others. */
  'withhold',
  /** As leader, leaves out commands. */
  'censor',
  /** Certificates that no quorum made. */
  'forge',
  /** Votes in others' names. */
  'impersonate',
  /** As leader, builds below what is notarized. */
  'skip',
  /** Two processes with one key and different peers. */
  'twin'
] as const
export type Role = (typeof ROLES)[number]

/** One to three roles; silence goes with no other. */
export function rolesFor(random: SimRandom): readonly Role[] {
  const chosen = shuffled(random, ROLES).slice(0, 1 + random.below(3))
  return chosen.includes('mute') && chosen.length > 1 ? chosen.filter((role) => role !== 'mute') : chosen
}
