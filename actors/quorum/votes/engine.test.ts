import { certify, createState, type Held, KIND, leaderOf, signedBytes, type VoteKind } from '@brume/consensus'
import { identityFromSeed, sha256 } from '@brume/crypto'
import type { Channel } from '@brume/ports'
import { committeeOf, DEFAULT_PACE, encodeManifest, groupIdOf, makeBlock } from '@brume/protocols/quorum'
import { SimClock } from '@brume/testkit'
import { expect, test } from 'vitest'
import { type Duties, Engine } from './engine.ts'
import type { Persistence } from './persist.ts'
import { Sending } from './send.ts'

const IDENTITIES = [1, 2, 3, 4].map((byte) => identityFromSeed(sha256(Uint8Array.of(byte))))
const MANIFEST = encodeManifest({
  name: 'engine',
  nonce: sha256(Uint8Array.of(0)),
  pace: DEFAULT_PACE,
  program: new Uint8Array(),
  members: IDENTITIES.map(({ peerId, publicKey }) => ({
    peer: peerId,
    key: publicKey,
    vrfKey: publicKey,
    weight: 1,
    operator: '',
    site: '',
    hardware: ''
  }))
})
const COMMITTEE = committeeOf(MANIFEST)
const GROUP_ID = groupIdOf(MANIFEST)
const GENESIS = { view: 0, height: 0, digest: Buffer.from(GROUP_ID).toString('hex'), timeMs: 0, certificate: null }
const CLOSED: Channel = { connect() {}, send: () => 'unreachable', isOpen: () => false, close() {} }

/** An observer signs nothing, and what it holds here is over with the test. */
const KEEPS_NOTHING = { keep: () => {} } as unknown as Persistence

/** An observer's engine; `finalized` collects what it makes final. */
function observe(finalized: Held[]): Engine {
  return engineOf({ self: null, minViewMs: 0 }, new SimClock(), { finalized })
}

function engineOf(
  role: { readonly self: number | null; readonly minViewMs: number },
  clock: SimClock,
  { finalized = [], build = () => null }: { finalized?: Held[]; build?: Duties['build'] }
): Engine {
  const nothing = () => {}
  const duties: Duties = {
    build,
    spread: nothing,
    notarized: nothing,
    finalized: (blocks) => void finalized.push(...blocks),
    entered: nothing,
    behind: nothing,
    equivocated: nothing,
    dropped: nothing,
    verified: nothing,
    ticked: nothing
  }
  const config = { committee: COMMITTEE, genesis: GENESIS, judge: () => true, deltaMs: 250, ...role }
  const state = {
    ...createState(config, clock.now(), { votes: [], held: [], certificates: [], final: GENESIS }),
    proposalSeenMs: clock.now()
  }
  const sending = new Sending(CLOSED, [], null, nothing, () => false)
  return new Engine(state, clock, sending, KEEPS_NOTHING, duties)
}

function certificate(kind: VoteKind, digest: string) {
  const statement = { kind, epoch: 0, view: 1, parentView: 0, digest }
  const votes = COMMITTEE.members.map(({ key }, signer) => {
    const identity = IDENTITIES.find(({ publicKey }) => Buffer.compare(publicKey, key) === 0)
    const signature = identity?.sign(signedBytes(COMMITTEE, statement)) ?? new Uint8Array(64)
    return { ...statement, signer, signature }
  })
  return certify(votes)
}

/** The first block is known to be final; the block itself has come and was not looked at yet. */
function lackFirstBlock(engine: Engine) {
  const place = { groupId: GROUP_ID, epoch: 0, view: 1, height: 1, parentView: 0, parent: GENESIS.digest }
  const proposal = makeBlock(place, 1_000, [])
  const { view, height, digest, timeMs } = proposal
  const finalization = certificate(KIND.finalize, digest)
  const from = leaderOf(COMMITTEE, view)
  engine.postAndRun({ type: 'certificate', from, certificate: finalization, ...engine.now() })
  const signature = new Uint8Array(64)
  engine.post({ type: 'propose', from: (from + 1) % 4, proposal, signature, ...engine.now() })
  return { view, height, digest, timeMs, certificate: finalization }
}

test('a block that was all that was missing becomes final', () => {
  const finalized: Held[] = []
  const engine = observe(finalized)
  const { digest } = lackFirstBlock(engine)
  expect(finalized).toEqual([])
  engine.run()
  expect(finalized.map(({ proposal }) => proposal.digest)).toEqual([digest])
})

test('it does not become final a second time where it was fetched by height meanwhile', () => {
  const finalized: Held[] = []
  const engine = observe(finalized)
  const final = lackFirstBlock(engine)
  engine.postAndRun({ type: 'adopt', final, ...engine.now() })
  expect(engine.state.final.digest).toBe(final.digest)
  expect(finalized).toEqual([])
})

test('of many changes of the pool in one turn the reducer hears the newest', () => {
  const engine = observe([])
  for (let version = 1; version <= 100; version++)
    engine.post({ type: 'pool', pending: version % 2 === 0, version, ...engine.now() })
  engine.run()
  expect(engine.state).toMatchObject({ pending: true, poolVersion: 100 })
})

test('a leader proposes when its pause is over, and without work there is no timer', () => {
  const clock = new SimClock()
  const builtMs: number[] = []
  const build = () => {
    builtMs.push(clock.now())
    return null
  }
  const engine = engineOf({ self: leaderOf(COMMITTEE, 1), minViewMs: 400.5 }, clock, { build })
  engine.postAndRun({ type: 'voting', voting: true, ...engine.now() })
  engine.postAndRun({ type: 'pool', pending: true, version: 1, ...engine.now() })
  while (builtMs.length === 0 && clock.step());
  expect(builtMs).toEqual([400.5])
  expect(clock.size).toBe(1)
  engine.postAndRun({ type: 'pool', pending: false, version: 1, ...engine.now() })
  expect(clock.size).toBe(0)
})
