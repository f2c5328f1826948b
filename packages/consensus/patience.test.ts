import { describe, expect, test } from 'vitest'
import { createCommittee, leaderOf } from './committee.ts'
import type { Effect, Event } from './events.ts'
import { createState, type Proposal, type State } from './state.ts'
import { KIND, NO_DIGEST, type Vote, type VoteKind } from './statement.ts'
import { step } from './step.ts'
import { advanceDeadlineMs, leaderDeadlineMs, wakeAtMs } from './timing.ts'

const ID = new Uint8Array(32).fill(1)
const GENESIS = { view: 0, height: 0, digest: 'aa'.repeat(32), timeMs: 0, certificate: null }
const members = [1, 2, 3, 4].map((byte) => ({ key: new Uint8Array(32).fill(byte), weight: 1 }))
const committee = createCommittee({ groupId: ID, epoch: 0, hash: ID, seed: ID, members })
const LEADER = leaderOf(committee, 1)
const OTHER = (LEADER + 1) % 4

/** One member that hears what it is told, and what it asked for last. */
class Member {
  state: State
  effects: readonly Effect[] = []

  constructor(self: number) {
    this.state = createState({ committee, self, genesis: GENESIS, judge: () => true, minViewMs: 0, deltaMs: 100 }, 0)
    for (const member of [0, 1, 2, 3]) if (member !== self) this.feed({ type: 'up', member, nowMs: 0 })
    this.feed({ type: 'voting', voting: true, nowMs: 0, wallMs: 0 })
  }

  feed(event: Event): this {
    ;({ state: this.state, effects: this.effects } = step(this.state, event))
    return this
  }

  pending(nowMs: number): this {
    return this.feed({ type: 'pool', pending: true, version: 1, nowMs, wallMs: nowMs })
  }

  tick(nowMs: number): this {
    return this.feed({ type: 'tick', nowMs, wallMs: nowMs })
  }

  hears(from: number, nowMs: number, ...kinds: VoteKind[]): this {
    const list = kinds.map((kind) => vote(from, kind))
    return this.feed({ type: 'votes', from, votes: list, view: 1, final: 0, nowMs })
  }

  get casts(): readonly VoteKind[] {
    return this.effects.flatMap((effect) => (effect.type === 'cast' ? [effect.statement.kind] : []))
  }

  get builds(): readonly boolean[] {
    return this.effects.flatMap((effect) => (effect.type === 'build' ? [effect.empty] : []))
  }
}

function vote(signer: number, kind: VoteKind, digest = 'bb'.repeat(32)): Vote {
  const names = kind !== KIND.nullify
  return {
    kind,
    signer,
    epoch: 0,
    view: 1,
    parentView: 0,
    digest: names ? digest : NO_DIGEST,
    signature: new Uint8Array(64)
  }
}

function block(change: Partial<Proposal> = {}): Proposal {
  const place = { epoch: 0, view: 1, height: 1, parentView: 0, parent: GENESIS.digest, digest: 'bb'.repeat(32) }
  return { ...place, timeMs: 10, commands: 1, body: null, ...change }
}

const proposed = (proposal: Proposal, nowMs: number): Event => ({
  type: 'propose',
  from: LEADER,
  proposal,
  signature: new Uint8Array(64),
  nowMs,
  wallMs: nowMs
})

