import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { platform } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { calibrate, drift } from '../harness/calibration.ts'
import { monotonicMs } from '../harness/clock.ts'
import { BenchError } from '../harness/errors.ts'
import { onInterrupt } from '../harness/interrupt.ts'
import { describeCommit, describeMachine } from '../harness/machine.ts'
import type { Kind } from './kinds.ts'
import { type IdleAnswer, type IdlePeer, PEERS, startSet } from './peers.ts'
import { type Usage, usageOf } from './proc.ts'
import { groupRatio, type IdleFile, type IdlePeerResult, idleTable, misses } from './result.ts'

export interface IdleOptions {
  readonly forMs: number
  readonly kinds: readonly Kind[]
  readonly out: string
  /** Default `idle.json` in `out`. */
  readonly json: string | undefined
  readonly say: (line: string) => void
  readonly progress: (line: string) => void
}

const MEET_DEADLINE_MS = 120_000
/** Membership's first exchanges and V8's last compiling are no idleness. */
const SETTLE_MS = 30_000
/** Of short runs, which only show that it works. */
const SETTLE_MS_MIN = 3_000
const SAMPLE_MS = 1_000
const POLL_MS = 500

/**
 * Sets of four connected peers, all at the same time: as `brume up` runs them, and by our own main without and
 * with a group that has nothing to do.
 */
export async function benchIdle(options: IdleOptions): Promise<IdleFile> {
  if (platform() !== 'linux') throw new BenchError('BRUME_BENCH_USAGE', 'this reads /proc: run it on Linux')
  const out = resolve(options.out)
  await mkdir(out, { recursive: true })
  const machine = describeMachine()
  const start = calibrate()
  const results = await measure(options, out)
  const end = calibrate()
  const reasons = misses(results, options.forMs)
  const file: IdleFile = {
    machine,
    commit: describeCommit(),
    at: new Date().toISOString(),
    forMs: options.forMs,
    calibration: { start, end, drift: drift(start, end) },
    verdict: reasons.length === 0 ? 'pass' : 'fail',
    reasons,
    groupRatio: groupRatio(results),
    results
  }
  const path = resolve(options.json ?? join(out, 'idle.json'))
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, `${JSON.stringify(file, null, 2)}\n`)
  options.say(`${idleTable(results)}\n`)
  if (file.groupRatio !== null) options.say(`CPU with a dormant group / without: ${file.groupRatio.toFixed(2)}`)
  options.say(`written: ${path}\nverdict: ${[file.verdict, ...reasons].join('; ')}`)
  return file
}

async function measure({ forMs, kinds, progress }: IdleOptions, out: string): Promise<readonly IdlePeerResult[]> {
  const folder = await mkdtemp(join(out, 'idle-'))
  const peers: IdlePeer[] = []
  const end = (): Promise<unknown> => Promise.all(peers.map((peer) => peer.end()))
  const forgetInterrupt = onInterrupt(end)
  try {
    for (const kind of kinds) {
      progress(`starting ${PEERS} peers: ${kind}`)
      const set = startSet(kind, folder, out)
      peers.push(...set)
      await allIdle(set)
    }
    await sleep(Math.max(SETTLE_MS_MIN, Math.min(SETTLE_MS, forMs / 2)))
    progress(`idle for ${forMs / 1_000} s`)
    return await watch(peers, forMs)
  } finally {
    await end()
    forgetInterrupt()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Resolves when each is connected to all others, and its group, if it has one, votes and rests. */
async function allIdle(peers: readonly IdlePeer[]): Promise<void> {
  const endMs = monotonicMs() + MEET_DEADLINE_MS
  for (;;) {
    const answers = await Promise.all(peers.map((peer) => peer.pid > 0 && peer.ask()))
    if (answers.every((answer, i) => answer && isIdle(answer, peers[i]?.kind === 'group'))) return
    if (monotonicMs() > endMs) throw new BenchError('BRUME_BENCH_DEADLINE', `${PEERS} peers did not meet in time`)
    await sleep(POLL_MS)
  }
}

function isIdle({ connected, groups }: IdleAnswer, hasGroup: boolean): boolean {
  const rests = groups.every(({ state, dormant }) => state === 'voting' && dormant)
  return connected === PEERS - 1 && rests && groups.length === (hasGroup ? 1 : 0)
}

interface Look extends Usage {
  readonly atMs: number
  readonly answer: IdleAnswer
}

async function watch(peers: readonly IdlePeer[], forMs: number): Promise<readonly IdlePeerResult[]> {
  const before = await Promise.all(peers.map(look))
  const rssMaxKib = before.map(({ rssKib }) => rssKib)
  const endMs = monotonicMs() + forMs
  while (monotonicMs() < endMs) {
    await sleep(Math.min(SAMPLE_MS, Math.max(0, endMs - monotonicMs())))
    for (const [i, peer] of peers.entries()) rssMaxKib[i] = Math.max(rssMaxKib[i] ?? 0, usageOf(peer.pid).rssKib)
  }
  const after = await Promise.all(peers.map(look))
  return peers.flatMap(({ kind }, i) => {
    const [first, last] = [before[i], after[i]]
    return first && last ? [compare(kind, first, last, rssMaxKib[i] ?? 0)] : []
  })
}

/** The process is looked at before it is asked: its answer is not idleness. */
async function look(peer: IdlePeer): Promise<Look> {
  return { atMs: monotonicMs(), ...usageOf(peer.pid), answer: await peer.ask() }
}

function compare(kind: IdlePeer['kind'], first: Look, last: Look, rssMaxKib: number): IdlePeerResult {
  const height = ({ answer }: Look): number => answer.groups.reduce((sum, group) => sum + group.height, 0)
  return {
    kind,
    rssMaxMib: rssMaxKib / 1_024,
    cpuPercent: ((last.cpuMs - first.cpuMs) / (last.atMs - first.atMs)) * 100,
    connections: last.answer.connected,
    quorumFrames: last.answer.quorumFrames - first.answer.quorumFrames,
    blocks: height(last) - height(first)
  }
}
