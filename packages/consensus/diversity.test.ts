import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { certify, isWellFormed } from './certificate.ts'
import { certifies, createCommittee } from './committee.ts'
import { type Diversity, domainOf } from './diversity.ts'
import type { Effect, Event } from './events.ts'
import { createState, type State } from './state.ts'
import { KIND, NO_DIGEST, type Vote, type VoteKind } from './statement.ts'
import { step } from './step.ts'

const ID = new Uint8Array(32).fill(1)
const BLOCK = 'ab'.repeat(32)
const time = { nowMs: 1_000, wallMs: 1_000 }

function committeeOf(sites: readonly string[], diversity: readonly Diversity[], weights: readonly number[] = []) {
  const members = sites.map((site, i) => ({
    key: new Uint8Array(32).fill(i + 1),
    weight: weights[i] ?? 1,
    domains: { site }
  }))
  return createCommittee({ groupId: ID, epoch: 0, hash: ID, seed: ID, members, diversity })
}

function vote(signer: number, kind: VoteKind, parentView = 0): Vote {
  if (kind === KIND.nullify) return { kind, signer, epoch: 0, view: 1, parentView: 0, digest: NO_DIGEST, signature: ID }
  return { kind, signer, epoch: 0, view: 1, parentView, digest: BLOCK, signature: new Uint8Array(64).fill(signer) }
}

test('a missing attribute, an empty one and one that objects are born with are the domain ?', () => {
  expect(domainOf({}, 'site')).toBe('?')
  expect(domainOf({ domains: { site: '' } }, 'site')).toBe('?')
  expect(domainOf({ domains: { site: 'x' } }, 'constructor')).toBe('?')
  expect(domainOf({ domains: { site: 'x' } }, 'site')).toBe('x')
})

describe('certifies', () => {
  const committee = committeeOf(['a', 'a', 'a', 'b', ''], [{ attribute: 'site', minDistinct: 2 }])

  test('weight and diversity for blocks and checkpoints, weight for a nullification, more than F for an attestation', () => {
    const heavy = committeeOf(['a', 'a', 'a', 'a', 'b'], [{ attribute: 'site', minDistinct: 2 }])
    for (const kind of [KIND.notarize, KIND.finalize, 4, 5]) {
      expect(certifies(heavy, kind, [0, 1, 2, 3])).toBe(false)
      expect(certifies(heavy, kind, [0, 1, 2, 4])).toBe(true)
      expect(certifies(heavy, kind, [0, 4])).toBe(false)
    }
    expect(certifies(heavy, KIND.nullify, [0, 1, 2, 3])).toBe(true)
    expect(certifies(heavy, KIND.nullify, [0, 1, 4])).toBe(false)
    expect(certifies(heavy, 6, [0, 1])).toBe(true)
    expect(certifies(heavy, 6, [0])).toBe(false)
  })

  test('those that say nothing are one domain, and nobody counts twice', () => {
    expect(certifies(committee, KIND.finalize, [0, 1, 2, 4])).toBe(true)
    expect(certifies(committee, KIND.finalize, [0, 0, 1, 4])).toBe(false)
    expect(certifies(committee, KIND.finalize, [0, 1, 4, 9])).toBe(false)
  })

  test('agrees with counting by hand, for every subset of random committees', () => {
    const member = fc.tuple(fc.constantFrom('', 'a', 'b', 'c'), fc.integer({ min: 1, max: 5 }))
    fc.assert(
      fc.property(fc.array(member, { minLength: 1, maxLength: 7 }), fc.integer({ min: 1, max: 4 }), (all, want) => {
        const sites = all.map(([site]) => site)
        if (new Set(sites).size < want) return
        const weights = all.map(([, weight]) => weight)
        const it = committeeOf(sites, [{ attribute: 'site', minDistinct: want }], weights)
        for (let mask = 0; mask < 2 ** all.length; mask++) {
          const signers = all.flatMap((_, i) => ((mask >> i) & 1 ? [i] : []))
          let [weight, total] = [0, 0]
          const seen: Record<string, true> = {}
          all.forEach(([site, own], i) => {
            total += own
            if (!signers.includes(i)) return
            weight += own
            seen[site] = true
          })
          const heavy = 3 * weight > 2 * total
          expect(certifies(it, KIND.nullify, signers)).toBe(heavy)
          expect(certifies(it, KIND.notarize, signers)).toBe(heavy && Object.keys(seen).length >= want)
        }
      }),
      { numRuns: 150 }
    )
  })
})

