import { sha256 } from '@brume/crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { requireSound, singleDomains, unavailable } from './availability.ts'
import { clampWeights, type Weighable } from './clamp.ts'
import { type Candidate, formCommittee } from './formation.ts'
import { DEFAULT_POLICY, type Policy } from './policy.ts'
import { dice } from './test/dice.ts'

const SEED: Uint8Array = new Uint8Array(32).fill(7)
const SITES = ['', 'a', 'b', 'c', 'd', 'e'] as const
const ATTRIBUTES = ['site', 'operator'] as const

const pick = <T>(items: readonly T[], roll: (below: number) => number): T => items[roll(items.length)] as T

function randomMembers(roll: (below: number) => number, count: number, volatileIn: number): readonly Weighable[] {
  const weightMax = pick([1, 3, 10, 30, count > 20 ? 200 : 60], roll)
  return Array.from({ length: count }, () => ({
    weight: 1 + roll(weightMax),
    domains: { site: pick(SITES, roll), operator: pick(SITES, roll) },
    volatile: roll(volatileIn) === 0
  }))
}

const randomList = (roll: (below: number) => number) => ATTRIBUTES.filter(() => roll(3) === 0)

/** Said plainly: what each capped set of members weighs, and what it may. */
function excesses(members: readonly Weighable[], weights: readonly number[], caps: readonly string[]) {
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const mayFail = Math.ceil(total / 3) - 1
  const rows: { over: number; inside: number[] }[] = []
  const add = (inside: number[], limit: number) => {
    rows.push({ over: inside.reduce((sum, i) => sum + (weights[i] ?? 0), -limit), inside })
  }
  if (members.length >= 4) {
    const tenth = members.length >= 20 ? Math.floor(total / 10) : mayFail
    for (const i of members.keys()) add([i], Math.min(mayFail, tenth))
  }
  for (const cap of caps) {
    const named = members.map(({ domains }) => domains[cap] || '?')
    for (const domain of new Set(named))
      add(
        named.flatMap((name, i) => (name === domain ? [i] : [])),
        mayFail
      )
  }
  const volatile = members.flatMap((member, i) => (member.volatile ? [i] : []))
  if (volatile.length > 0) add(volatile, mayFail)
  return rows
}

/** The rule of the design, one step at a time and all over again each time. */
function clampSlowly(members: readonly Weighable[], caps: readonly string[]): readonly number[] | null {
  const weights = members.map(({ weight }) => weight)
  for (;;) {
    const rows = excesses(members, weights, caps)
    const most = Math.max(...rows.map(({ over }) => over), 0)
    if (most === 0) return weights
    const inside = rows.find(({ over }) => over === most)?.inside ?? []
    const heaviest = Math.max(...inside.map((i) => weights[i] ?? 0))
    const lowered = inside.find((i) => weights[i] === heaviest) ?? 0
    weights[lowered] = heaviest - 1
    if (heaviest === 1) return null
  }
}

describe('clamp', () => {
  test('of 100,000 random committees ends with every cap kept, and takes no more steps than there is weight', () => {
    const roll = dice(1)
    let formed = 0
    for (let run = 0; run < 100_000; run++) {
      const members = randomMembers(roll, 1 + roll(run % 50 === 0 ? 100 : 12), 12)
      const caps = randomList(roll)
      const result = clampWeights(members, caps)
      if ('exceeds' in result) continue
      formed++
      const { weights } = result
      const lowered = weights.every((weight, i) => weight >= 1 && weight <= (members[i]?.weight ?? 0))
      if (!lowered || excesses(members, weights, caps).some(({ over }) => over > 0)) {
        expect.fail(`${JSON.stringify({ members, caps, weights })}`)
      }
    }
    expect(formed).toBeGreaterThan(20_000)
    expect(formed).toBeLessThan(90_000)
  })

  test('takes the very steps of the rule', () => {
    const roll = dice(2)
    for (let run = 0; run < 1_500; run++) {
      const members = randomMembers(roll, 1 + roll(run % 30 === 0 ? 40 : 10), 12)
      const caps = randomList(roll)
      const result = clampWeights(members, caps)
      expect('exceeds' in result ? null : result.weights).toEqual(clampSlowly(members, caps))
    }
  })

  test('touches nothing that is within its limits', () => {
    const members = [3, 3, 3, 3].map((weight) => ({ weight, domains: {}, volatile: false }))
    expect(clampWeights(members, [])).toEqual({ weights: [3, 3, 3, 3] })
  })
})

