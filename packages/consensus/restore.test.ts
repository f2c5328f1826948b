import { sha256 } from '@brume/crypto'
import { expect, test } from 'vitest'
import { certify } from './certificate.ts'
import { createCommittee } from './committee.ts'
import type { Effect, Event } from './events.ts'
import { createState, type Held, type State } from './state.ts'
import { KIND, type Vote, type VoteKind } from './statement.ts'
import { step } from './step.ts'

const ID = new Uint8Array(32).fill(1)
const BLOCK = 'ab'.repeat(32)
const GENESIS = { view: 0, height: 0, digest: '00'.repeat(32), timeMs: 0, certificate: null }
const members = [1, 2, 3, 4].map((byte) => ({ key: new Uint8Array(32).fill(byte), weight: 1 }))
const committee = createCommittee({ groupId: ID, epoch: 0, hash: ID, seed: ID, members })
const config = { committee, self: 0, genesis: GENESIS, judge: () => true, minViewMs: 0, deltaMs: 100 }

const vote = (signer: number, kind: VoteKind): Vote => ({
  kind,
  signer,
  epoch: 0,
  view: 1,
  parentView: 0,
  digest: BLOCK,
  signature: sha256(ID)
})
const finalization = certify([1, 2, 3].map((signer) => vote(signer, KIND.finalize)))
const held: Held = {
  proposal: {
    epoch: 0,
    view: 1,
    height: 1,
    parentView: 0,
    parent: GENESIS.digest,
    digest: BLOCK,
    timeMs: 10,
    commands: 1,
    body: []
  },
  signature: sha256(ID),
  certified: false,
  invalid: false
}

function run(before: State, events: readonly Event[]): readonly Effect[] {
  let state = before
  return events.flatMap((event) => {
    const result = step(state, event)
    state = result.state
    return result.effects
  })
}

test('a journaled finalization whose block is not here is fetched after a restart', () => {
  const state = createState(config, 0, { final: GENESIS, votes: [], held: [], certificates: [finalization] })
  const effects = run(state, [
    { type: 'voting', voting: true, nowMs: 0, wallMs: 0 },
    { type: 'up', member: 1, nowMs: 0 },
    { type: 'tick', nowMs: 5_000, wallMs: 0 }
  ])
  expect(effects).toContainEqual({ type: 'behind', certificate: finalization })
})

test('and final at once where the block survived beside it', () => {
  const state = createState(config, 0, { final: GENESIS, votes: [], held: [held], certificates: [finalization] })
  const effects = run(state, [{ type: 'voting', voting: true, nowMs: 0, wallMs: 0 }])
  expect(effects.find(({ type }) => type === 'finalized')).toMatchObject({ certificate: finalization })
})
