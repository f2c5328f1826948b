import type { Placement, PlacementEvent, PlacementRefusal } from './port.ts'

/** Holder and followers: each output waits for all that are in step. */
const COPIES_MAX = 5
const PEER_BYTES_MAX = 128
const NAME_BYTES_MAX = 256

/** What a change is judged by. */
export interface PlacementState {
  /** Null: there is no such actor. */
  readonly placement: Placement | null
  /** The highest epoch of an actor that was removed: later ones have higher ones. */
  readonly floor: number
}

/** The judgements of the machine; a simulation replaces one by a wrong one and must notice. */
export interface PlacementRules {
  /** Does whoever wants a change know how it is now? */
  isCurrent(placement: Placement, event: { readonly epoch: number; readonly version: number }): boolean
  /** May it take over? */
  mayTake(placement: Placement, peer: string): boolean
  /** May the holder go on with so many followers in step? */
  isEnough(placement: Placement, followers: number): boolean
}

export const PLACEMENT_RULES: PlacementRules = {
  isCurrent: ({ epoch, version }, event) => event.epoch === epoch && event.version === version,
  mayTake: ({ holder, inSync }, peer) => holder === peer || inSync.includes(peer),
  isEnough: ({ minInSync }, followers) => followers >= minInSync
}

/** How the actor is placed next, null where it is no more; or why nothing changes. Pure: it runs on every member. */
export function judge(
  { placement, floor }: PlacementState,
  event: PlacementEvent,
  peer: string | null,
  rules: PlacementRules = PLACEMENT_RULES
): { readonly next: Placement | null } | PlacementRefusal {
  if (peer === null) return 'forbidden'
  if (event.type === 'place') return placement === null ? place(event, floor, peer) : 'taken'
  if (placement === null || !rules.isCurrent(placement, event)) return 'behind'
  const { holder, inSync, epoch, version } = placement
  const next = { ...placement, version: version + 1 }
  if (event.type === 'take') {
    if (!rules.mayTake(placement, peer)) return 'forbidden'
    return { next: { ...next, epoch: epoch + 1, holder: peer, inSync: without(inSync, peer) } }
  }
  if (holder !== peer) return 'forbidden'
  switch (event.type) {
    case 'drop':
      if (!inSync.includes(event.peer)) return 'invalid'
      if (!rules.isEnough(placement, inSync.length - 1)) return 'few'
      return { next: { ...next, inSync: without(inSync, event.peer) } }
    case 'join':
      if (!placement.copies.includes(event.peer) || event.peer === holder || inSync.includes(event.peer)) {
        return 'invalid'
      }
      return { next: { ...next, inSync: [...inSync, event.peer], begun: true } }
    case 'hand': {
      if (!inSync.includes(event.to)) return 'invalid'
      const rest = without(inSync, event.to)
      return { next: { ...next, epoch: epoch + 1, holder: event.to, inSync: event.stays ? [...rest, holder] : rest } }
    }
    case 'remove':
      return { next: null }
    default:
      return 'invalid'
  }
}

function place(
  { kind, copies, minInSync }: PlacementEvent & { readonly type: 'place' },
  floor: number,
  peer: string
): { readonly next: Placement } | PlacementRefusal {
  const isFit =
    isName(kind, NAME_BYTES_MAX) &&
    Array.isArray(copies) &&
    copies.length <= COPIES_MAX &&
    copies.every((copy) => isName(copy, PEER_BYTES_MAX)) &&
    new Set(copies).size === copies.length &&
    copies.includes(peer) &&
    Number.isSafeInteger(minInSync) &&
    minInSync >= 0 &&
    minInSync < copies.length
  if (!isFit) return 'invalid'
  return { next: { epoch: floor + 1, version: 1, holder: peer, inSync: [], copies, minInSync, kind, begun: false } }
}

export const isName = (value: unknown, most: number): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= most

const without = (peers: readonly string[], peer: string): readonly string[] => peers.filter((other) => other !== peer)

/** Is `a` what came after `b`? */
export function isNewer(a: Placement, b: Placement | null): boolean {
  return b === null || a.epoch > b.epoch || (a.epoch === b.epoch && a.version > b.version)
}
