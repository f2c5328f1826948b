import { describe, expect, test } from 'vitest'
import { createCommittee } from '../committee.ts'
import { KIND } from '../statement.ts'
import { slotStep } from './index.ts'
import { isJustified } from './rules.ts'
import { createSlot, type SlotConfig, type SlotState } from './state.ts'
import { DISAGREE, notarizeKind, RESULT, type SlotCertificate, type SlotKind, type SlotVote } from './statement.ts'
import { faultsOf } from './test/checker.ts'
import { type Setting, SlotWorld } from './test/world.ts'

const A = 'aa'.repeat(32)
const B = 'bb'.repeat(32)
const each = (count: number) => Array.from({ length: count }, (_, i) => `${i}`.repeat(64).slice(0, 64))

const CALM: Omit<Setting, 'weights' | 'results'> = {
  seed: 1,
  liars: [],
  leaderViews: true,
  calmAtMs: 0,
  lossPerMille: 0,
  crashPerMille: 0
}

function run(setting: Omit<Setting, keyof typeof CALM> & Partial<Setting>): SlotWorld {
  const world = new SlotWorld({ ...CALM, ...setting })
  world.run((setting.calmAtMs ?? 0) + 300_000)
  expect(faultsOf(world.evidence())).toEqual([])
  return world
}

const decisions = (world: SlotWorld) => world.members.map(({ decided }) => decided)

describe('without faults', () => {
  test.each([1, 3, 4, 7, 10])('%i replicas that agree decide in view 0, and fall silent', (count) => {
    const world = run({
      weights: Array.from({ length: count }, () => 1),
      results: Array.from({ length: count }, () => A)
    })
    expect(new Set(decisions(world))).toEqual(new Set([A]))
    expect(world.members.map(({ state }) => state.view).every((view) => view <= 1)).toBe(true)
    expect(world.conflicts).toEqual([])
  })

  test('one replica that is not deterministic is outvoted, whichever it is', () => {
    for (let odd = 0; odd < 4; odd++) {
      const world = run({ weights: [1, 1, 1, 1], results: [0, 1, 2, 3].map((i) => (i === odd ? B : A)) })
      expect(decisions(world)).toEqual([A, A, A, A])
    }
  })

  test('weights count, not heads', () => {
    const world = run({ weights: [1, 1, 4, 4, 4], results: [B, B, A, A, A] })
    expect(decisions(world)).toEqual([A, A, A, A, A])
  })

  test('a result of more than F may be decided by a leader where none has a quorum, and nothing else but disagreement', () => {
    const found = new Set<string | null>()
    for (let seed = 0; seed < 20; seed++) {
      const world = run({ seed, weights: [1, 1, 1, 1], results: [A, A, B, 'cc'.repeat(32)] })
      for (const digest of decisions(world)) found.add(digest)
    }
    expect(found).toEqual(new Set([A, DISAGREE]))
  })

  test('when all differ they decide that they disagree, long before the deadline', () => {
    const world = run({ weights: [1, 1, 1, 1], results: each(4), resultMs: 100_000 })
    expect(decisions(world)).toEqual([DISAGREE, DISAGREE, DISAGREE, DISAGREE])
    expect(world.nowMs).toBeLessThan(10_000)
  })

  test('without leader views a quorum gives up, and that is the end', () => {
    const world = run({ weights: [1, 1, 1, 1], results: each(4), leaderViews: false })
    expect(decisions(world)).toEqual([null, null, null, null])
    expect(world.members.every(({ undecided }) => undecided)).toBe(true)
  })

  test('a replica that never finishes learns what the others decided', () => {
    const world = run({ weights: [1, 1, 1, 1], results: [A, A, null, A] })
    expect(decisions(world)).toEqual([A, A, A, A])
  })
})

/** Weights, and liars of at most F. */
const COMMITTEES: readonly (readonly [readonly number[], readonly number[]])[] = [
  [[1, 1, 1, 1], [2]],
  [[1, 1, 1, 1, 1], [4]],
  [[2, 2, 1, 1, 1], [0]],
  [
    [1, 1, 1, 1, 1, 1, 1],
    [0, 3]
  ],
  [
    [3, 1, 2, 2, 1, 3, 1],
    [5, 6]
  ]
]

const RESULTS: Readonly<Record<string, (i: number) => string>> = {
  'all agree': () => A,
  'one is odd': (i) => (i === 1 ? B : A),
  'they are split': (i) => (i % 2 === 0 ? A : B),
  'all differ': (i) => `${i}`.repeat(64)
}

/** Of each of twenty combinations, so 120 runs. */
const SEEDS = 6

