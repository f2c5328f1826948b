import { toHex } from '@brume/codec'
import type { Committee, Final, Judge } from '@brume/consensus'
import type { Journal } from '@brume/ports'
import type { Manifest } from '@brume/protocols/quorum'
import { Delivery } from './blocks/delivery.ts'
import { Inspector } from './blocks/inspector.ts'
import { createJudge } from './blocks/judge.ts'
import type { Ledger } from './blocks/ledger.ts'
import { type RecallOptions, recall, refillBlocks } from './blocks/recall.ts'
import { Archive } from './checkpoints/archive.ts'
import { Intake } from './commands/intake.ts'
import { Sessions } from './commands/sessions.ts'
import { Execution, type ExecutionOptions } from './execution/execution.ts'
import type { Host } from './host.ts'
import type { Block, Program } from './ports.ts'
import { Draws } from './record/draws.ts'
import { Register, type RegisterOptions } from './record/register.ts'
import { recordsOf } from './votes/records.ts'

/** The parts of a group that outlive its epochs, once its past was read. */
export interface Parts {
  readonly register: Register
  readonly intake: Intake
  readonly delivery: Delivery
  readonly execution: Execution
  readonly judge: Judge
  /** Where the epoch at hand goes on. */
  readonly final: Final
  /** Who decided before, where that was learnt on the way. */
  readonly committees: readonly Committee[]
  /** Nothing was ever said in this group under this key, as far as disks can tell. */
  readonly isFirst: boolean
}

/** What the execution has from its group. */
export type Surroundings = Pick<
  ExecutionOptions,
  | 'seatOf'
  | 'epoch'
  | 'transfer'
  | 'onState'
  | 'onUnrestored'
  | 'onExecuted'
  | 'onCheckpoints'
  | 'onDropped'
  | 'onContradicted'
>

export interface LoadOptions {
  readonly host: Host
  readonly groupId: Uint8Array
  readonly manifest: Manifest
  readonly manifestBytes: Uint8Array
  readonly genesis: Final
  readonly ledger: Ledger
  readonly program: Program
  readonly surroundings: Surroundings
  /** The group cannot go on here. */
  readonly failed: (error: unknown) => void
  /** What the store has lost is fetched from others; until then the group does not go on. */
  readonly damaged: (reason: string) => void
  readonly signal: AbortSignal
}

/**
 * Reads the floor and the record, opens the program, which catches up beside the order, and puts the parts together.
 *
 * @throws whatever the store or the program says
 */
export async function load(options: LoadOptions): Promise<Parts> {
  const { host, groupId, manifest, genesis, ledger, program, failed } = options
  const group = toHex(groupId)
  await ledger.commands.load()
  const inspector = new Inspector(groupId, manifest, program)
  const draws = new Draws(groupId, host.identity)
  const archive = new Archive(host.store, groupId)
  const { damaged, signal } = options
  const past: RecallOptions = {
    ...{ host, group, groupId, manifest, genesis, ledger, archive, damaged, signal },
    register: (stored) => registerOf({ groupId, manifest, inspector, draws }, stored)
  }
  const onStoreFailure = failed
  const execution: Execution = new Execution({
    ...{ program, groupId, onStoreFailure, onBroken: failed },
    ...options.surroundings,
    path: `sys/quorum/${group}/execution`,
    kernel: host.kernel,
    clock: host.clock,
    archive,
    checkpointBlocks: manifest.pace.checkpointBlocks,
    record: () => register.encode(),
    blocks: (from): AsyncIterable<Block> => delivery.from(from),
    refill: async (height) => {
      await delivery.written()
      await refillBlocks(past, (await ledger.floor()) ?? genesis)
      return (await ledger.blockAt(height)) !== undefined
    },
    prunedTo: () => ledger.prunedTo()
  })
  // The record is replayed, where it must be, by what the program says of commands.
  await execution.open(options.manifestBytes)
  const { register, final, skip } = await recall(past)
  const isFirst = final === genesis && isUnknown(host.journal, groupId)
  const { clock } = host
  const delivery: Delivery = new Delivery({
    ...{ ledger, clock, execution, inspector, groupId, manifest, register, onStoreFailure }
  })
  execution.begin(final.height)
  if (skip !== null) execution.leap(skip.checkpoint)
  const intake = new Intake({ groupId, pace: manifest.pace, inspector, register, draws })
  const judge = createJudge({ manifest, program, inspector, register, draws })
  return { register, intake, delivery, execution, judge, final, isFirst, committees: skip?.committees ?? [] }
}

function registerOf(
  parts: Omit<RegisterOptions, 'sessions' | 'stored'>,
  past: Parameters<RecallOptions['register']>[0]
): Register {
  const membership = past?.membership ?? null
  const sessions = new Sessions(past?.sessions)
  if (past === null || membership === null) return new Register({ ...parts, sessions, stored: null })
  const { height, timeMs, digest } = past.final
  return new Register({ ...parts, sessions, stored: { membership, height, timeMs, digest } })
}

/** A sound journal that has no record of a group has said nothing in it. */
function isUnknown(journal: Journal | null, groupId: Uint8Array): boolean {
  if (journal === null) return true
  const isSound = journal.verdict === 'clean' && journal.cutAt === 0
  return isSound && recordsOf(journal, groupId)[Symbol.iterator]().next().done === true
}
