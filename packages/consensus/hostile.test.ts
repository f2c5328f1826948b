import { sha256 } from '@brume/crypto'
import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { certify } from './certificate.ts'
import { createCommittee, leaderOf } from './committee.ts'
import type { Effect, Event } from './events.ts'
import { CERTIFIED_AHEAD, createState, type Proposal, type State, VIEWS_AHEAD, VIEWS_KEPT } from './state.ts'
import { KIND, NO_DIGEST, type Vote, type VoteKind } from './statement.ts'
import { step } from './step.ts'
import { wakeAtMs } from './timing.ts'

const ID = new Uint8Array(32).fill(1)
const members = [1, 2, 3, 4].map((byte) => ({ key: new Uint8Array(32).fill(byte), weight: 1 }))
const committee = createCommittee({ groupId: ID, epoch: 0, hash: ID, seed: ID, members })
const SELF = 0
const time = { nowMs: 1_000, wallMs: 1_000 }
const BLOCK = 'ab'.repeat(32)
const OTHER = 'cd'.repeat(32)

let state: State
let effects: readonly Effect[]

function feed(event: Event): readonly Effect[] {
  const before = structuredClone({ ...state, config: null })
  const given = state
  ;({ state, effects } = step(state, event))
  expect({ ...given, config: null }).toEqual(before)
  return effects
}

const dropped = () => effects.flatMap((effect) => (effect.type === 'dropped' ? [effect.reason] : []))

function vote(signer: number, kind: VoteKind, view: number, digest = BLOCK): Vote {
  const names = kind !== KIND.nullify
  return { kind, signer, epoch: 0, view, parentView: 0, digest: names ? digest : NO_DIGEST, signature: sha256(ID) }
}

const votes = (from: number, ...list: Vote[]): Event => ({
  type: 'votes',
  from,
  votes: list,
  view: 1,
  final: 0,
  ...time
})

function block(view: number, digest = BLOCK, parentView = 0): Proposal {
  return {
    epoch: 0,
    view,
    height: 1,
    parentView,
    parent: committee.groupId.toString(),
    digest,
    timeMs: 10,
    commands: 1,
    body: []
  }
}

beforeEach(() => {
  const genesis = { view: 0, height: 0, digest: ID.toString(), timeMs: 0, certificate: null }
  state = createState({ committee, self: SELF, genesis, judge: () => true, minViewMs: 0, deltaMs: 100 }, 0)
  feed({ type: 'voting', voting: true, ...time })
})

describe('refused and counted', () => {
  test.each<[string, Vote, string]>([
    ['another epoch', { ...vote(1, KIND.notarize, 1), epoch: 1 }, 'epoch'],
    ['a signer that is no member', vote(4, KIND.notarize, 1), 'signer'],
    ['a view far ahead', vote(1, KIND.notarize, 2 + VIEWS_AHEAD), 'view']
  ])('%s', (_, hostile, reason) => {
    feed(votes(1, hostile))
    expect(dropped()).toEqual([reason])
    expect(state.views.filter((view) => view !== undefined)).toEqual([])
  })

  test('a proposal by who does not lead, of another epoch, or built on the future', () => {
    const leader = leaderOf(committee, 1)
    const other = (leader + 1) % 4
    const propose = (from: number, proposal: Proposal): Event => ({
      type: 'propose',
      from,
      proposal,
      signature: ID,
      ...time
    })
    feed(propose(other, block(1)))
    expect(dropped()).toEqual(['unwanted'])
    feed(propose(leader, { ...block(1), epoch: 3 }))
    expect(dropped()).toEqual(['epoch'])
    feed(propose(leader, block(1, BLOCK, 1)))
    expect(dropped()).toEqual(['view'])
    expect(state.views.filter((view) => view !== undefined)).toEqual([])
  })

  test('certificates that weigh too little, count one signer twice, or name nobody', () => {
    const light = certify([vote(1, KIND.nullify, 1), vote(2, KIND.nullify, 1)])
    for (const certificate of [
      light,
      { ...light, signers: [1, 1, 2], signatures: [ID, ID, ID] },
      { ...light, signers: [1, 2, 9], signatures: [ID, ID, ID] },
      { ...light, signers: [1, 2, 3], signatures: [ID] },
      { ...light, epoch: 5, signers: [1, 2, 3], signatures: [ID, ID, ID] }
    ]) {
      feed({ type: 'certificate', from: 1, certificate, ...time })
      expect(dropped()).toEqual(['malformed'])
      expect(effects.some(({ type }) => type === 'verify')).toBe(false)
    }
  })

  test('a certificate with a bad signature silences who sent it, and only in this', () => {
    const certificate = certify([1, 2, 3].map((signer) => vote(signer, KIND.nullify, 1)))
    feed({ type: 'certificate', from: 3, certificate, ...time })
    const [check] = effects
    expect(check).toMatchObject({ type: 'verify' })
    if (check?.type !== 'verify') return
    feed({ type: 'verified', purpose: check.purpose, votes: check.votes, bad: [2], ...time })
    expect(state.view).toBe(1)
    expect(state.marks.map(({ ignored }) => ignored)).toEqual([false, false, false, true])
  })
})

