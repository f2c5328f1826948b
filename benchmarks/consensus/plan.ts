import type { Percentiles } from '../harness/statistics.ts'

/**
 * How votes travel: streams; `plain`, streams without the shortcuts that votes take there; gossip as gossipsub relays by itself, gossip to all directly and relayed by nobody. Blocks go by streams.
 */
export const BINDINGS = ['streams', 'plain', 'gossip', 'gossip-direct'] as const
export type Binding = (typeof BINDINGS)[number]

/** One of the groups that the same members form side by side. */
export interface Variant {
  /** `streams`, `streams-journal`, `streams-attest`, ... */
  readonly name: string
  readonly binding: Binding
  readonly journal: boolean
  /** The program says something of every block, and every member waits until enough have said the same. */
  readonly attests: boolean
  /** What is replicated has a state, of which checkpoints are taken; else nothing. */
  readonly state?: StateShape
}

/** The leaves of a state, how many of them a command rewrites, and how often all of them are kept. */
export interface StateShape {
  readonly leaves: number
  /** Of one leaf, path and all; at most 4 KiB. */
  readonly leafBytes: number
  readonly leavesPerCommand: number
  readonly checkpointBlocks: number
}

/** More members than this have no group that attests: a second set of streams between all is what they can least afford. */
const ATTESTING_MAX = 16

/** Attestations are measured in a group of their own, without a journal: they cost signatures that the order does not. */
export function variantsOf(n: number, bindings: readonly Binding[], journals: readonly boolean[]): readonly Variant[] {
  const ordering = bindings.flatMap((binding) =>
    journals.map((journal) => ({ name: journal ? `${binding}-journal` : binding, binding, journal, attests: false }))
  )
  if (!bindings.includes('streams') || n > ATTESTING_MAX) return ordering
  return [...ordering, { name: 'streams-attest', binding: 'streams', journal: false, attests: true }]
}

/** Bytes of a command, signature and all (quorum.md 16.2). */
export const COMMAND_BYTES = 256

/** A stretch of time in which the members do one thing, all of them from `startMs` of the machine's monotonic clock. */
export type Slice = BareSlice | OpenSlice | ClosedSlice | RecoverySlice

interface Timed {
  readonly startMs: number
  readonly durationMs: number
}

/** The bare exchange, so many a second, the leader going round. */
export interface BareSlice extends Timed {
  readonly kind: 'bare'
  readonly ratePerS: number
}

/** Commands at a constant rate, the member that submits going round. */
export interface OpenSlice extends Timed {
  readonly kind: 'open'
  readonly variant: string
  readonly ratePerS: number
  /** Where the first member writes its CPU profile of the slice. */
  readonly profilePath?: string
}

/** The members together keep `waiting` commands waiting, the first of them those that are left over. */
export interface ClosedSlice extends Timed {
  readonly kind: 'closed'
  readonly variant: string
  readonly waiting: number
  /** Where the first member writes its CPU profile of the slice. */
  readonly profilePath?: string
}

/** One member is killed, another submits a command at `startMs`; up to `durationMs` all others wait for it. */
export interface RecoverySlice extends Timed {
  readonly kind: 'recovery'
  readonly variant: string
  /** By index. */
  readonly killed: number
  readonly submitter: number
}

/** Something happened at a time: a block by its digest, an exchange by its number, a command by its id. */
export type Stamp = readonly [key: string, ms: number]

/** When a member proposed or began, and when it knew the outcome. */
export interface Stamps {
  readonly started: readonly Stamp[]
  readonly notarized: readonly Stamp[]
  readonly final: readonly Stamp[]
}

export interface BareReport extends Stamps {
  readonly kind: 'bare'
  /** One-way times of lone unsigned frames that arrived here, ms. */
  readonly loneMs: readonly number[]
  readonly loopDelayMs: number
}

/** What one member saw of one slice. Sums are of the slice's own time, not of what drained after it. */
export interface QuorumReport extends Stamps {
  readonly kind: 'quorum'
  /** Submitted here; in open slices. */
  readonly submitted: readonly Stamp[]
  /** Commands of each final block by digest; in open slices. */
  readonly contents: readonly (readonly [digest: string, ids: readonly string[]])[]
  /** Blocks whose statement had a certificate here. */
  readonly attested: readonly Stamp[]
  readonly windowMs: number
  readonly views: number
  /** Final here. */
  readonly commands: number
  readonly refused: number
  readonly nullified: number
  /** All its commands were final and the group dormant before the drain's deadline. */
  readonly rested: boolean
  readonly cpuMs: number
  readonly bytes: number
  readonly frames: number
  readonly verifies: number
  readonly loop: LoopFigures
  /** Appends and syncs of 512 bytes beside the votes' journal. */
  readonly syncMs: readonly number[]
  /** Write and sync of the votes' journal. */
  readonly voteSyncMs: readonly number[]
}

/** How late the event loop came to a timer of 10 ms, in milliseconds. */
export interface LoopFigures extends Percentiles {
  readonly max: number
}

/** Null where it did not come to that in time. */
export interface RecoveryReport {
  readonly kind: 'recovery'
  /** When the command was final here, and when the stream to the killed member was known to be down. */
  readonly finalMs: number | null
  readonly downMs: number | null
}

/** Whom a dormant group waits for next, and its Delta. */
export interface Stand {
  /** Index of the member. */
  readonly leader: number
  readonly deltaMs: number
  /** Since the group's start; zeros where nothing is replicated. */
  readonly saved: Saved
}

/** Checkpoints that are on disk here, and how long one was on its way: from its block until then. */
export interface Saved {
  readonly checkpoints: number
  readonly savingMs: number
}

export type SliceReport = BareReport | QuorumReport | RecoveryReport
