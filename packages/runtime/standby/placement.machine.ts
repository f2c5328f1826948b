import { reply, sender } from '@brume/runtime/logic'
import { assign, setup } from 'xstate'
import { isName, judge } from './placement.ts'
import type { Placement, PlacementEvent, PlacementRefusal, PlacementReply } from './port.ts'

/** All of them fit into the 256 KiB of a replicated state. */
const ACTORS_MAX = 256
const PATH_BYTES_MAX = 256
/** Key of an actor in the context: a leaf of its own, which anybody can have proven. No path holds such a key. */
const KEY = 'at '
const FLOOR = 'floor'

/** By `at <path>`, and `floor`: the highest epoch of an actor that was removed. */
type Context = Readonly<Record<string, Placement | number | undefined>>

export const placementKey = (path: string): string => KEY + path

/** Of a replicated machine's context. */
export function placementsOf(context: Context): ReadonlyMap<string, Placement> {
  const found = new Map<string, Placement>()
  for (const [key, value] of Object.entries(context)) {
    if (key.startsWith(KEY) && typeof value === 'object') found.set(key.slice(KEY.length), value)
  }
  return found
}

/** `brume://<peer>/~client`, as a group names who signed. */
function peerOf(address: string | null): string | null {
  return address === null ? null : (address.split('/')[2] ?? null)
}

interface Judged {
  readonly refused: PlacementRefusal | null
  readonly placement: Placement | null
  readonly changes: Context
}

function judged(context: Context, event: PlacementEvent): Judged {
  if (!isName(event.path, PATH_BYTES_MAX)) return { refused: 'invalid', placement: null, changes: {} }
  const key = placementKey(event.path)
  const before = Object.hasOwn(context, key) ? context[key] : undefined
  const placement = typeof before === 'object' ? before : null
  const floor = Number(context[FLOOR] ?? 0)
  const verdict = judge({ placement, floor }, event, peerOf(sender(event)))
  if (typeof verdict === 'string') return { refused: verdict, placement, changes: {} }
  const { next } = verdict
  if (placement === null && placementsOf(context).size >= ACTORS_MAX) {
    return { refused: 'full', placement, changes: {} }
  }
  // A key without a value goes.
  const changes = {
    [key]: next ?? undefined,
    ...(next === null && { [FLOOR]: Math.max(floor, placement?.epoch ?? 0) })
  }
  return { refused: null, placement: next, changes }
}

const CHANGE = { actions: ['answer', 'change'] } as const

/**
 * Who holds the actors of mode `standby` and who is in step, ordered by a group: run it in mode `bft`. It answers each
 * event with how the actor is placed then.
 */
export default setup({
  types: {} as { context: Context; events: PlacementEvent },
  actions: {
    // Before the change, of which it is the answer.
    answer: reply(({ context, event }): PlacementReply => {
      const { refused, placement } = judged(context, event)
      return { refused, placement }
    }),
    change: assign(({ context, event }) => judged(context, event).changes)
  }
}).createMachine({
  id: 'placement',
  context: { [FLOOR]: 0 },
  on: {
    place: CHANGE,
    take: CHANGE,
    drop: CHANGE,
    join: CHANGE,
    hand: CHANGE,
    remove: CHANGE
  }
})
