import { leaderOf } from '../committee.ts'
import { KIND } from '../statement.ts'
import type { SlotState } from './state.ts'

/** Proposal, votes, certificate, and one delay of grace. */
const VIEW_DELTAS = 4
const BACKOFF = 1.5
const VIEW_MS_MAX = 30_000

/** When this view is given up: the result view after `resultMs`, later ones longer and longer up to 30 s. */
export function deadlineMs({ config, view, enteredMs }: SlotState): number {
  if (view === 0) return enteredMs + config.resultMs
  return enteredMs + Math.min(VIEW_MS_MAX, VIEW_DELTAS * config.deltaMs * BACKOFF ** (view - 1))
}

/** A leader after a notarization gives its finalize votes time to arrive, and then need not speak. */
export function proposeAtMs({ config, view, views, enteredMs }: SlotState): number {
  return views[view - 1]?.certificates[KIND.notarize] === undefined ? enteredMs : enteredMs + config.deltaMs
}

/** When to feed a `tick` at the latest; null once the slot is over: then it only answers. */
export function slotWakeAtMs(state: SlotState): number | null {
  const { config, view, views, enteredMs, decided, undecided, retryDueMs } = state
  if (decided !== null || undecided) return null
  if (config.self === null) return retryDueMs
  const said = views[view]?.said ?? {}
  const gaveUp = said[KIND.nullify] !== undefined || said[KIND.finalize] !== undefined
  const waits = view > 0 && said[KIND.notarize] === undefined && leaderOf(config.committee, view) === config.self
  const proposal = waits && proposeAtMs(state) > enteredMs ? proposeAtMs(state) : retryDueMs
  return Math.min(retryDueMs, proposal, gaveUp ? retryDueMs : deadlineMs(state))
}