describe.each(Object.keys(RESULTS))('loss, crashes and lying members of weight F, and %s', (name) => {
  test.each(COMMITTEES)('weights %j, liars %j', { timeout: 120_000 }, (weights, liars) => {
    for (let seed = 0; seed < SEEDS; seed++) {
      const results = weights.map((_, i) => RESULTS[name]?.(i) ?? A)
      const world = run({ seed, weights, liars, results, calmAtMs: 6_000, lossPerMille: 250, crashPerMille: 25 })
      const honest = decisions(world).filter((_, i) => !liars.includes(i))
      expect(new Set(honest).size, `seed ${seed}: ${honest.join(' ')}`).toBe(1)
      expect(honest[0], `seed ${seed}`).not.toBeNull()
      if (name === 'all agree') expect(honest[0], `seed ${seed}`).toBe(A)
      expect(world.conflicts.every((member) => liars.includes(member))).toBe(true)
    }
  })
})

test('without leader views liars decide nothing that no honest replica computed', () => {
  for (let seed = 0; seed < 20; seed++) {
    const setting = { seed, weights: [1, 1, 1, 1], liars: [1], calmAtMs: 3_000, lossPerMille: 200, crashPerMille: 20 }
    const world = new SlotWorld({ ...CALM, ...setting, leaderViews: false, results: [A, A, B, A] })
    world.run(20_000)
    expect(faultsOf(world.evidence())).toEqual([])
  }
})

const ID = new Uint8Array(32).fill(1)
const members = [1, 2, 3, 4].map((byte) => ({ key: new Uint8Array(32).fill(byte), weight: 1 }))
const committee = createCommittee({ groupId: ID, epoch: 3, hash: ID, seed: ID, members })
const CONFIG: SlotConfig = { committee, self: 0, leaderViews: true, resultMs: 1_000, deltaMs: 50 }

function vote(signer: number, kind: SlotKind, view: number, digest = A): SlotVote {
  return { kind, epoch: 3, view, digest: kind === KIND.nullify ? '' : digest, signer, signature: ID }
}

function certificate(kind: SlotKind, view: number, digest = A): SlotCertificate {
  const { signer: _, signature, ...statement } = vote(0, kind, view, digest)
  return { ...statement, signers: [0, 1, 2], signatures: [signature, signature, signature] }
}

describe('a proposal is justified', () => {
  const state = (...certificates: SlotCertificate[]) => createSlot(CONFIG, 0, { votes: [], certificates })
  const nullified = (view: number) => certificate(KIND.nullify, view)
  const notarized = (view: number, digest = A) => certificate(notarizeKind(view), view, digest)
  const results = (...digests: string[]) => digests.map((digest, i) => vote(i, RESULT, 0, digest))

  test('by a notarized view after which all were nullified, and for no other value', () => {
    const given = state(notarized(0), nullified(1), nullified(2))
    expect(isJustified(given, 3, A, [])).toBe(true)
    expect(isJustified(given, 3, B, results(B, B))).toBe(false)
    expect(isJustified(state(notarized(0), nullified(2)), 3, A, [])).toBe(false)
    expect(isJustified(state(notarized(0), nullified(0)), 1, B, results(B, B))).toBe(true)
  })

  test('by results of more than F once all before is nullified', () => {
    const given = state(nullified(0), nullified(1))
    expect(isJustified(given, 2, A, results(A, A))).toBe(true)
    expect(isJustified(given, 2, A, results(A, B))).toBe(false)
    expect(isJustified(given, 2, A, [vote(1, RESULT, 0), vote(1, RESULT, 0)])).toBe(false)
    expect(isJustified(given, 2, A, [vote(1, KIND.finalize, 0), vote(2, KIND.finalize, 0)])).toBe(false)
    expect(isJustified(state(nullified(1)), 2, A, results(A, A))).toBe(false)
  })

  test('as disagreement by results of a quorum of which none has more than F', () => {
    const given = state(nullified(0))
    const [c, d] = ['cc'.repeat(32), 'dd'.repeat(32)]
    expect(isJustified(given, 1, DISAGREE, results(A, B, c))).toBe(true)
    expect(isJustified(given, 1, DISAGREE, results(A, B, c, d))).toBe(true)
    expect(isJustified(given, 1, DISAGREE, results(A, B, A))).toBe(false)
    expect(isJustified(given, 1, DISAGREE, results(A, B))).toBe(false)
    expect(isJustified(given, 1, DISAGREE, [...results(A, B), vote(1, RESULT, 0, c)])).toBe(false)
    expect(isJustified(given, 1, DISAGREE, results(DISAGREE, DISAGREE))).toBe(false)
  })
})

