import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { told } from '../actors/plays.ts'
import { verdict } from '../scenario/checks/check.ts'
import type { Judged } from '../scenario/checks/index.ts'
import { count, defaulting, flag, number, record, refuse } from '../scenario/fields.ts'
import { about, name } from '../scenario/manifest.ts'
import type { Play } from '../scenario/play.ts'
import { type DrillOutcome, type DrillPlan, runDrill } from './drill.ts'

/** Processes of one machine. */
const MEMBERS_MAX = 32

const drill = record<DrillPlan & { name: string; about: string }>('a scenario of a replicated machine', {
  ...{ name, about },
  members: count(1, MEMBERS_MAX),
  liars: defaulting(count(0, MEMBERS_MAX), 0),
  liarsVote: defaulting(flag, true),
  killed: defaulting(count(0, MEMBERS_MAX), 0),
  seconds: defaulting(number(1, 86_400), 10),
  named: defaulting(flag, false)
})

/** A machine that processes replicate, with liars and deaths among them. */
export function drillPlay(value: unknown): Play {
  const read = drill(value, 'scenario')
  if (read.liars + read.killed > read.members)
    refuse('scenario.members', 'are fewer than liars and killed ones together')
  return {
    ...read,
    play: (stage) =>
      told(read.name, stage, async (events) => {
        const folder = await mkdtemp(join(tmpdir(), 'brume-drill-'))
        try {
          const seen = await runDrill({ ...read, folder, events, aborted: stage.aborted })
          return { seen, verdicts: judgeDrill(read, seen) }
        } finally {
          await rm(folder, { recursive: true, force: true })
        }
      })
  }
}

/** What is promised of `members` of which `(members - 1) / 3` may be faulty, and whether it was kept. */
function judgeDrill(plan: DrillPlan, seen: DrillOutcome): readonly Judged[] {
  const { answered, open, wrong, proofs, sum, openSum, count, told, isTold, untold, contrary } = seen
  const [all, down, back] = answered
  const judged = (check: string, ok: boolean, sentence: string): Judged => ({ check, ...verdict(ok, sentence) })
  const { finalizers, attesters } = thresholds(plan)
  const byFew = `at least ${seen.finalizersMin} members behind the finality of each proof, ${seen.attestersMin} behind its outcome`
  return [
    judged(
      'nothing-wrong',
      wrong === 0,
      `${all + down + back} answers in all parts and ${proofs} proofs verified offline, ${wrong} wrong`
    ),
    judged(
      'sum',
      count >= sum && count <= sum + openSum,
      `added ${sum}, and ${openSum} perhaps (${open} without an answer); proven ${count}`
    ),
    judged('proofs', proofs > 0 && seen.finalizersMin >= finalizers && seen.attestersMin >= attesters, byFew),
    judged('sends', isTold && told.length > 0 && (untold === 0 || isTooMuch(plan)), sends(plan, seen)),
    judged('goes-on', ...goesOn(plan, answered)),
    ...(plan.liars > 0 && plan.liarsVote
      ? [judged('counted', contrary > 0, `honest members counted ${contrary} statements unlike their own`)]
      : []),
    ...(plan.named ? [judged('named', isNamed(plan, seen), namedSentence(seen))] : []),
    judged('no-orphans', !seen.areLeft, seen.areLeft ? 'a process is left' : 'every process of the run has ended')
  ]
}

/** Members of equal weight (quorum.md 3): so many votes decide, more than may lie attest. */
function thresholds({ members }: DrillPlan) {
  const faults = faultsOf(members)
  return { finalizers: members - faults, attesters: faults + 1 }
}

const faultsOf = (members: number): number => Math.floor((members - 1) / 3)

/** With all up it answers; with too many missing for a quorum it must not; with few faults it must. */
function goesOn(plan: DrillPlan, [all, down, back]: DrillOutcome['answered']): readonly [boolean, string] {
  const { members, liars, liarsVote, killed } = plan
  const missing = killed + (liarsVote ? 0 : liars)
  const must = !isTooMuch(plan) ? 'must' : missing > faultsOf(members) ? 'cannot' : 'may'
  const isRight = must === 'may' || (must === 'must' ? down > 0 : down === 0)
  const sentence = `${all} answers with all up, ${down} with ${killed} killed, when it ${must} go on, ${back} after the return`
  return [all > 0 && back > 0 && isRight, sentence]
}

/** More are faulty for a while than such a group takes: then it may stand still, and lose what it would have sent. */
const isTooMuch = ({ members, liars, killed }: DrillPlan): boolean => liars + killed > faultsOf(members)

function sends(plan: DrillPlan, { told, isTold, untold }: DrillOutcome): string {
  const how = isTold ? 'all of them right, once, in order' : 'and not all of them were right, once, in order'
  const lost = untold === 0 || !isTooMuch(plan) ? `${untold} lost` : `${untold} lost, which with so many faulty may be`
  return `${told.length} sums were told to an actor outside, ${how}; ${lost}`
}

function isNamed({ liars }: DrillPlan, { namedByAll, namedByAny, misdeeds }: DrillOutcome): boolean {
  return misdeeds > 0 && namedByAll.length === liars && namedByAny.every((name) => name.startsWith('liar'))
}

function namedSentence({ namedByAny, namedByAll, misdeeds }: DrillOutcome): string {
  const others = namedByAny.filter((name) => !namedByAll.includes(name))
  const some = others.length === 0 ? 'and nobody else' : `and by some ${others.join(' ')}`
  return `every honest member holds a proof of ${namedByAll.join(' ') || 'nobody'} ${some}, after ${misdeeds} forged sends and second proposals`
}
