import type { Group } from '@brume/actors/quorum'
import type { Identity } from '@brume/crypto'
import type { Registry } from '@brume/observe'
import { holds, monotonicMs, sleepUntil } from '../harness/clock.ts'
import { type LoopDelay, total } from './gauges.ts'
import { decisionMsOf } from './pace.ts'
import type { ClosedSlice, OpenSlice, QuorumReport, RecoveryReport, RecoverySlice, Variant } from './plan.ts'
import { profiled } from './profiler.ts'
import type { Recorder } from './recorder.ts'
import type { SyncProbe } from './sync-probe.ts'
import { Workload } from './workload.ts'

/** Commands left over, and the flush of the last empty block: a multiple of Delta. */
const DRAIN_DEADLINE_MS = 20_000
const DRAIN_DECISIONS = 10
/** Of each member: those of one process look by turns, so that the last decisions are not kept from it. */
const DRAIN_POLL_MS = 10
/** After a final block: votes are done with everywhere, and the next command is not yet due. */
const PROBE_AFTER_MS = 30

/** How exactly it is known when a stream was down: nobody tells. */
const RECOVERY_POLL_MS = 1

interface LaneOptions {
  readonly variant: Variant
  readonly group: Group
  /** Hears of the group from here on. */
  readonly recorder: Recorder
  readonly registry: Registry
  readonly netRegistry: Registry
  readonly identity: Identity
  readonly index: number
  readonly members: number
  readonly housemates: number
  readonly loopDelay: LoopDelay
  readonly probe: SyncProbe
  readonly voteSyncMs: number[]
}

/** Sums that only grow; a slice is the difference of two. */
interface Sums {
  readonly ms: number
  readonly views: number
  readonly cpuMs: number
  readonly bytes: number
  readonly frames: number
  readonly verifies: number
}

/** One variant's group on one member, and the slices it runs. */
export class Lane {
  readonly #options: LaneOptions
  readonly #workload: Workload
  readonly #recorder: Recorder
  #probing = false

  constructor(options: LaneOptions) {
    this.#options = options
    this.#workload = new Workload(options.group, options.identity)
    this.#recorder = options.recorder
    this.#recorder.watch(options.group, () => this.#probe())
  }

  /** Resolves when the slice is over and the group is dormant again, or should long be. */
  async run(slice: OpenSlice | ClosedSlice): Promise<QuorumReport> {
    const { probe, voteSyncMs, loopDelay } = this.#options
    voteSyncMs.length = 0
    probe.take()
    this.#workload.begin()
    this.#recorder.begin(slice.kind === 'open')
    this.#probing = slice.kind === 'open' && this.#options.variant.journal
    await sleepUntil(slice.startMs)
    loopDelay.reset()
    const before = await this.#sums()
    await this.#work(slice)
    const { commands, nullified } = this.#recorder.counts
    const loop = loopDelay.figures()
    const after = await this.#sums()
    const rested = await this.#drain()
    return {
      kind: 'quorum',
      ...this.#recorder.take(),
      ...difference(before, after),
      submitted: slice.kind === 'open' ? [...this.#workload.submitted] : [],
      commands,
      nullified,
      rested,
      refused: this.#workload.refused,
      loop,
      syncMs: probe.take(),
      voteSyncMs: [...voteSyncMs]
    }
  }

  /** @param peer - of the member that is killed */
  async recover({ startMs, durationMs, submitter }: RecoverySlice, peer: string): Promise<RecoveryReport> {
    const { group, index } = this.#options
    this.#recorder.begin(true)
    let downMs: number | null = null
    const isOver = () => {
      const isUp = group.status().members.some((member) => member.peer === peer && member.connected)
      if (!isUp) downMs ??= monotonicMs()
      return downMs !== null && this.#recorder.counts.commands > 0
    }
    const watched = holds(startMs + durationMs - monotonicMs(), isOver, RECOVERY_POLL_MS)
    await sleepUntil(startMs)
    if (index === submitter) this.#workload.one()
    await watched
    const { contents, final } = this.#recorder.take()
    const withCommand = contents.find(([, ids]) => ids.length > 0)?.[0]
    const finalMs = final.find(([digest]) => digest === withCommand)?.[1] ?? null
    return { kind: 'recovery', finalMs, downMs }
  }

  async #work(slice: OpenSlice | ClosedSlice): Promise<void> {
    const { index, members } = this.#options
    const work = (): Promise<void> =>
      slice.kind === 'open' ? this.#workload.open(slice, index, members) : this.#workload.closed(slice, index, members)
    return slice.profilePath === undefined ? work() : profiled(slice.profilePath, work)
  }

  async #drain(): Promise<boolean> {
    const { group, members, housemates } = this.#options
    const decisionMs = decisionMsOf(members, Math.ceil(members / housemates))
    const isQuiet = (): boolean => this.#workload.waiting === 0 && group.status().dormant
    const deadlineMs = Math.max(DRAIN_DEADLINE_MS, DRAIN_DECISIONS * decisionMs)
    const rested = await holds(deadlineMs, isQuiet, DRAIN_POLL_MS * housemates)
    this.#probing = false
    return rested
  }

  #probe(): void {
    if (this.#probing) setTimeout(() => this.#options.probe.measure(), PROBE_AFTER_MS)
  }

  async #sums(): Promise<Sums> {
    const { group, registry, netRegistry, variant, housemates } = this.#options
    const { user, system } = process.cpuUsage()
    const isGossiped = variant.binding.startsWith('gossip')
    const out = { dir: 'out' }
    const gossiped = (name: string) => (isGossiped ? total(netRegistry, name) : 0)
    return {
      ms: monotonicMs(),
      views: group.status().view,
      cpuMs: (user + system) / 1_000 / housemates,
      bytes:
        (await total(registry, 'brume_quorum_bytes_total', out)) + (await gossiped('gossipsub_rpc_sent_bytes_total')),
      frames:
        (await total(registry, 'brume_quorum_frames_total', out)) +
        (await gossiped('gossipsub_rpc_sent_message_total')),
      verifies: await total(registry, 'brume_quorum_verify_total')
    }
  }
}

function difference(before: Sums, after: Sums) {
  return {
    windowMs: after.ms - before.ms,
    views: after.views - before.views,
    cpuMs: after.cpuMs - before.cpuMs,
    bytes: after.bytes - before.bytes,
    frames: after.frames - before.frames,
    verifies: after.verifies - before.verifies
  }
}