describe('one member', () => {
  const said = (state: SlotState, ...events: Parameters<typeof slotStep>[1][]) => {
    const casts: string[] = []
    let now = state
    for (const event of events) {
      const result = slotStep(now, event)
      now = result.state
      for (const effect of result.effects) {
        if (effect.type === 'cast') casts.push(`${effect.statement.kind} ${effect.statement.digest.slice(0, 2)}`)
        if (effect.type === 'dropped') casts.push(effect.reason)
      }
    }
    return casts
  }
  const tick = (nowMs: number) => ({ type: 'tick', nowMs }) as const
  const result = (digest: string) => ({ type: 'result', digest, nowMs: 1 }) as const
  const heard = (given: SlotCertificate) => ({ type: 'certificate', from: 1, certificate: given, nowMs: 2 }) as const

  test('says one result, ever; after a restart, too', () => {
    expect(said(createSlot(CONFIG, 0), result(A), result(B))).toEqual(['5 aa'])
    const restored = createSlot(CONFIG, 0, { votes: [vote(0, RESULT, 0)], certificates: [] })
    expect(said(restored, tick(0), result(B))).toEqual([])
  })

  test('gives up at the deadline, and then finalizes no more, restarted or not', () => {
    const notarization = certificate(RESULT, 0)
    expect(said(createSlot(CONFIG, 0), tick(1_000), heard(notarization))).toEqual(['2 '])
    const restored = createSlot(CONFIG, 0, { votes: [vote(0, KIND.nullify, 0)], certificates: [] })
    expect(said(restored, tick(0), heard(notarization))).toEqual([])
  })

  test('finalizes, and then never gives the view up', () => {
    expect(said(createSlot({ ...CONFIG, leaderViews: false }, 0), heard(certificate(RESULT, 0)), tick(5_000))).toEqual([
      '3 aa'
    ])
  })

  test('refuses certificates of less than a quorum, of signers out of order, and results nobody can have', () => {
    const good = certificate(RESULT, 0)
    const light = { ...good, signers: [0, 1], signatures: [ID, ID] }
    const doubled = { ...good, signers: [0, 1, 1] }
    const bare = { ...good, signatures: [ID] }
    const refused = [light, doubled, bare, certificate(RESULT, 0, DISAGREE), certificate(KIND.notarize, 0)]
    for (const bad of refused) expect(said(createSlot(CONFIG, 0), heard(bad))).toEqual(['malformed'])
    expect(said(createSlot(CONFIG, 0), heard({ ...good, epoch: 4 }))).toEqual(['slot'])
    expect(said(createSlot(CONFIG, 0), heard(certificate(KIND.nullify, 9)))).toEqual(['view'])
  })

  test('keeps the certificate it puts together before it says what rests on it', () => {
    let state = createSlot(CONFIG, 0)
    const kinds: string[] = []
    for (const signer of [1, 2, 3]) {
      const step = slotStep(state, { type: 'votes', from: signer, votes: [vote(signer, RESULT, 0)], nowMs: 3 })
      state = step.state
      kinds.push(...step.effects.map(({ type }) => type))
    }
    expect(kinds).toEqual(['keep', 'cast'])
  })

  test('answers who repeats itself: with the decision, or with the certificates since the view it is in', () => {
    const votes = { type: 'votes', from: 2, votes: [vote(2, KIND.nullify, 0)] } as const
    const answer = (...certificates: SlotCertificate[]) => {
      const start = slotStep(createSlot(CONFIG, 0, { votes: [], certificates }), tick(0)).state
      const first = slotStep(start, { ...votes, nowMs: 100 })
      const again = slotStep(first.state, { ...votes, nowMs: 200 })
      const soon = slotStep(again.state, { ...votes, nowMs: 201 })
      const sent = [first, again, soon].map(({ effects }) =>
        effects.flatMap((effect) =>
          effect.type === 'send' && effect.to === 2 && effect.message.type === 'certificate'
            ? [`${effect.message.certificate.kind} of ${effect.message.certificate.view}`]
            : []
        )
      )
      expect([sent[0], sent[2]]).toEqual([[], []])
      return sent[1]
    }
    expect(answer(certificate(RESULT, 0), certificate(KIND.finalize, 0))).toEqual(['3 of 0'])
    expect(answer(certificate(KIND.nullify, 0), certificate(KIND.nullify, 1))).toEqual(['2 of 0', '2 of 1'])
  })

  test('that has said nothing asks, and is answered', () => {
    const sent = (state: SlotState, event: Parameters<typeof slotStep>[1]) =>
      slotStep(state, event).effects.flatMap((effect) => (effect.type === 'send' ? [[effect.to, effect.message]] : []))
    expect(sent(createSlot({ ...CONFIG, self: null }, 0), tick(500))).toEqual([
      ['all', { type: 'ask', epoch: 3, view: 0 }]
    ])
    const decided = certificate(KIND.finalize, 0)
    const over = createSlot(CONFIG, 0, { votes: [], certificates: [certificate(RESULT, 0), decided] })
    const ask = { type: 'ask', from: 2, epoch: 3, view: 0, nowMs: 9 } as const
    expect(sent(slotStep(over, tick(0)).state, ask)).toEqual([[2, { type: 'certificate', certificate: decided }]])
    expect(sent(slotStep(over, tick(0)).state, { ...ask, epoch: 4 })).toEqual([])
  })

  test('leaves its state as it was, and keeps what a quorum said', () => {
    const before = createSlot(CONFIG, 0)
    const copy = structuredClone(before)
    const { effects } = slotStep(before, heard(certificate(KIND.finalize, 500)))
    expect(before).toEqual(copy)
    expect(effects.map(({ type }) => type)).toEqual(['keep', 'decided'])
  })
})
