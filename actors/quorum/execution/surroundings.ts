import type { Kept } from '../checkpoints/archive.ts'
import type { Supply } from '../commands/supply.ts'
import type { Core } from '../core.ts'
import type { Proceedings } from '../evidence/proceedings.ts'
import type { Surroundings } from '../load.ts'
import type { Execution } from './execution.ts'
import { EXECUTION_STATES, type ExecutionState } from './machine.ts'

/** What the execution of a group has from it, and what the group makes of what it hears from there. */
export function surroundingsOf(core: Core, supply: Supply, proceedings: Proceedings): Surroundings {
  const { net, log } = core.host
  return {
    seatOf: (epoch) => core.epochs?.find(epoch)?.seat ?? null,
    epoch: () => core.current.epoch,
    transfer: {
      net,
      groupId: core.groupId,
      servers: () => core.current.connected(),
      committeeOf: (epoch) => core.epochs?.committeeOf(epoch) ?? null,
      blame: (peer, what) => {
        core.dropped('bad hash')
        log.warn({ group: core.id, peer, what }, 'a member sent what no honest one has')
      }
    },
    onState: (state, reason) => became(core, state, reason),
    onUnrestored: (error) => log.info({ group: core.id, error }, 'no state to restore from yet'),
    onExecuted: () => executed(core, supply),
    onCheckpoints: (kept) => checkpointed(core, kept),
    onDropped: (cause) => core.dropped(cause),
    onContradicted: (committee, a, b) => proceedings.conflictingStates(committee, a, b)
  }
}

function became(core: Core, state: ExecutionState, reason: string | null): void {
  const { host, label, id } = core
  for (const each of EXECUTION_STATES) host.meters.execution.set({ ...label, state: each }, each === state ? 1 : 0)
  if (state !== 'running') host.log.error({ group: id, state, reason }, 'what is replicated is halted on this peer')
  core.emit({ type: 'execution', state, reason })
}

/** The program wants a block at another time now, and a leader that waited for it may go on. */
function executed(core: Core, supply: Supply): void {
  const { host, label, current } = core
  const { execution } = core.loaded
  host.meters.executionLag.set(label, execution.lag)
  host.meters.checkpointLag.set(label, checkpointLag(core, execution))
  current.due(execution.dueMs)
  supply.executed()
  current.engine.run()
}

/** Those that closing blocks add are not counted: one that is missing is superseded by the next. */
function checkpointLag({ manifest }: Core, { checkpoints, height }: Execution): number {
  const certified = checkpoints.at(-1)?.certificate.height ?? 0
  return Math.max(0, Math.floor((height - certified) / manifest.pace.checkpointBlocks))
}

/** Whoever needs what lies below the older checkpoint takes that instead. */
function checkpointed(core: Core, kept: readonly Kept[]): void {
  const [older] = kept
  if (kept.length < 2 || older === undefined) return
  const { delivery, execution } = core.loaded
  const { height } = older.certificate
  const to = execution.state === 'running' ? Math.min(height, execution.height) : height
  const pruned = delivery.written().then(() => core.ledger.prune(to))
  pruned.catch((error: unknown) => core.failed(error))
}
