import type { Certificate, Committee, Final, Proposal, Rules, Vote } from '@brume/consensus'
import type { SimKey, SimRandom } from '@brume/testkit'
import type { LocalClock } from '../world/local-clock.ts'
import type { DiskSettings, JournalPoint } from '../world/sim-journal.ts'
import type { World } from '../world/world.ts'
import type { Frame } from './frame.ts'
import type { FinalBlock, Ledger } from './ledger.ts'

export type Life = 'down' | 'joining' | 'syncing' | 'voting' | 'muted' | 'halted'

/** Host functions a mutant replaces beside the reducer's rules; production has none of these switches. */
export interface HostRules {
  /** What the journal's votes are worth at a restart. */
  readonly restore: (votes: readonly Vote[]) => readonly Vote[]
  /** The floor a restart begins from. */
  readonly floor: (ledger: Ledger) => Final
  readonly sendsBeforeSync: boolean
  readonly timerBeforeInput: boolean
  readonly countsAttempts: boolean
  readonly checksSender: boolean
  readonly checksSignatures: boolean
  readonly resends: boolean
}

export const HOST_RULES: HostRules = {
  restore: (votes) => votes,
  floor: (ledger) => ledger.floor,
  sendsBeforeSync: false,
  timerBeforeInput: false,
  countsAttempts: true,
  checksSender: true,
  checksSignatures: true,
  resends: true
}

/** What a node tells about itself: the oracle and the fault driver listen, nothing answers. */
export interface Observer {
  appended(process: number, sequence: number, vote: Vote): void
  durable(process: number, sequence: number): void
  /** `unread`: frames that had arrived when a timer led to this. */
  cast(process: number, statement: Vote, unread: number): void
  kept(process: number, certificate: Certificate): void
  finalized(process: number, blocks: readonly FinalBlock[], final: Final): void
  notarized(process: number, proposal: Proposal): void
  conflict(process: number, a: Vote, b: Vote): void
  silenced(process: number, from: number): void
  entered(process: number, view: number, by: string): void
  built(process: number, proposal: Proposal): void
  /** What a journal still knows of own votes, before anything is made of it. */
  restored(process: number, votes: readonly Vote[]): void
  restarted(process: number, final: Final, life: Life): void
  halted(process: number): void
  point(process: number, point: JournalPoint | 'after-send'): void
}

export interface CoreOptions {
  readonly world: World
  readonly process: number
  readonly member: number
  readonly committee: Committee
  /** Member of each process. */
  readonly memberOf: readonly number[]
  readonly genesis: Final
  readonly key: SimKey
  readonly verify: (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean
  readonly clock: LocalClock
  readonly random: SimRandom
  readonly disk: DiskSettings
  readonly deltaMs: number
  readonly minViewMs: number
  /** Delta follows what links and disk show, as production's does. */
  readonly measuresDelta: boolean
  readonly maxCommands: number
  readonly rules: Partial<Rules>
  readonly host: HostRules
  readonly observer: Observer
  /** One-way delay to another process as a ping would show it, ms; undefined when it is not connected. */
  readonly delayMs: (to: number) => number | undefined
  readonly transmit: (from: number, to: number, frame: Frame) => void
}
