/** What one client did and saw, in virtual ms. An operation without an end may have happened or not, or happen yet. */
export type Operation =
  | { readonly type: 'append'; readonly line: string; readonly startMs: number; readonly endMs: number | null }
  | { readonly type: 'read'; readonly lines: readonly string[]; readonly startMs: number; readonly endMs: number }

/**
 * Is there one order of all operations that explains what everybody saw and keeps what was over before something
 * else began before it? For a log that only grows the log itself is that order, so it is enough to compare. Knows
 * nothing of blocks and quorums.
 *
 * @param log - what the honest members hold in the end
 * @returns what contradicts it
 */
export function contradictions(operations: readonly Operation[], log: readonly string[]): readonly string[] {
  const place = new Map(log.map((line, at) => [line, at]))
  const found: string[] = []
  if (place.size !== log.length) found.push('a line is in the log twice')
  const appends = operations.filter((one) => one.type === 'append')
  const reads = operations.filter((one) => one.type === 'read')
  const known = new Set(appends.map(({ line }) => line))
  for (const line of log) if (!known.has(line)) found.push(`nobody wrote ${line}`)
  for (const { line, endMs } of appends) if (endMs !== null && !place.has(line)) found.push(`${line} is lost`)
  for (const { lines } of reads) {
    if (lines.some((line, at) => log[at] !== line))
      found.push(`a read of ${lines.length} lines is no beginning of the log`)
  }
  for (const a of appends) {
    for (const b of appends) {
      const isBefore = a.endMs !== null && a.endMs < b.startMs
      const after = place.get(b.line)
      if (isBefore && after !== undefined && after < (place.get(a.line) ?? 0))
        found.push(`${b.line} overtook ${a.line}`)
    }
    const at = place.get(a.line)
    for (const read of reads) {
      const sees = at !== undefined && at < read.lines.length
      if (a.endMs !== null && a.endMs < read.startMs && !sees) found.push(`a read missed ${a.line}`)
      if (sees && a.startMs > read.endMs) found.push(`a read saw ${a.line} before it was written`)
    }
  }
  for (const a of reads) {
    for (const b of reads) {
      if (a.endMs < b.startMs && b.lines.length < a.lines.length) found.push('a later read saw less')
    }
  }
  return found
}
