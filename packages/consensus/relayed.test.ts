import { describe, expect, test } from 'vitest'
import { createCommittee, leaderOf } from './committee.ts'
import { createState, type State } from './state.ts'
import { KIND, NO_DIGEST, type Vote } from './statement.ts'
import { step } from './step.ts'
import { leaderDeadlineMs } from './timing.ts'
import { viewAt } from './views.ts'

const ID = new Uint8Array(32).fill(1)
const GENESIS = { view: 0, height: 0, digest: 'aa'.repeat(32), timeMs: 0, certificate: null }
const members = [1, 2, 3, 4].map((byte) => ({ key: new Uint8Array(32).fill(byte), weight: 1 }))
const committee = createCommittee({ groupId: ID, epoch: 0, hash: ID, seed: ID, members })
const LEADER = leaderOf(committee, 1)
const SELF = (LEADER + 1) % 4
const OTHER = (LEADER + 2) % 4

const CONFIG = { committee, self: SELF, genesis: GENESIS, judge: () => true, minViewMs: 0, deltaMs: 100 }
const at = (ms: number) => ({ nowMs: ms, wallMs: ms })

function voteOf(signer: number): Vote {
  const statement = { kind: KIND.nullify, epoch: 0, view: 1, parentView: 0, digest: NO_DIGEST }
  return { ...statement, signer, signature: new Uint8Array(64) }
}

const slotOf = (state: State, signer: number) => viewAt(state, 1)?.tallies[KIND.nullify].slots[signer]

describe('a vote that another member handed on', () => {
  const heard = { type: 'votes', from: SELF, votes: [voteOf(OTHER)], view: 1, final: 0, nowMs: 1 } as const

  test('takes no slot as long as nobody checked it', () => {
    const { state, effects } = step(createState(CONFIG, 0), heard)
    expect(slotOf(state, OTHER)).toBeUndefined()
    expect(effects).toContainEqual({ type: 'dropped', reason: 'signer', from: OTHER })
  })

  test('takes it once its signature was checked', () => {
    const { state } = step(createState(CONFIG, 0), { ...heard, verified: true })
    expect(slotOf(state, OTHER)?.verified).toBe(true)
  })
})

describe('a leader whose stream is down', () => {
  const down = { type: 'down', member: LEADER, nowMs: 0 } as const
  const work = (ms: number) => ({ type: 'pool', pending: true, version: 1, ...at(ms) }) as const

  /** Voting, with work from 9,000 ms on. */
  function busy(heardMs: number | null): State {
    let state = step(createState(CONFIG, 0), down).state
    state = step(state, { type: 'voting', voting: true, ...at(1) }).state
    if (heardMs !== null) {
      const votes = [voteOf(OTHER)]
      state = step(state, {
        type: 'votes',
        from: LEADER,
        votes,
        view: 1,
        final: 0,
        verified: true,
        nowMs: heardMs
      }).state
    }
    return step(state, work(9_000)).state
  }

  test('is not waited for', () => {
    expect(viewAt(busy(null), 1)?.said[KIND.nullify]).toBeDefined()
  })

  test('is waited for like any other while it is heard through others', () => {
    expect(leaderDeadlineMs(busy(500))).toBe(9_200)
  })
})