describe('a leader is not waited for', () => {
  test('whose stream has been down for 2 s, nor is what it began', () => {
    const member = new Member(OTHER).feed({ type: 'down', member: LEADER, nowMs: 500 }).pending(1_000)
    expect(leaderDeadlineMs(member.state)).toBe(1_200)
    member.feed({ type: 'up', member: LEADER, nowMs: 1_010 }).feed(proposed(block(), 1_020))
    expect(member.casts).toEqual([KIND.notarize])
    expect(leaderDeadlineMs(member.state)).toBeNull()
    expect(advanceDeadlineMs(member.state)).toBe(1_325)
    member.state = { ...member.state, activeSinceMs: 9_000 }
    member.feed({ type: 'down', member: LEADER, nowMs: 5_000 })
    expect(advanceDeadlineMs(member.state)).toBe(9_000)
  })

  test('and is given up in the step that makes work, where it was gone for 2 s before and nothing of it is here', () => {
    const gone = (nowMs: number) => new Member(OTHER).feed({ type: 'down', member: LEADER, nowMs: 500 }).pending(nowMs)
    expect(gone(2_499).casts).toEqual([])
    expect(gone(2_500).casts).toEqual([KIND.nullify])
    const back = new Member(OTHER).feed({ type: 'down', member: LEADER, nowMs: 500 })
    expect(back.feed({ type: 'up', member: LEADER, nowMs: 2_600 }).pending(2_700).casts).toEqual([])
    const heard = new Member(OTHER).feed({ type: 'down', member: LEADER, nowMs: 500 })
    const relayed = { ...vote(LEADER, KIND.finalize), view: 2 }
    heard.feed({ type: 'votes', from: LEADER, votes: [relayed], view: 1, final: 0, nowMs: 2_000, verified: true })
    expect(heard.pending(2_600).casts).toEqual([])
  })

  test('against whom there is evidence', () => {
    const member = new Member(OTHER).pending(1_000)
    expect(leaderDeadlineMs(member.state)).toBe(1_200)
    member.feed({ type: 'convicted', member: LEADER })
    expect([leaderDeadlineMs(member.state), advanceDeadlineMs(member.state)]).toEqual([1_000, 1_000])
    expect(wakeAtMs(member.state, 1_000)).toBe(1_000)
    expect(member.tick(1_000).casts).toEqual([KIND.nullify])
  })

  test('that contradicted itself in this view', () => {
    const member = new Member(OTHER).pending(1_000).hears(LEADER, 1_001, KIND.notarize)
    member.feed({
      type: 'votes',
      from: LEADER,
      votes: [vote(LEADER, KIND.notarize, 'cc'.repeat(32))],
      view: 1,
      final: 0,
      nowMs: 1_002
    })
    expect(member.effects.some(({ type }) => type === 'conflict')).toBe(true)
    expect(member.tick(1_003).casts).toEqual([KIND.nullify])
  })

  test('that said nothing for 10 s while a quorum was heard, and only then', () => {
    const member = new Member(OTHER).pending(1_000)
    member.state = { ...member.state, deltaMs: 2_000, nullified: 8, enteredMs: 10_500 }
    const patience = leaderDeadlineMs(member.state) ?? 0
    expect(patience).toBeGreaterThan(60_000)
    const [a = 0, b = 0] = [0, 1, 2, 3].filter((index) => index !== LEADER && index !== OTHER)
    member.hears(a, 10_600)
    expect(leaderDeadlineMs(member.state)).toBe(patience)
    member.hears(b, 10_600)
    expect(leaderDeadlineMs(member.state)).toBe(11_000)
    member.hears(LEADER, 10_700)
    expect(leaderDeadlineMs(member.state)).toBe(patience)
  })

  test('an hour of idleness is no silence', () => {
    const member = new Member(OTHER).pending(3_600_000)
    for (const other of [0, 1, 2, 3]) if (other !== LEADER && other !== OTHER) member.hears(other, 3_600_001)
    expect(leaderDeadlineMs(member.state)).toBe(3_600_200)
  })

  test('that gave its own view up', () => {
    const idle = new Member(OTHER).hears(LEADER, 1_000, KIND.nullify)
    expect(idle.casts).toEqual([])
    expect(idle.pending(1_001).casts).toEqual([KIND.nullify])
    expect(new Member(OTHER).pending(1_000).hears(LEADER, 1_001, KIND.nullify).casts).toEqual([KIND.nullify])
    expect(new Member(OTHER).pending(1_000).hears((LEADER + 2) % 4, 1_001, KIND.nullify).casts).toEqual([])
  })
})

describe('as leader', () => {
  const built = (proposal: Proposal | null, nowMs: number): Event => ({
    type: 'built',
    view: 1,
    proposal,
    nowMs,
    wallMs: nowMs
  })

  test('that cannot make the block it has to: the view is given up at once', () => {
    const member = new Member(LEADER).feed({ type: 'due', dueMs: null, closeNow: true, nowMs: 1, wallMs: 1 })
    expect(member.builds).toEqual([true])
    expect(member.feed(built(null, 2)).casts).toEqual([KIND.nullify])
  })

  test('with commands that must wait for others: it waits too', () => {
    const member = new Member(LEADER).pending(1)
    expect(member.builds).toEqual([false])
    expect(member.feed(built(null, 2)).casts).toEqual([])
  })
})

