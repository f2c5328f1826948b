import { createReadStream, existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { checkRun } from '../../checkers/check-run.ts'
import { fits } from '../../runner/selectors.ts'
import { count, defaulting, record, text } from '../fields.ts'
import type { Outcome } from '../outcome.ts'
import { type Check, failed, verdict } from './check.ts'

/** What had been sent before the peer ended is read by a busy receiver a little later. */
const IN_FLIGHT_MS = 1_000

/** No honest member signed two statements that exclude each other, or sent one that was not on its disk. */
export const noDoubleVote: Check<object> = {
  args: record<object>('arguments of this check', {}),
  judge: async (outcome) => {
    const report = await checkRun(outcome.folder)
    const names = inCommitteeOrder(outcome)
    const blamed = report.violations.filter(
      ({ member }) => member === undefined || outcome.honest.has(names[member] ?? '')
    )
    const [first] = blamed
    if (first !== undefined) return failed(`${first.rule}: ${first.message}`)
    const others = report.violations.length
    const liars = others === 0 ? '' : `; ${others} by peers that were told to lie`
    const seen = `${report.statements} distinct statements in journals and on the wire`
    return verdict(report.statements > 0, `${seen}, no honest member contradicts itself${liars}`)
  }
}

/** Members stand in the order of their keys. */
function inCommitteeOrder({ folder }: Outcome): readonly string[] {
  const peers = [...folder.manifest().peers].sort((a, b) => (a.publicKey < b.publicKey ? -1 : 1))
  return peers.map(({ name }) => name)
}

/** Nobody was accused with a proof but these; and of these at least so many were. */
export const evidenceNamesOnly: Check<{ peers: string; atLeast: number }> = {
  args: record('arguments of evidence-names-only', {
    peers: text(/^\S{1,64}$/, 'a selector'),
    atLeast: defaulting(count(0, 100), 0)
  }),
  judge: (outcome, { peers, atLeast }) => {
    const named = [...new Set(outcome.accusations.map(({ member }) => member))].sort()
    const guilty = selected(outcome, peers)
    const wrong = named.filter((name) => !guilty.includes(name))
    if (wrong.length > 0) return failed(`${wrong.join(' ')} kept to the rules and was accused`)
    const by = new Set(outcome.accusations.map((accusation) => accusation.by)).size
    const sentence =
      named.length === 0 ? 'nobody was accused' : `${named.join(' ')} and nobody else, by ${by} peers with proofs`
    return verdict(named.length >= atLeast, sentence)
  }
}

/** The peers did break the rules: a scenario whose attack did not take place shows nothing. */
export const attacked: Check<{ atLeast: number }> = {
  args: record('arguments of attacked', { atLeast: defaulting(count(1, 1_000_000), 1) }),
  judge: ({ peers, honest, manifest }, { atLeast }) => {
    const acts = peers
      .filter(({ name }) => !honest.has(name))
      .map(({ name, sample }) => ({ name, acts: sample?.misdeeds ?? 0 }))
    const behaviours = manifest.groups.flatMap(({ byzantine }) => byzantine?.behaviour ?? [])
    const sentence = `${acts.map((one) => `${one.name} ${one.acts} times`).join(', ')} (${[...new Set(behaviours)].join(', ')})`
    return verdict(acts.length > 0 && acts.every((one) => one.acts >= atLeast), sentence)
  }
}

/** After its last fault the peer knew that it cannot know what it has said, said nothing, and followed the others. */
export const abstained: Check<{ target: string; reason: string }> = {
  args: record('arguments of abstained', {
    target: text(/^\S{1,64}$/, 'a selector'),
    reason: defaulting(text(/^.{0,100}$/, 'words that its reason contains'), '')
  }),
  judge: async (outcome, { target, reason }) => {
    const sentences: string[] = []
    for (const name of selected(outcome, target)) {
      const fault = outcome.faults.findLast(({ targets }) => targets.includes(name))
      if (fault === undefined) return failed(`${name} suffered nothing`)
      const after = outcome.changes.filter(({ peer, atMs }) => peer === name && atMs >= fault.appliedMs)
      if (after.some(({ state }) => state === 'voting')) return failed(`${name} voted again`)
      const said = after.map((change) => change.reason).findLast((words) => words !== '') ?? ''
      if (said === '' || !said.includes(reason))
        return failed(`${name} did not notice; it said ${JSON.stringify(said)}`)
      const votes = await votesFrom(outcome, name, outcome.startedAtMs + fault.appliedMs + IN_FLIGHT_MS)
      if (votes > 0) return failed(`${name} sent ${votes} frames with votes after it`)
      const height = outcome.peers.find((peer) => peer.name === name)?.sample?.group?.height ?? 0
      const highest = Math.max(0, ...outcome.peers.map((peer) => peer.sample?.group?.height ?? 0))
      if (height < highest) return failed(`${name} noticed and kept silent, but stands at ${height} of ${highest}`)
      sentences.push(`${name} said "${said}", sent 0 votes, and follows at height ${height} of ${highest}`)
    }
    return verdict(sentences.length > 0, sentences.join('; '))
  }
}

export function selected({ folder }: Outcome, selector: string): readonly string[] {
  return folder
    .manifest()
    .peers.filter((peer) => fits(selector, peer))
    .map(({ name }) => name)
}

/** Frames with votes that others received from this peer since then (ms since 1970). */
async function votesFrom({ folder }: Outcome, name: string, sinceMs: number): Promise<number> {
  const { peers } = folder.manifest()
  const sender = peers.find((peer) => peer.name === name)?.peerId
  let frames = 0
  for (const { name: receiver } of peers) {
    const path = folder.votesPath(receiver)
    if (!existsSync(path)) continue
    for await (const line of createInterface({ input: createReadStream(path) })) {
      if (line.includes(`"from":"${sender}"`) && timeOf(line) > sinceMs) frames++
    }
  }
  return frames
}

/** SIGKILL may cut a line short. */
function timeOf(line: string): number {
  return Number(/"atMs":(\d+)/.exec(line)?.[1] ?? 0)
}
