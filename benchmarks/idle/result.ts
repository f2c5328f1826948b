import type { Calibration } from '../harness/calibration.ts'
import type { Machine } from '../harness/machine.ts'
import { renderTable } from '../harness/table.ts'
import type { Kind } from './kinds.ts'

/** One idle peer over the whole time. */
export interface IdlePeerResult {
  readonly kind: Kind
  readonly rssMaxMib: number
  /** Of one core. */
  readonly cpuPercent: number
  readonly connections: number
  readonly quorumFrames: number
  /** Blocks the group made meanwhile. */
  readonly blocks: number
}

export interface IdleFile {
  readonly machine: Machine
  readonly commit: string
  readonly at: string
  readonly forMs: number
  readonly calibration: { readonly start: Calibration; readonly end: Calibration; readonly drift: number }
  readonly verdict: 'pass' | 'fail' | 'inconclusive'
  readonly reasons: readonly string[]
  /** CPU of the peers with a dormant group over that of the same peers without; null unless both were measured. */
  readonly groupRatio: number | null
  readonly results: readonly IdlePeerResult[]
}

/** MB as `ps` and `top` count them: 1,048,576 bytes. */
const RSS_MAX_MIB = 110
const CPU_PERCENT_MAX = 0.5
const GROUP_RATIO_MAX = 1.05
/** The kernel counts CPU in 10 ms: shorter runs cannot tell 5 % of 0.3 % of a core. */
const RATIO_FOR_MS_MIN = 600_000

export function groupRatio(results: readonly IdlePeerResult[]): number | null {
  const sum = (kind: Kind): number =>
    results.filter((result) => result.kind === kind).reduce((total, { cpuPercent }) => total + cpuPercent, 0)
  const [group, plain] = [sum('group'), sum('plain')]
  return group > 0 && plain > 0 ? group / plain : null
}

/** What misses a bar; empty is a pass. */
export function misses(results: readonly IdlePeerResult[], forMs: number): readonly string[] {
  const worst = (of: (result: IdlePeerResult) => number): number => Math.max(...results.map(of))
  const found: string[] = []
  const rss = worst(({ rssMaxMib }) => rssMaxMib)
  if (rss >= RSS_MAX_MIB) found.push(`RSS ${rss.toFixed(1)} MB, not under ${RSS_MAX_MIB}`)
  const cpu = worst(({ cpuPercent }) => cpuPercent)
  if (cpu >= CPU_PERCENT_MAX) found.push(`CPU ${cpu.toFixed(2)} %, not under ${CPU_PERCENT_MAX}`)
  const frames = worst(({ quorumFrames }) => quorumFrames)
  if (frames > 0) found.push(`${frames} quorum frames at one peer while nothing was to be done`)
  const blocks = worst((result) => result.blocks)
  if (blocks > 0) found.push(`${blocks} blocks were made of nothing`)
  const ratio = groupRatio(results)
  if (forMs >= RATIO_FOR_MS_MIN && ratio !== null && ratio > GROUP_RATIO_MAX)
    found.push(`a dormant group costs ${ratio.toFixed(2)} times the CPU of none`)
  return found
}

export function idleTable(results: readonly IdlePeerResult[]): string {
  return renderTable(
    ['peer', 'connections', 'RSS max MB', 'CPU % of a core', 'quorum frames', 'blocks'],
    results.map((one) => [
      one.kind,
      String(one.connections),
      one.rssMaxMib,
      one.cpuPercent.toFixed(3),
      String(one.quorumFrames),
      String(one.blocks)
    ])
  )
}