test('a committee that could never meet its own conditions is refused', () => {
  const refusal = expect.objectContaining({ code: 'BRUME_QUORUM_COMMITTEE' })
  expect(() => committeeOf(['a', 'a', 'b'], [{ attribute: 'site', minDistinct: 3 }])).toThrow(refusal)
  expect(() => committeeOf(['a', 'a', 'b'], [{ attribute: 'operator', minDistinct: 2 }])).toThrow(refusal)
  for (const minDistinct of [0, -1, 1.5, Number.NaN]) {
    expect(() => committeeOf(['a', 'b'], [{ attribute: 'site', minDistinct }])).toThrow(refusal)
  }
})

/** One member of a committee, whose signature checks all succeed. */
function watch(sites: readonly string[], diversity: readonly Diversity[]) {
  const committee = committeeOf(sites, diversity)
  const genesis = { view: 0, height: 0, digest: '00'.repeat(32), timeMs: 0, certificate: null }
  let state: State = createState({ committee, self: 0, genesis, judge: () => true, minViewMs: 0, deltaMs: 100 }, 0)
  const all: Effect[] = []
  const feed = (event: Event) => {
    const result = step(state, event)
    state = result.state
    for (const effect of result.effects) {
      all.push(effect)
      if (effect.type === 'verify') {
        feed({ type: 'verified', purpose: effect.purpose, votes: effect.votes, bad: [], ...time })
      }
    }
  }
  feed({ type: 'voting', voting: true, ...time })
  const say = (given: Vote) => feed({ type: 'votes', from: given.signer, votes: [given], view: 1, final: 0, ...time })
  return {
    committee,
    say,
    kept: () => all.flatMap((effect) => (effect.type === 'keep' ? [effect.certificate] : [])),
    checked: () => all.filter(({ type }) => type === 'verify').length
  }
}

describe('the tally', () => {
  test('waits for a second site, checks nothing before, and makes what isWellFormed accepts', () => {
    const { committee, say, kept, checked } = watch(
      ['a', 'a', 'a', 'a', 'a', 'b'],
      [{ attribute: 'site', minDistinct: 2 }]
    )
    expect(committee.quorum).toBe(5)
    for (const signer of [1, 2, 3, 4]) say(vote(signer, KIND.notarize))
    expect(checked()).toBe(0)
    say(vote(0, KIND.notarize))
    expect([checked(), kept()]).toEqual([0, []])
    say(vote(5, KIND.notarize))
    const [made] = kept()
    if (made === undefined) throw new Error('six of six votes make a certificate')
    expect(made.signers).toContain(5)
    expect(isWellFormed(committee, made)).toBe(true)
    const narrow = certify([0, 1, 2, 3, 4].map((signer) => vote(signer, KIND.notarize)))
    expect(isWellFormed(committee, narrow)).toBe(false)
  })

  test('nullifies without it', () => {
    const { committee, say, kept } = watch(['a', 'a', 'a', 'a', 'b'], [{ attribute: 'site', minDistinct: 2 }])
    for (const signer of [0, 1, 2, 3]) say(vote(signer, KIND.nullify))
    const [made] = kept()
    expect(made).toMatchObject({ kind: KIND.nullify, signers: [0, 1, 2, 3] })
    expect(made !== undefined && isWellFormed(committee, made)).toBe(true)
  })

  test('takes no vote of another parent view into a certificate, whatever digest it names', () => {
    const { say, kept } = watch(['a', 'a', 'a', 'a'], [])
    say({ ...vote(0, KIND.notarize), parentView: 7 })
    for (const signer of [1, 2]) say(vote(signer, KIND.notarize))
    expect(kept()).toEqual([])
    say(vote(3, KIND.notarize))
    expect(kept()).toMatchObject([{ parentView: 0, signers: [1, 2, 3] }])
  })
})
