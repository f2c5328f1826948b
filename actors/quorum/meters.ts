import { counter, gauge, histogram, type Registry } from '@brume/observe'

const SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10]

/** Metrics of all groups of a peer, `brume_quorum_*`, each with the label `group` (first 8 hex of its id). */
export function quorumMeters(registry: Registry) {
  const group = ['group'] as const
  return {
    height: gauge(registry, 'brume_quorum_height', 'Finalized height', group),
    execution: gauge(registry, 'brume_quorum_execution', 'State of execution, 1 where it is', ['group', 'state']),
    checkpointLag: gauge(registry, 'brume_quorum_checkpoint_lag', 'Checkpoints due and not certified', group),
    executionLag: gauge(registry, 'brume_quorum_execution_lag', 'Final blocks not executed', group),
    view: gauge(registry, 'brume_quorum_view', 'Current view', group),
    epoch: gauge(registry, 'brume_quorum_epoch', 'Epoch', group),
    members: gauge(registry, 'brume_quorum_members', 'Members of the epoch', group),
    delta: gauge(registry, 'brume_quorum_delta_ms', 'Delta, ms', group),
    pool: gauge(registry, 'brume_quorum_pool_commands', 'Commands waiting', group),
    notarize: histogram(registry, 'brume_quorum_notarize_seconds', 'Own proposal to its notarization', SECONDS, group),
    final: histogram(registry, 'brume_quorum_final_seconds', 'Own proposal to its finality', SECONDS, group),
    views: counter(registry, 'brume_quorum_views_total', 'Views left, by what ended them', ['group', 'end']),
    verify: counter(registry, 'brume_quorum_verify_total', 'Signatures checked', ['group', 'ok']),
    frames: counter(registry, 'brume_quorum_frames_total', 'Frames', ['group', 'type', 'dir']),
    bytes: counter(registry, 'brume_quorum_bytes_total', 'Bytes of frames', ['group', 'dir']),
    dropped: counter(registry, 'brume_quorum_dropped_total', 'Input refused', ['group', 'cause']),
    commands: counter(registry, 'brume_quorum_commands_total', 'Commands, by what became of them', ['group', 'result']),
    evidence: counter(registry, 'brume_quorum_evidence_total', 'Proven equivocations', ['group']),
    formations: counter(
      registry,
      'brume_quorum_formation_failed_total',
      'Committees that could not be formed, by why: the one before went on',
      ['group', 'reason']
    ),
    faults: counter(registry, 'brume_quorum_stream_faults_total', 'Frames that named no group or did not decode', [
      'cause'
    ])
  }
}

export type QuorumMeters = ReturnType<typeof quorumMeters>

/** The counter of one set of labels: finding it among all of a metric costs a microsecond. */
interface Bound {
  inc(by?: number): void
}

/** What one group counts for each frame and signature, bound to its labels once. */
export class Traffic {
  readonly #meters: QuorumMeters
  readonly #group: { readonly group: string }
  readonly #frames = { in: new Map<string, Bound>(), out: new Map<string, Bound>() }
  readonly #bytesOut: Bound
  readonly #verified: { readonly true: Bound; readonly false: Bound }

  constructor(meters: QuorumMeters, group: { readonly group: string }) {
    this.#meters = meters
    this.#group = group
    this.#bytesOut = meters.bytes.labels({ ...group, dir: 'out' })
    const verified = (ok: boolean) => meters.verify.labels({ ...group, ok: String(ok) })
    this.#verified = { true: verified(true), false: verified(false) }
  }

  sent(type: string, bytes: number): void {
    this.#frame('out', type).inc()
    this.#bytesOut.inc(bytes)
  }

  received(type: string): void {
    this.#frame('in', type).inc()
  }

  verified(ok: boolean): void {
    this.#verified[ok ? 'true' : 'false'].inc()
  }

  #frame(dir: 'in' | 'out', type: string): Bound {
    const known = this.#frames[dir].get(type)
    if (known !== undefined) return known
    const bound = this.#meters.frames.labels({ ...this.#group, type, dir })
    this.#frames[dir].set(type, bound)
    return bound
  }
}

const SAMPLES_MAX = 100

/** The median of the last hundred values. */
export class Samples {
  readonly #values: number[] = []

  add(value: number): void {
    this.#values.push(value)
    if (this.#values.length > SAMPLES_MAX) this.#values.shift()
  }

  median(): number | null {
    const sorted = [...this.#values].sort((a, b) => a - b)
    return sorted[Math.floor(sorted.length / 2)] ?? null
  }
}
