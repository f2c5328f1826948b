import { median } from './statistics.ts'

/** The part of a V8 CPU profile that is read here (Chrome DevTools Protocol, `Profiler.Profile`). */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  }[]
  /** Node ids, one a sample. */
  readonly samples?: readonly number[]
  /** Microseconds between samples. */
  readonly timeDeltas?: readonly number[]
}

export interface SelfTime {
  readonly name: string
  /** `folder/file.ts:line`, or empty for V8's own. */
  readonly where: string
  readonly selfMs: number
  /** Of the time the process was not idle. */
  readonly share: number
}

const IDLE = '(idle)'
/** Starting and ending the profile itself. */
const INSPECTOR = 'node:inspector'

/**
 * Time spent in each function itself, callees not counted, most first. Every sample counts the same, the median
 * distance of samples: a process that had to wait for a core is late to its sample, and that wait is no work.
 */
export function selfTimes({ nodes, samples = [], timeDeltas = [] }: CpuProfile): readonly SelfTime[] {
  const byId = new Map(nodes.map((node) => [node.id, node.callFrame]))
  const sampleMs = timeDeltas.length === 0 ? 0 : median(timeDeltas) / 1_000
  const sums = new Map<string, { name: string; where: string; selfMs: number }>()
  for (const id of samples) {
    const frame = byId.get(id)
    if (frame === undefined || frame.functionName === IDLE || frame.url === INSPECTOR) continue
    const name = frame.functionName || '(anonymous)'
    const where = placeOf(frame.url, frame.lineNumber)
    const sum = sums.get(`${name} ${where}`) ?? { name, where, selfMs: 0 }
    sum.selfMs += sampleMs
    sums.set(`${name} ${where}`, sum)
  }
  const busyMs = [...sums.values()].reduce((total, { selfMs }) => total + selfMs, 0)
  return [...sums.values()].map((sum) => ({ ...sum, share: sum.selfMs / busyMs })).sort((a, b) => b.selfMs - a.selfMs)
}

/** The last folders say which package it is; the rest is this machine's business. */
function placeOf(url: string, line: number): string {
  const path = url.replace(/^.*\/node_modules\//, '').replace(/^file:\/\//, '')
  return url === '' ? '' : `${path.split('/').slice(-4).join('/')}:${line + 1}`
}
