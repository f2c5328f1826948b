import type { SlotVote } from '../statement.ts'

/** What a run showed: all that anybody ever signed, who is honest, and what the honest took as decided. */
export interface Record {
  readonly weights: readonly number[]
  readonly honest: ReadonlySet<number>
  readonly votes: readonly SlotVote[]
  readonly computed: ReadonlySet<string>
  readonly disagree: string
  readonly decisions: readonly { readonly member: number; readonly digest: string }[]
}

/**
 * Everything wrong with a run. Knows three kinds of sentence and counts weights itself; whatever could be put
 * together from signatures that exist counts as said by a quorum, whether anybody did so or not.
 */
export function faultsOf({ weights, honest, votes, computed, disagree, decisions }: Record): readonly string[] {
  const faults: string[] = []
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const said = new Map<string, Set<number>>()
  const own = new Map<string, string>()
  for (const { kind, view, digest, signer } of votes) {
    const role = kind === 5 ? 1 : kind
    const sentence = `${role} ${view} ${digest}`
    said.set(sentence, (said.get(sentence) ?? new Set()).add(signer))
    if (!honest.has(signer)) continue
    for (const [key, value] of [
      [`${signer} ${role} ${view}`, digest],
      ...(role === 1 ? [] : [[`${signer} end ${view}`, sentence]])
    ] as [string, string][]) {
      if (own.has(key) && own.get(key) !== value) faults.push(`honest ${key}: ${own.get(key)} and ${value}`)
      own.set(key, value)
    }
  }
  const byQuorum = [...said].flatMap(([sentence, signers]) => {
    const weight = [...signers].reduce((sum, signer) => sum + (weights[signer] ?? 0), 0)
    const [role, view, digest] = sentence.split(' ')
    return 3 * weight > 2 * total ? [{ role: Number(role), view: Number(view), digest: digest ?? '' }] : []
  })
  const ofRole = (role: number) => byQuorum.filter((said) => said.role === role)
  for (const final of ofRole(3)) {
    if (ofRole(2).some(({ view }) => view === final.view)) faults.push(`view ${final.view}: final and nullified`)
    if (!ofRole(1).some(({ view, digest }) => view === final.view && digest === final.digest)) {
      faults.push(`view ${final.view}: final and not notarized`)
    }
  }
  for (const one of ofRole(1)) {
    if (ofRole(1).some(({ view, digest }) => view === one.view && digest !== one.digest)) {
      faults.push(`view ${one.view}: two notarized`)
    }
  }
  const finals = new Set([...ofRole(3).map(({ digest }) => digest), ...decisions.map(({ digest }) => digest)])
  if (finals.size > 1) faults.push(`decided: ${[...finals].join(' and ')}`)
  for (const digest of finals) {
    if (digest === disagree ? computed.size < 2 : !computed.has(digest)) faults.push(`nobody honest computed ${digest}`)
  }
  return faults
}
