import { RuntimeError } from '../error.ts'
import type { Scope } from './port.ts'
import { stepSlot } from './slot.ts'

/** Numbers of a step. In a replicated actor equal on all members, and public: nothing for lotteries with stakes. */
export interface Dice {
  bytes(length: number): Uint8Array
  /** Uniform integer from 0 to `limit` - 1; `limit` at most 2^48. */
  below(limit: number): number
  /** Uniform in [0, 1), 53 bits. A fraction: not for the context of a replicated actor. */
  unit(): number
}

const slot = stepSlot()

/** When the event was admitted, ms since 1970; in a replicated actor the time of the group. @throws outside a step */
export function now(_event?: unknown): number {
  return step('now').nowMs
}

/** Who sent the event that began this step: an address, null for the actor's own timers and children. @throws outside a step */
export function sender(_event?: unknown): string | null {
  return step('sender').sender
}

/** Names the ask that waits for an answer, to be kept for a later `replyTo`; null where nobody waits. @throws outside a step */
export function askToken(_event?: unknown): string | null {
  return step('askToken').ask
}

/** Numbers that go on where the last `rng` of this step stopped. @throws outside a step */
export function rng(_event?: unknown): Dice {
  const { random } = step('rng')
  return { bytes: random, below: (limit) => below(random, limit), unit: () => unit(random) }
}

/** The step that runs now. */
export function step(what: string): Scope {
  if (slot.current !== null) return slot.current
  const message = `${what} works while brume steps the actor: in guards, assigns, context, params; not in custom actions`
  throw new RuntimeError('BRUME_RUNTIME_OUTSIDE_STEP', message)
}

/** Six bytes are drawn at a time: more would not fit into a number with room to divide. */
const RANGE = 2 ** 48

function below(random: Scope['random'], limit: number): number {
  if (!Number.isInteger(limit) || limit < 1 || limit > RANGE) throw new RangeError(`below(${limit}): 1 to 2^48`)
  const fair = RANGE - (RANGE % limit)
  for (;;) {
    const drawn = big(random(6))
    // The last, incomplete round would make small answers likelier.
    if (drawn < fair) return drawn % limit
  }
}

function unit(random: Scope['random']): number {
  const bytes = random(7)
  bytes[0] = (bytes[0] ?? 0) & 31
  return big(bytes) / 2 ** 53
}

/** Big-endian, at most 53 bits. */
function big(bytes: Uint8Array): number {
  let value = 0
  for (const byte of bytes) value = value * 256 + byte
  return value
}