describe('what the program waits for', () => {
  const due = (dueMs: number | null, nowMs: number, wallMs = nowMs): Event => ({
    type: 'due',
    dueMs,
    closeNow: false,
    nowMs,
    wallMs
  })

  test('is the one timer of a dormant member, and an empty block fires it', () => {
    const leader = new Member(LEADER).feed(due(5_000, 1_000))
    expect(leader.state.active).toBe(false)
    expect(wakeAtMs(leader.state, 1_000)).toBe(5_000)
    expect(leader.tick(5_000).builds).toEqual([true])
    expect(leader.state.active).toBe(true)
    leader.feed(due(null, 5_001))
    expect([leader.state.active, wakeAtMs(leader.state, 5_001)]).toEqual([false, null])
  })

  test('a wall clock that was set back is waited for', () => {
    const leader = new Member(LEADER).feed(due(5_000, 1_000))
    leader.feed({ type: 'tick', nowMs: 5_000, wallMs: 4_000 })
    expect(leader.builds).toEqual([])
    expect(wakeAtMs(leader.state, 5_000)).toBe(6_000)
  })

  test('an empty block is voted for where it fires a timer, and by an active member nowhere else', () => {
    const empty = block({ commands: 0, timeMs: 5_000 })
    expect(new Member(OTHER).feed(due(5_000, 4_999)).feed(proposed(empty, 4_999)).casts).toEqual([KIND.notarize])
    expect(new Member(OTHER).feed(due(5_001, 4_999)).pending(4_999).feed(proposed(empty, 4_999)).casts).toEqual([
      KIND.nullify
    ])
    const dormant = new Member(OTHER).feed(proposed(empty, 4_999))
    expect(dormant.casts).toEqual([])
    expect(dormant.feed(due(5_000, 4_999)).casts).toEqual([KIND.notarize])
  })

  test('an epoch that must close makes work at once', () => {
    const member = new Member(OTHER).feed({ type: 'due', dueMs: null, closeNow: true, nowMs: 7, wallMs: 7 })
    expect(member.state.active).toBe(true)
    expect(leaderDeadlineMs(member.state)).toBe(207)
  })
})

test('what a member gets at standstill fits a slow link, newest views first', () => {
  const member = new Member(OTHER).pending(0)
  const signers = Array.from({ length: 100 }, (_, i) => i)
  const views = Array.from({ length: 300 }, (_, i) => {
    const given = { ...vote(OTHER, KIND.nullify), view: i + 1 }
    const certificate = { ...given, signers, signatures: signers.map(() => new Uint8Array(64)) }
    const empty = { slots: [], counts: [], checking: null, certificate: null }
    const nullified = { ...empty, certificate }
    return {
      view: i + 1,
      held: [],
      tallies: [empty, empty, nullified, empty] as const,
      said: [],
      own: [given],
      leaderLied: false,
      certificateDueMs: null,
      askedMs: 0,
      asks: 0,
      builtFrom: -1
    }
  })
  member.state = { ...member.state, views, view: 301, standstillDueMs: 9_000, retryDueMs: 99_000 }
  member.tick(9_000)
  const sent = member.effects.flatMap((effect) =>
    effect.type === 'send' && effect.to === LEADER ? [effect.message] : []
  )
  const certificates = sent.flatMap((message) => (message.type === 'certificate' ? [message.certificate.view] : []))
  const votes = sent.flatMap((message) => (message.type === 'votes' ? message.votes.map(({ view }) => view) : []))
  expect(certificates[0]).toBe(300)
  expect(votes[0]).toBe(300)
  const bytes = certificates.length * 100 * 64 + votes.length * 122
  expect(bytes).toBeLessThanOrEqual(65_536)
  expect(bytes).toBeGreaterThan(40_000)
})
