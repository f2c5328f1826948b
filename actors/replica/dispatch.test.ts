import type { Found, Group } from '@brume/actors/quorum'
import { QuorumError } from '@brume/actors/quorum'
import type { Store } from '@brume/ports'
import { DEFAULT_PACE, encodeManifest } from '@brume/protocols/quorum'
import type { Outgoing } from '@brume/runtime/replica'
import { memoryStore, SimClock } from '@brume/testkit'
import { expect, test } from 'vitest'
import { Dispatch } from './index.ts'
import { memberOf, person } from './test/world.ts'

const PEOPLE = [0, 1, 2, 3].map(person)
const TURN_MS = 2 * DEFAULT_PACE.deltaMs
const MANIFEST = encodeManifest({
  name: 'demo',
  nonce: new Uint8Array(32),
  pace: DEFAULT_PACE,
  members: PEOPLE.map(memberOf),
  program: new Uint8Array(1)
})
const PLACE = { leaf: Uint8Array.of(1), index: 0, count: 1, path: [] }
const SHOWN: Found = { height: 1, leaves: [PLACE.leaf], bundle: Uint8Array.of(2), places: [PLACE] }

const send = (seq: number, to = 'shop'): Outgoing => ({ seq, prev: seq - 1, to, event: { type: 'sum' } })

interface Circumstances {
  readonly read?: () => Found
  readonly store?: Store
  /** The target takes nothing, and refuses nothing either. */
  readonly isAway?: boolean
}

/** The dispatch of the member after so many others in a block of the first, and what it brings. */
function dispatchOf(rank: number, { read = () => SHOWN, store = memoryStore(), isAway = false }: Circumstances = {}) {
  const clock = new SimClock()
  const delivered: number[] = []
  const failed: number[] = []
  const members = PEOPLE.map(({ peerId }) => ({ peer: peerId, weight: 1 }))
  const dispatch = new Dispatch({
    ...{ clock, manifest: MANIFEST, self: PEOPLE[rank]?.peerId ?? '' },
    group: { status: () => ({ members }) } as unknown as Group,
    client: { read: async () => read() },
    store,
    deliver: async ({ seq }) => {
      if (isAway) await new Promise(() => {})
      delivered.push(seq)
    },
    failed: ({ seq }) => failed.push(seq)
  })
  const attested = (height: number, ...sends: readonly Outgoing[]) =>
    dispatch.attested({ height, leader: 0, timeMs: clock.wall() }, sends)
  return { clock, dispatch, attested, delivered, failed }
}

test('every member has its turn, two Delta after the one before it, to the last', async () => {
  const { clock, attested, delivered } = dispatchOf(3)
  attested(1, send(5))
  await clock.pass(3 * TURN_MS - 1)
  expect(delivered).toEqual([])
  await clock.pass(1)
  expect(delivered).toEqual([5])
})

test('what its target has taken from here, or a later one of it, is not brought again', async () => {
  const { clock, attested, delivered } = dispatchOf(0)
  attested(3, send(9))
  await clock.pass(1)
  attested(1, send(7), send(8, 'other'))
  attested(3, send(9))
  await clock.pass(1)
  expect(delivered).toEqual([9, 8])
})

test('an earlier one is brought where its target may have gone ahead of it', async () => {
  const { clock, dispatch, attested, delivered } = dispatchOf(0)
  attested(3, send(9))
  await clock.pass(1)
  // Of a block that came here minutes after it was made.
  dispatch.attested({ height: 1, leader: 0, timeMs: clock.wall() - 90_000 }, [send(7)])
  await clock.pass(1)
  // One that names none before it: nobody waits for those.
  attested(4, { ...send(12), prev: 0 })
  await clock.pass(1)
  attested(2, send(8), send(12))
  await clock.pass(1)
  expect(delivered).toEqual([9, 7, 12, 8])
})

test('a member that can prove nothing yet, for it catches up, brings it once it can', async () => {
  let isBehind = true
  const { clock, attested, delivered, failed } = dispatchOf(0, {
    read: () => {
      if (isBehind) throw new QuorumError('BRUME_QUORUM_SYNCING', 'this member is catching up')
      return SHOWN
    }
  })
  attested(1, send(5))
  await clock.pass(10_000)
  expect([delivered, failed]).toEqual([[], []])
  isBehind = false
  await clock.pass(1_000)
  expect([delivered, failed]).toEqual([[5], []])
})

test('a proof is made while it can be, and what can be proven no more is given up', async () => {
  let shown = SHOWN
  const { clock, attested, delivered, failed } = dispatchOf(3, { read: () => shown })
  attested(1, send(5))
  await clock.pass(1)
  shown = { ...SHOWN, leaves: null, bundle: null, places: null }
  attested(2, send(6))
  await clock.pass(3 * TURN_MS)
  expect([delivered, failed]).toEqual([[5], [6]])
})

test('nothing leaves any more once it is stopped', async () => {
  const { clock, dispatch, attested, delivered, failed } = dispatchOf(1)
  attested(1, send(5))
  await clock.pass(1)
  dispatch.stop()
  await clock.pass(10 * TURN_MS)
  expect([delivered, failed]).toEqual([[], []])
})

test('what a target that is away has not taken is brought after a restart, and then no more', async () => {
  const store = memoryStore()
  const first = dispatchOf(0, { store, isAway: true })
  first.attested(1, send(5), send(6, 'other'))
  await first.clock.pass(10_000)
  first.dispatch.stop()
  expect(first.delivered).toEqual([])
  const second = dispatchOf(0, { store })
  await second.dispatch.resume()
  await second.clock.pass(1)
  expect(second.delivered).toEqual([5, 6])
  const third = dispatchOf(0, { store })
  await third.dispatch.resume()
  await third.clock.pass(1)
  expect(third.delivered).toEqual([])
})
