import { PeerError } from '../errors.ts'

const UNITS_MS = new Map([
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000]
])

/** Milliseconds of `500ms`, `20s`, `5m` or `1.5h`. Throws `BRUME_PEER_USAGE`. */
export function readDuration(text: string): number {
  const [, amount, unit] = /^(\d{1,6}(?:\.\d{1,3})?)(ms|s|m|h)$/.exec(text) ?? []
  const unitMs = UNITS_MS.get(unit ?? '')
  if (amount === undefined || unitMs === undefined)
    throw new PeerError('BRUME_PEER_USAGE', `${JSON.stringify(text)} is not a duration such as 500ms, 20s, 5m or 1h`)
  return Number(amount) * unitMs
}
