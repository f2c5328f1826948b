import type { Snapshot } from '@brume/runtime/kernel'

type Value = string | { readonly [key: string]: Value | undefined }

/** Is this what was waited for? A word is a tag, a state at the top, or `done`; an object the states below. */
export function isReached(until: unknown, snapshot: Snapshot): boolean {
  if (typeof until === 'function') return until(snapshot) === true
  if (until === 'done' && snapshot.status === 'done') return true
  if (typeof until === 'string' && snapshot.tags.includes(until)) return true
  return matches(until as Value, snapshot.value as Value)
}

/** As XState's `matches`: what is not named may be anything. */
function matches(wanted: Value, value: Value): boolean {
  if (typeof wanted === 'string') return typeof value === 'string' ? wanted === value : wanted in value
  if (typeof value === 'string') return false
  return Object.entries(wanted).every(([key, below]) => {
    const found = value[key]
    return below === undefined || (found !== undefined && matches(below, found))
  })
}