/** Every set of members that may fall silent, one after another. */
function survives(members: readonly Weighable[], policy: Policy): boolean {
  const total = members.reduce((sum, { weight }) => sum + weight, 0)
  const mayFail = Math.ceil(total / 3) - 1
  const outlasts = (silent: (i: number) => boolean) =>
    policy.diversity.every(({ attribute, minDistinct }) => {
      const left: Record<string, true> = {}
      members.forEach(({ domains }, i) => {
        if (!silent(i)) left[domains[attribute] || '?'] = true
      })
      return Object.keys(left).length >= minDistinct
    })
  for (let mask = 0; mask < 2 ** members.length; mask++) {
    let weight = 0
    for (let i = 0; i < members.length; i++) if ((mask >> i) & 1) weight += members[i]?.weight ?? 0
    if (weight <= mayFail && policy.diversity.length > 0 && !outlasts((i) => ((mask >> i) & 1) === 1)) return false
  }
  return policy.surviveDown.every((attribute) =>
    members.every(({ domains }) => {
      const gone = (i: number) => (members[i]?.domains[attribute] || '?') === (domains[attribute] || '?')
      const rest = members.reduce((sum, { weight }, i) => sum + (gone(i) ? 0 : weight), 0)
      return 3 * rest > 2 * total && outlasts(gone)
    })
  )
}

test('availability of 10,000 random committees is what trying every silence finds', () => {
  const roll = dice(3)
  let survived = 0
  for (let run = 0; run < 10_000; run++) {
    const members = randomMembers(roll, 1 + roll(10), 12)
    const diversity = randomList(roll).map((attribute) => ({ attribute, minDistinct: 1 + roll(4) }))
    const policy = { ...DEFAULT_POLICY, diversity, surviveDown: randomList(roll) }
    const expected = survives(members, policy)
    if (expected) survived++
    if ((unavailable(members, policy) === null) !== expected) expect.fail(JSON.stringify({ members, policy }))
  }
  expect(survived).toBeGreaterThan(2_000)
  expect(survived).toBeLessThan(9_000)
})

function candidate(i: number, change: Partial<Candidate> = {}): Candidate {
  const key = sha256(new Uint8Array([i, i >> 8]))
  return { key, class: 0, domains: {}, volatile: false, admitted: true, ...change }
}

function formed(candidates: readonly Candidate[], policy = DEFAULT_POLICY, seed = SEED) {
  const result = formCommittee(candidates, policy, seed)
  if (!result.formed) throw new Error(result.detail)
  return result.members
}

