import { describe, expect, test } from 'vitest'
import { RULES, type Rules } from './judgement.ts'
import { KIND } from './statement.ts'
import { violations } from './test/checker.ts'
import { Cluster, generator } from './test/cluster.ts'

const ONES = [1, 1, 1, 1]

/** Runs members that share one wrong rule through loss, crashes and cuts, and asks the checker. */
function violationsUnder(rules: Partial<Rules>, weights: readonly number[], seed: number): readonly string[] {
  const random = generator(seed)
  const cluster = new Cluster(weights, seed, { delayMs: [1, 150], syncMs: [0.2, 5], loss: 0.25 }, rules)
  const n = weights.length
  for (let i = 0; i < 40; i++) {
    cluster.run(cluster.now + 400 * random())
    cluster.submit(Math.floor(random() * n), `c${i}`)
    const dice = random()
    if (dice < 0.3) for (let other = 0; other < n; other++) cluster.cut.add(`${other}>${Math.floor(random() * n)}`)
    else if (dice < 0.5) cluster.cut.clear()
    else if (dice < 0.8) for (let other = 0; other < n; other++) if (random() < 0.5) cluster.crash(other)
    for (const { index } of cluster.nodes) if (random() < 0.2) cluster.restart(index)
  }
  return violations(cluster.observed, weights)
}

const seeds = Array.from({ length: 400 }, (_, i) => 1_000 + i)

describe('a wrong rule is seen by the checker', () => {
  const wrong: readonly (readonly [string, Partial<Rules>, readonly number[]])[] = [
    ['one less than a quorum', { quorumOf: ({ quorum }) => quorum - 1 }, ONES],
    ['members counted instead of weight', { weightOf: () => 1, quorumOf: () => 3 }, [5, 1, 1, 1]],
    ['one signer counted twice', { isCounted: () => false }, ONES],
    ['finalize after nullify', { mayFinalize: ({ said }) => said[KIND.finalize] === undefined }, ONES],
    ['nullify after finalize', { mayNullify: (view) => view?.said[KIND.nullify] === undefined }, ONES]
  ]
  test.each(wrong)('%s', (_, rules, weights) => {
    expect(seeds.some((seed) => violationsUnder(rules, weights, seed).length > 0)).toBe(true)
  })

  test('and the right ones are not', () => {
    for (const seed of seeds.slice(0, 60)) expect(violationsUnder({}, ONES, seed)).toEqual([])
  })
})

test('votes of somebody else take no slot, however they come', () => {
  const vote = {
    kind: KIND.nullify,
    signer: 2,
    epoch: 0,
    view: 1,
    parentView: 0,
    digest: '',
    signature: new Uint8Array(64)
  }
  expect(RULES.mayTakeSlot(vote, 1, false)).toBe(false)
  expect(RULES.mayTakeSlot(vote, 2, false)).toBe(true)
  expect(RULES.mayTakeSlot(vote, 1, true)).toBe(true)
})
