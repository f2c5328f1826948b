import { quantile } from '../harness/statistics.ts'
import { type Cell, renderTable } from '../harness/table.ts'

/** One figure beside what it is measured against, in the same seconds. */
export interface Row {
  readonly name: string
  /** Null where it is not a rate that was measured. */
  readonly opsPerS: number | null
  /** Of single operations, where they were timed. */
  readonly p50Us: number | null
  readonly p99Us: number | null
  /** The other side; null where there is none. */
  readonly against: string | null
  /** To the other side: of rates, or of median times where `p50Us` is there. */
  readonly ratio: number | null
  /** actors.md 13. */
  readonly bar: string
  readonly verdict: 'pass' | 'fail' | 'reported'
  /** Of memory, one actor. */
  readonly bytesEach?: number
  /** CPU time of one operation, where whole processes are compared. */
  readonly cpuUsEach?: number
  readonly note?: string
}

export interface Timed {
  readonly opsPerS: number
  readonly p50Us: number
  readonly p99Us: number
}

/** A rate that is only told. */
export function row(name: string, opsPerS: number | null): Row {
  return { name, opsPerS, p50Us: null, p99Us: null, against: null, ratio: null, bar: '-', verdict: 'reported' }
}

/** From single operations' times, ms. */
export function timed(timesMs: readonly number[]): Timed {
  const totalMs = timesMs.reduce((sum, ms) => sum + ms, 0)
  return {
    opsPerS: (timesMs.length / totalMs) * 1_000,
    p50Us: quantile(timesMs, 0.5) * 1_000,
    p99Us: quantile(timesMs, 0.99) * 1_000
  }
}

export function rowsTable(rows: readonly Row[]): string {
  const cells = rows.map(({ name, opsPerS, p50Us, p99Us, against, ratio, bar, verdict }): readonly Cell[] => [
    name,
    opsPerS,
    p50Us,
    p99Us,
    against ?? '-',
    ratio,
    bar,
    verdict
  ])
  return renderTable(['runtime', 'ops/s', 'p50 us', 'p99 us', 'against', 'ratio', 'bar', 'verdict'], cells)
}
