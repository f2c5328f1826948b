import type { Carriage } from '../links/network.ts'
import type { RunFolder } from '../runner/run-folder.ts'
import type { PeerRow } from '../runner/state.ts'
import type { Asked } from './history.ts'
import type { Manifest, Perturbation } from './manifest.ts'

/** One fault as it happened. Times in milliseconds since the run began. */
export interface Fault {
  readonly number: number
  readonly what: Perturbation
  readonly targets: readonly string[]
  readonly beganMs: number
  /** When its targets had suffered it: a clean end takes its time. */
  readonly appliedMs: number
  /** When it began to be undone: a start takes its time, too. */
  readonly undoingMs: number
  /** When it was undone. */
  readonly endedMs: number
  /** When the last of its targets was back: running, and at the height the others had when it ended. */
  readonly backMs: number | undefined
}

export interface Accusation {
  readonly by: string
  readonly member: string
  readonly view: number
}

/** A change of a peer's life in the group. */
export interface Change {
  readonly atMs: number
  readonly peer: string
  readonly state: string
  readonly reason: string
}

/** All that a run left for its checks to look at. */
export interface Outcome {
  readonly manifest: Manifest
  readonly folder: RunFolder
  /** Names of peers that were to keep to the rules all the time. */
  readonly honest: ReadonlySet<string>
  readonly history: readonly Asked[]
  readonly faults: readonly Fault[]
  readonly accusations: readonly Accusation[]
  readonly changes: readonly Change[]
  /** As they were when the load had ended and all was quiet. */
  readonly peers: readonly PeerRow[]
  /** Of this machine's clock, ms since 1970, when the run began. */
  readonly startedAtMs: number
  /** Names of processes that should have ended and did not. */
  readonly processesLeft: readonly string[]
  /** Connections that came in at peers, and those of them that went round the proxy; null without one. */
  readonly inbound: Carriage | null
  /** The machine was too busy for what took long to mean anything. */
  readonly overloaded: boolean
}
