import type { Committee } from '@brume/consensus'
import type { Core } from './core.ts'
import type { GroupStatus } from './events.ts'

/** @param founders - the committee until the group has read its past */
export function statusOf(core: Core, founders: Committee): GroupStatus {
  const { parts, manifest, host } = core
  const epoch = parts === null ? undefined : core.epochs?.current
  const state = epoch?.engine.state
  const committee = epoch?.committee ?? founders
  const { total, faults, quorum } = committee
  const { members, next } = parts?.register.membership ?? { members: manifest.members, next: manifest.members }
  return {
    group: core.id,
    name: manifest.name,
    state: core.state,
    reason: core.reason,
    members: members.map(({ peer, weight }, index) => {
      const self = peer === host.identity.peerId
      return { index, peer, weight, self, connected: self || epoch?.isConnected(index) === true }
    }),
    weight: { total, faults, quorum },
    epoch: committee.epoch,
    next: next.map(({ peer, weight }) => ({ peer, weight })),
    view: state?.view ?? 0,
    height: state?.final.height ?? 0,
    digest: state?.final.digest ?? '',
    deltaMs: state?.deltaMs ?? manifest.pace.deltaMs,
    dormant: state?.active !== true,
    pool: parts?.intake.pool.size ?? 0,
    latencyMs: core.timings.medianMs(),
    execution: executionOf(core)
  }
}

function executionOf({ parts }: Core): GroupStatus['execution'] {
  if (parts === null) return { state: 'running', reason: null, height: 0, checkpoint: 0 }
  const { state, reason, height, checkpoints } = parts.execution
  return { state, reason, height, checkpoint: checkpoints.at(-1)?.certificate.height ?? 0 }
}
