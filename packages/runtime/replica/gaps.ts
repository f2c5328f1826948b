/** Gaps remembered of one pair: beyond them the lowest is given up, and what comes of it is refused by name. */
const GAPS_MAX = 16

/** Sends that were passed over, for they did not come in time: each may still be taken, late. */
export interface Gap {
  /** Above this number, up to the other one. */
  readonly after: number
  readonly upTo: number
  /** What comes after this is refused, ms since 1970. */
  readonly untilMs: number
}

/** What was passed over of one pair. */
export interface Passed {
  /** Up to this number nobody remembers what was taken. */
  readonly givenUpTo: number
  /** The lowest first; they do not overlap. */
  readonly gaps: readonly Gap[]
}

export const NOTHING_PASSED: Passed = { givenUpTo: 0, gaps: [] }

/** @param gap - above all that are there; an empty one is none */
export function passOver(passed: Passed, gap: Gap): Passed {
  return gap.upTo <= gap.after ? passed : bounded(passed.givenUpTo, [...passed.gaps, gap])
}

/** What is left once this send is taken; null: it lies in no gap. */
export function fill(
  { givenUpTo, gaps }: Passed,
  { seq, prev }: { readonly seq: number; readonly prev: number }
): Passed | null {
  const at = gaps.findIndex(({ after, upTo }) => after < seq && seq <= upTo)
  const gap = gaps[at]
  if (gap === undefined) return null
  // Without a number before it, anything below it may be missing.
  const below = { ...gap, upTo: prev === 0 ? seq - 1 : prev }
  const left = [below, { ...gap, after: seq }].filter(({ after, upTo }) => after < upTo)
  return bounded(givenUpTo, gaps.toSpliced(at, 1, ...left))
}

/** Those whose time is over are given up. */
export function current(passed: Passed, nowMs: number): Passed {
  const living = passed.gaps.filter(({ untilMs }) => untilMs >= nowMs)
  if (living.length === passed.gaps.length) return passed
  const over = passed.gaps.filter(({ untilMs }) => untilMs < nowMs).map(({ upTo }) => upTo)
  return { givenUpTo: Math.max(passed.givenUpTo, ...over), gaps: living }
}

function bounded(givenUpTo: number, gaps: readonly Gap[]): Passed {
  const given = gaps.slice(0, Math.max(0, gaps.length - GAPS_MAX))
  return { givenUpTo: Math.max(givenUpTo, ...given.map(({ upTo }) => upTo)), gaps: gaps.slice(given.length) }
}

/** `[givenUpTo, [[after, upTo, untilMs]]]`. */
export type PassedField = readonly [number, readonly (readonly [number, number, number])[]]

export function passedField({ givenUpTo, gaps }: Passed): PassedField {
  return [givenUpTo, gaps.map(({ after, upTo, untilMs }) => [after, upTo, untilMs] as const)]
}

export function readPassed([givenUpTo, gaps]: PassedField): Passed {
  return { givenUpTo, gaps: gaps.map(([after, upTo, untilMs]) => ({ after, upTo, untilMs })) }
}
