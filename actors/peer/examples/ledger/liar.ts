import { encode } from '@brume/codec'
import type { PeerPorts } from '@brume/peer'
import { systemClock } from '@brume/ports/system'
import { WorkerExecutor } from '@brume/runtime/replica'

/** Runs the ledger as everybody does, and says that mallory has a million. It signs that, too. */
export const lying: PeerPorts['executor'] = (bundle, assignment) => {
  const honest = new WorkerExecutor(bundle, assignment, systemClock())
  const { execute } = honest
  honest.execute = async (parent, batch) => {
    const executed = await execute.call(honest, parent, batch)
    const outcomes = executed.outcomes.map((outcome) => ({ ...outcome, value: 'mallory has 1000000 left' }))
    const changes = [['context/accounts', encode({ mallory: 1_000_000 })]] as const
    return { ...executed, outcomes, changes }
  }
  return honest
}