describe('votes', () => {
  test('a replayed vote changes nothing', () => {
    feed(votes(1, vote(1, KIND.nullify, 1)))
    const before = state.views
    feed(votes(1, vote(1, KIND.nullify, 1)))
    expect(state.views).toEqual(before)
  })

  test('the second of two contradicting votes is evidence, and does not count', () => {
    feed(votes(1, vote(1, KIND.notarize, 1)))
    feed(votes(1, vote(1, KIND.notarize, 1, OTHER)))
    expect(effects.filter(({ type }) => type === 'conflict')).toHaveLength(1)
    feed(votes(2, vote(2, KIND.finalize, 1)))
    feed(votes(2, vote(2, KIND.nullify, 1)))
    expect(effects.filter(({ type }) => type === 'conflict')).toHaveLength(1)
    expect(state.views[0]?.tallies[KIND.notarize].slots[1]?.vote.digest).toBe(BLOCK)
  })

  test('a bad signature loses its slot and its signer; others make up the quorum', () => {
    for (const signer of [1, 2]) feed(votes(signer, vote(signer, KIND.nullify, 1)))
    feed(votes(3, vote(3, KIND.nullify, 1)))
    const check = effects.find((effect) => effect.type === 'verify')
    if (check?.type !== 'verify') throw new Error('a quorum is there')
    feed({ type: 'verified', purpose: check.purpose, votes: check.votes, bad: [2], ...time })
    expect(state.view).toBe(1)
    feed(votes(2, vote(2, KIND.nullify, 1)))
    expect(dropped()).toEqual(['ignored'])
  })
})

test('whatever four members say in whatever order, memory stays bounded and no vote contradicts another', {
  timeout: 60_000
}, () => {
  const arbitraryVote = fc.record({
    signer: fc.nat(5),
    kind: fc.constantFrom(KIND.notarize, KIND.nullify, KIND.finalize),
    view: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.constantFrom(100, CERTIFIED_AHEAD + 50, 2 ** 50)),
    digest: fc.constantFrom(BLOCK, OTHER),
    /** Now and then somebody else's vote, which a stream must not carry. */
    from: fc.oneof({ weight: 9, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.nat(3) })
  })
  const genesis = state
  fc.assert(
    fc.property(fc.array(arbitraryVote, { maxLength: 60 }), fc.infiniteStream(fc.nat(9)), (list, dice) => {
      state = genesis
      const said = new Set<string>()
      const pending: Effect[] = []
      let nowMs = 1_000
      const run = (event: Event) => {
        const next = step(state, event)
        state = next.state
        pending.push(...next.effects)
      }
      for (const { from, signer, kind, view, digest } of list) {
        nowMs += dice.next().value * 30
        run({ type: 'votes', from: from ?? signer, votes: [vote(signer, kind, view, digest)], view, final: 0, nowMs })
        for (let effect = pending.shift(); effect !== undefined; effect = pending.shift()) {
          if (effect.type === 'verify')
            run({ type: 'verified', purpose: effect.purpose, votes: effect.votes, bad: [], nowMs, wallMs: nowMs })
          if (effect.type !== 'cast') continue
          const { statement } = effect
          expect(said.has(`${statement.kind}/${statement.view}`)).toBe(false)
          if (statement.kind !== KIND.notarize) expect(said.has(`${5 - statement.kind}/${statement.view}`)).toBe(false)
          said.add(`${statement.kind}/${statement.view}`)
          run({ type: 'synced', votes: [{ ...statement, signer: SELF, signature: ID }], nowMs, wallMs: nowMs })
        }
        run({ type: 'tick', nowMs, wallMs: nowMs })
        wakeAtMs(state, nowMs)
      }
      expect(state.views.length).toBeLessThanOrEqual(VIEWS_KEPT + VIEWS_AHEAD + CERTIFIED_AHEAD + 2)
      expect(state.views.filter((view) => view !== undefined).length).toBeLessThanOrEqual(list.length + VIEWS_AHEAD)
    }),
    { numRuns: 3_000 }
  )
})
