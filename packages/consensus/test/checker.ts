import type { Observed } from './cluster.ts'

/**
 * Safety, from what was said and decided alone; shares no code with the reducer. `weights` by member.
 *
 * @returns one sentence a violation
 */
export function violations({ votes, final, certificates }: Observed, weights: readonly number[]): string[] {
  const found: string[] = []
  const total = weights.reduce((a, b) => a + b, 0)
  const said = new Map<string, string>()
  for (const { signer, view, kind, digest, parentView } of votes) {
    const key = `${signer}/${view}/${kind}`
    const what = `${parentView}:${digest}`
    const before = said.get(key)
    if (before !== undefined && before !== what) found.push(`member ${signer} said two things: ${key}`)
    said.set(key, what)
    const excluded = kind === 2 ? 3 : kind === 3 ? 2 : 0
    if (said.has(`${signer}/${view}/${excluded}`)) found.push(`member ${signer} nullified and finalized view ${view}`)
  }
  const heights = new Map<number, string>()
  for (const { height, digest } of final) {
    const before = heights.get(height)
    if (before !== undefined && before !== digest) found.push(`two blocks are final at height ${height}`)
    heights.set(height, digest)
  }
  const perNode = new Map<number, number>()
  for (const { node, height } of final) {
    if (height !== (perNode.get(node) ?? 0) + 1) found.push(`member ${node} delivered ${height} out of order`)
    perNode.set(node, height)
  }
  const decided = new Map<string, string>()
  for (const { kind, view, digest, signers } of certificates) {
    const weight = [...new Set(signers)].reduce((sum, signer) => sum + (weights[signer] ?? 0), 0)
    if (3 * weight <= 2 * total) found.push(`a certificate of view ${view} weighs ${weight} of ${total}`)
    const key = `${view}/${kind}`
    const before = decided.get(key)
    if (before !== undefined && before !== digest) found.push(`two certificates of kind ${kind} for view ${view}`)
    decided.set(key, digest)
    if (kind !== 1 && decided.has(`${view}/${5 - kind}`)) found.push(`view ${view} is nullified and finalized`)
  }
  return found
}
