import type { Committee, Final, Judge } from '@brume/consensus'
import type { Journal } from '@brume/ports'
import type { Manifest } from '@brume/protocols/quorum'
import { Delivery } from './blocks/delivery.ts'
import { createJudge, Inspector } from './blocks/judge.ts'
import type { Ledger } from './blocks/ledger.ts'
import { Intake } from './commands/intake.ts'
import { Sessions } from './commands/sessions.ts'
import { Execution } from './execution/execution.ts'
import type { Host } from './host.ts'
import type { Program } from './ports.ts'
import { recordsOf } from './votes/records.ts'
import { type Remembered, remember } from './votes/remember.ts'

/** The parts of a group that outlive its epochs, once its past was read. */
export interface Parts {
  readonly intake: Intake
  readonly delivery: Delivery
  readonly execution: Execution
  readonly judge: Judge
  /** Where the epoch at hand goes on. */
  readonly final: Final
  readonly remembered: Remembered
  /** Nothing was ever said in this group under this key, as far as disks can tell. */
  readonly isFirst: boolean
}

export interface LoadOptions {
  readonly host: Host
  readonly manifest: Manifest
  readonly manifestBytes: Uint8Array
  readonly committee: Committee
  readonly genesis: Final
  readonly ledger: Ledger
  readonly program: Program
  readonly failed: (what: 'store' | 'program', error: unknown) => void
}

/**
 * Reads the floor, the sessions and what the journal remembers, opens the program and brings it up to the
 * floor, and puts the parts together.
 *
 * @throws whatever the store or the program says
 */
export async function load(options: LoadOptions): Promise<Parts> {
  const { host, manifest, committee, genesis, ledger, program, failed } = options
  const final = (await ledger.floor()) ?? genesis
  const sessions = new Sessions(await ledger.sessions())
  const inspector = new Inspector(program)
  const remembered = remember(host.journal, committee.groupId, committee.epoch, final.view)
  const isFirst = final === genesis && isUnknown(host.journal, committee.groupId)
  const execution = new Execution({ program, onFailure: (error) => failed('program', error) })
  const delivery = new Delivery({
    ledger,
    execution,
    inspector,
    manifest,
    committee,
    sessions,
    onStoreFailure: (error) => failed('store', error)
  })
  const opened = await execution.open({ groupId: committee.groupId, manifest: options.manifestBytes })
  await delivery.replay(opened)
  const intake = new Intake(committee.groupId, committee.epoch, manifest, inspector, sessions)
  return { intake, delivery, execution, judge: createJudge(manifest, program, inspector), final, remembered, isFirst }
}

/** A sound journal that has no record of a group has said nothing in it. */
function isUnknown(journal: Journal | null, groupId: Uint8Array): boolean {
  if (journal === null) return true
  const isSound = journal.verdict === 'clean' && journal.cutAt === 0
  return isSound && recordsOf(journal, groupId)[Symbol.iterator]().next().done === true
}
