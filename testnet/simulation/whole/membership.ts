import type { SystemCommand } from '@brume/protocols/quorum'
import type { SimRandom } from '@brume/testkit'
import { mayFail } from '../oracle/statement.ts'
import { between, pick } from '../world/streams.ts'
import type { Person } from './people.ts'

/** A command to the quorum itself, by one of the people; the last of them is the candidate. */
export interface Step {
  readonly atMs: number
  readonly by: number
  readonly what: 'join' | 'leave' | 'close' | 'vouch-for' | 'vouch-against'
  /** Of a vouch: whom, and which class. */
  readonly subject: number
  readonly class: 0 | 1 | 2
}

export interface StepsInput {
  readonly n: number
  readonly lying: readonly number[]
  readonly wiped: readonly number[]
  readonly safetyMs: number
}

/** Epochs of a vouch: more than a run has. */
const UNTIL_EPOCH = 1_000

/** A candidate that most vouch for, a member that leaves or loses its standing, classes, and epochs closed early. */
export function planSteps(random: SimRandom, { n, lying, wiped, safetyMs }: StepsInput): readonly Step[] {
  const steps: Step[] = []
  const honest = [...Array(n).keys()].filter((member) => !lying.includes(member))
  const at = () => between(random, 300, safetyMs - 4_000)
  const step = (atMs: number, by: number, what: Step['what'], subject = 0, ownClass: Step['class'] = 0) =>
    steps.push({ atMs, by, what, subject, class: ownClass })
  if (random.chance(0.8)) {
    const from = at()
    step(from, n, 'join')
    for (const member of honest) step(from + between(random, 0, 2_000), member, 'vouch-for', n)
  }
  // Whoever is left must carry the faults that the run may have.
  const broken = lying.length + wiped.length
  const leaves = n > 4 && broken <= mayFail(Array(n - 1 - lying.length).fill(1)) && random.chance(0.7)
  const leaver = pick(random, honest)
  if (leaves && random.chance(0.5)) step(at(), leaver, 'leave')
  else if (leaves) for (const member of honest) step(at(), member, 'vouch-against', leaver)
  const risen = honest.find((member) => member !== leaver && !wiped.includes(member))
  if (broken === 0 && risen !== undefined && random.chance(0.5)) {
    for (const member of honest) step(at(), member, 'vouch-for', risen, pick(random, [1, 2]))
  }
  for (let left = random.below(3); left > 0; left--) {
    const when = at()
    for (const member of honest) step(when, member, 'close')
  }
  return steps.sort((a, b) => a.atMs - b.atMs)
}

export function commandOf(step: Step, people: readonly Person[]): SystemCommand {
  const subject = people[step.subject]
  const self = people[step.by]
  if (subject === undefined || self === undefined) throw new RangeError(`nobody is number ${step.by}`)
  switch (step.what) {
    case 'join': {
      const { peerId: peer, publicKey: key } = self.identity
      const fields = { operator: '', site: '', hardware: '', volatile: false, attestation: null }
      return { name: 'join', candidate: { peer, key, vrfKey: self.vrfKey, ...fields } }
    }
    case 'leave':
    case 'close':
      return { name: step.what }
    default: {
      const admit = step.what === 'vouch-for'
      return {
        name: 'vouch',
        subject: subject.identity.publicKey,
        admit,
        class: step.class,
        untilEpoch: UNTIL_EPOCH
      }
    }
  }
}
