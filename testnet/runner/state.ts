import { quantile } from './latencies.ts'
import type { MemberSample, PeerSample } from './messages.ts'
import type { Workload } from './workload.ts'

/** `killed` and `stopped`: by request. `failed`: it ended by itself. `paused`: SIGSTOP. */
export type PeerState = 'waiting' | 'starting' | 'running' | 'paused' | 'killed' | 'stopped' | 'failed'

/** One peer, as the runner knows it. Times in milliseconds since the run began. */
export interface PeerRow {
  readonly name: string
  readonly peerId: string
  readonly pid: number | undefined
  readonly state: PeerState
  readonly addresses: readonly string[]
  readonly members: readonly MemberSample[]
  readonly sample: PeerSample | undefined
  readonly weight: number | undefined
  /** Median of the newest latencies from proposal to notarization and to finality; undefined before the first. */
  readonly notarizedP50Ms: number | undefined
  readonly finalP50Ms: number | undefined
}

/** `detail` holds what the kind of event says of itself: a peer, a height, a reason. */
export interface TestnetEvent {
  readonly atMs: number
  readonly event: string
  readonly peer?: string
  readonly detail?: Readonly<Record<string, string | number>>
}

/** The whole run at one moment: what the view draws and `status --json` prints. */
export interface TestnetState {
  readonly runId: string
  readonly discovery: 'mdns' | 'list'
  readonly group: string | undefined
  readonly elapsedMs: number
  /** When every running peer had all others as live, connected members; undefined until then. */
  readonly meshedMs: number | undefined
  /** The lowest and the highest final height among running peers. */
  readonly heightMin: number
  readonly heightMax: number
  readonly notarizedP50Ms: number | undefined
  readonly finalP50Ms: number | undefined
  readonly submitted: number
  readonly refused: number
  readonly ratePerS: number
  readonly peers: readonly PeerRow[]
  readonly events: readonly TestnetEvent[]
}

export interface StateParts
  extends Pick<TestnetState, 'runId' | 'discovery' | 'elapsedMs' | 'meshedMs' | 'peers' | 'events'> {
  readonly program: string | undefined
  readonly workload: Pick<Workload, 'submitted' | 'refused' | 'ratePerS'>
}

/** The whole out of what is known of each peer. */
export function assembleState({ program, workload, ...known }: StateParts): TestnetState {
  const { peers } = known
  const running = peers.filter(({ state }) => state === 'running')
  const heights = running.flatMap(({ sample }) => sample?.group?.height ?? [])
  const median = (of: (peer: PeerRow) => number | undefined): number | undefined =>
    quantile(
      peers.flatMap((peer) => of(peer) ?? []),
      0.5
    )
  return {
    ...known,
    group: program,
    heightMin: heights.length === 0 ? 0 : Math.min(...heights),
    heightMax: Math.max(0, ...heights),
    notarizedP50Ms: median((peer) => peer.notarizedP50Ms),
    finalP50Ms: median((peer) => peer.finalP50Ms),
    submitted: workload.submitted,
    refused: workload.refused,
    ratePerS: workload.ratePerS
  }
}
