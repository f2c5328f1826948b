import type { Scope } from './port.ts'

/** Where whoever steps an actor says which step it is, so that the machine's functions can ask about it. */
export interface Slot {
  current: Scope | null
}

/**
 * In the registry of symbols, which all copies of this module share: a bundle has its own copy, and a machine may be
 * stepped by another one than it imported. Realms share the registry and not the global object, so each has its slot.
 */
const SLOT = Symbol.for('brume/step/1')

/** The one slot of this realm. */
export function stepSlot(): Slot {
  const realm = globalThis as typeof globalThis & { [SLOT]?: Slot }
  realm[SLOT] ??= { current: null }
  return realm[SLOT]
}