describe('formation', () => {
  test('leaves out who is not admitted, weighs by class, and orders by key', () => {
    const classes = [0, 1, 2, 0, 1, 2] as const
    const list = classes.map((own, i) => candidate(i, { class: own, admitted: i !== 2 }))
    const members = formed(list)
    expect(members).toHaveLength(5)
    expect(members.map(({ weight }) => weight)).toEqual(members.map((member) => [100, 150, 200][member.class]))
    const keys = members.map(({ key }) => Buffer.from(key).toString('hex'))
    expect(keys).toEqual([...keys].sort())
  })

  test('does not depend on the order in which candidates are told', () => {
    const list = Array.from({ length: 130 }, (_, i) => candidate(i, { class: i % 5 === 0 ? 1 : 0 }))
    const expected = formed(list)
    fc.assert(
      fc.property(fc.shuffledSubarray(list, { minLength: 130 }), (shuffled) => {
        expect(formed(shuffled)).toEqual(expected)
      }),
      { numRuns: 10 }
    )
  })

  test('keeps the hundred heaviest; among equals the seed decides, another seed otherwise', () => {
    const list = Array.from({ length: 130 }, (_, i) => candidate(i, { class: i < 40 ? 2 : 0 }))
    const names = (seed: Uint8Array) =>
      formed(list, DEFAULT_POLICY, seed).map(({ key }) => Buffer.from(key).toString('hex'))
    const [one, other] = [names(SEED), names(new Uint8Array(32).fill(8))]
    expect(one).toHaveLength(100)
    expect(one).not.toEqual(other)
    for (const heavy of list.slice(0, 40)) expect(one).toContain(Buffer.from(heavy.key).toString('hex'))
    const drawn = list
      .slice(40)
      .map(({ key }) => ({ key, lot: Buffer.from(sha256(Buffer.concat([SEED, key]))).toString('hex') }))
      .sort((a, b) => (a.lot < b.lot ? -1 : 1))
    for (const { key } of drawn.slice(0, 60)) expect(one).toContain(Buffer.from(key).toString('hex'))
    for (const { key } of drawn.slice(60)) expect(one).not.toContain(Buffer.from(key).toString('hex'))
  })

  test('lets one to three weigh the same, whatever their classes', () => {
    for (const count of [1, 2, 3]) {
      const list = Array.from({ length: count }, (_, i) => candidate(i, { class: i === 0 ? 0 : 2 }))
      expect(formed(list).map(({ weight }) => weight)).toEqual(Array.from({ length: count }, () => 100))
    }
  })

  test.each<[string, readonly Candidate[], Partial<Policy>]>([
    ['nobody', [candidate(1, { admitted: false })], {}],
    ['caps', [1, 2, 3, 4].map((i) => candidate(i, { domains: { site: i < 3 ? 'a' : `${i}` } })), { caps: ['site'] }],
    ['caps', [1, 2, 3, 4].map((i) => candidate(i, { volatile: true })), {}],
    [
      'diversity',
      [1, 2, 3, 4].map((i) => candidate(i, { domains: { site: `${i}` } })),
      { diversity: [{ attribute: 'site', minDistinct: 4 }] }
    ],
    [
      'surviveDown',
      [1, 2, 3, 4].map((i) => candidate(i, { domains: { site: i < 3 ? 'a' : `${i}` } })),
      { surviveDown: ['site'] }
    ]
  ])('fails for %s', (reason, candidates, policy) => {
    expect(formCommittee(candidates, { ...DEFAULT_POLICY, ...policy }, SEED)).toMatchObject({ formed: false, reason })
  })

  test('caps a site that half of the members stand at, so that it may lie', () => {
    const sites = ['a', 'a', 'a', 'a', 'b', 'c', 'd', 'e']
    const list = sites.map((site, i) => candidate(i, { domains: { site } }))
    const policy = { ...DEFAULT_POLICY, caps: ['site'] }
    const risk = (members: readonly Weighable[]) =>
      singleDomains(members, 'site', []).find(({ domain }) => domain === 'a')
    expect(risk(formed(list))).toMatchObject({ maySilent: false, mayLie: false })
    expect(risk(formed(list, policy))).toMatchObject({ maySilent: true, mayLie: true })
  })
})

test('a domain whose silence ends the diversity may lie and may not be silent', () => {
  const members = ['a', 'a', 'a', 'b'].map((site) => ({ weight: 1, domains: { site }, volatile: false }))
  expect(singleDomains(members, 'site', [{ attribute: 'site', minDistinct: 2 }])).toEqual([
    { attribute: 'site', domain: 'a', weight: 3, maySilent: false, mayLie: false },
    { attribute: 'site', domain: 'b', weight: 1, maySilent: false, mayLie: true }
  ])
})

describe('members that somebody chose', () => {
  const ofWeights = (...weights: number[]) =>
    weights.map((weight, i) => ({ weight, domains: { site: `${i}` }, volatile: false }))
  const refusal = expect.objectContaining({ code: 'BRUME_QUORUM_COMMITTEE' })

  test.each([[[1]], [[5, 5, 5]], [[1, 1, 1, 1]], [[2, 2, 2, 1]], [[2, 2, 1, 1, 1]]])(
    'weights %j are sound',
    (weights) => {
      requireSound(ofWeights(...weights), { ...DEFAULT_POLICY, surviveDown: weights.length > 3 ? ['site'] : [] })
    }
  )

  test.each([[[]], [[1, 2]], [[2, 1, 1, 1]], [[1, 1, 1, 4]], [[3, ...Array.from({ length: 19 }, () => 1)]]])(
    'weights %j are not',
    (weights) => {
      expect(() => requireSound(ofWeights(...weights), DEFAULT_POLICY)).toThrow(refusal)
    }
  )

  test('nor is a capped domain above F, a volatile third, or a diversity that F can end', () => {
    const four = ofWeights(1, 1, 1, 1)
    expect(() => requireSound(four, { ...DEFAULT_POLICY, caps: ['operator'] })).toThrow(refusal)
    expect(() =>
      requireSound(
        four.map((member, i) => ({ ...member, volatile: i < 2 })),
        DEFAULT_POLICY
      )
    ).toThrow(refusal)
    const diverse = { ...DEFAULT_POLICY, diversity: [{ attribute: 'site', minDistinct: 4 }] }
    expect(() => requireSound(four, diverse)).toThrow(refusal)
  })
})
