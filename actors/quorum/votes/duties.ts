import type { Epoch, EpochOptions } from '../epoch.ts'
import type { Traffic } from '../meters.ts'
import type { Duties } from './engine.ts'
import { Pace } from './pace.ts'

type Surroundings = Pick<EpochOptions, 'host' | 'owner' | 'label' | 'timings'>

/** What the reducer of an epoch asks of the member, done by those who know how. */
export function dutiesOf(epoch: Epoch, { host, owner, label, timings }: Surroundings, traffic: Traffic): Duties {
  const { clock } = host
  const pace = new Pace()
  return {
    build: (request) => {
      const proposal = owner.build(epoch, request)
      if (proposal !== null) timings.start(proposal.digest, clock.now())
      return proposal
    },
    spread: () => {
      for (const command of owner.oldest()) epoch.sending.command('all', command)
    },
    notarized: (proposal) => {
      timings.passed(proposal.digest, 'notarized', clock.now())
      owner.notarized(epoch, proposal)
    },
    finalized: (blocks) => {
      epoch.assembly.passed(epoch.engine.state.final.view)
      owner.finalized(epoch, blocks)
    },
    entered: (view, by) => {
      owner.entered(epoch, view, by)
      measure(epoch, { host, label }, pace)
    },
    behind: () => owner.behind(epoch),
    equivocated: (a, b) => owner.conflicted(epoch, a, b),
    dropped: (reason) => owner.dropped(reason),
    verified: (ok) => traffic.verified(ok),
    ticked: () => owner.ticked(epoch)
  }
}

function measure(epoch: Epoch, { host, label }: Pick<Surroundings, 'host' | 'label'>, pace: Pace): void {
  const { journal, net, meters } = host
  const { engine, committee, memberPeers: peers, self } = epoch
  const deltaMs = pace.measure({
    ...{ nowMs: engine.now().nowMs, committee, peers, self, workMs: engine.workMs },
    links: () => net.links(),
    syncMs: () => journal?.syncP95Ms() ?? 0
  })
  if (deltaMs === null) return
  meters.delta.set(label, deltaMs)
  engine.post({ type: 'pace', deltaMs })
}
