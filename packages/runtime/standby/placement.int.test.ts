import { peerIdFromKey } from '@brume/crypto'
import { systemClock } from '@brume/ports/system'
import { checkLogic, encodeCommand, inlineExecutor } from '@brume/runtime/replica'
import { expect, test } from 'vitest'
import type { PlacementEvent, PlacementReply } from './port.ts'

const keyOf = (n: number): Uint8Array => new Uint8Array(32).fill(n)
const [A, B, C] = [peerIdFromKey(keyOf(1)), peerIdFromKey(keyOf(2)), peerIdFromKey(keyOf(3))] as const
const AT = { path: 'orders', epoch: 1, version: 1 }

/** By hand, for the check's events come from random clients: they are judged, and mostly refused. */
const SAMPLES = {
  place: [{ path: 'orders', kind: 'orders', copies: [A, B, C], minInSync: 1 }],
  take: [AT],
  drop: [{ ...AT, peer: B }],
  join: [{ ...AT, peer: B }],
  hand: [{ ...AT, to: B, stays: true }],
  remove: [AT]
}

test('a quorum can replicate the placement machine, and it does what members order', async () => {
  const url = new URL('./placement.machine.ts', import.meta.url)
  const { bundle, events } = await checkLogic(url, { clock: systemClock(), samples: SAMPLES })
  expect([...events].sort()).toEqual(['drop', 'hand', 'join', 'place', 'remove', 'take'])
  const assignment = { address: 'brume://group/x/placement#1', input: null, legacy: null, admins: [] }
  const executor = inlineExecutor(bundle, assignment)
  const orders: readonly (readonly [client: number, event: PlacementEvent])[] = [
    [1, { type: 'place', path: 'orders', kind: 'orders', copies: [A, B, C], minInSync: 1 }],
    [1, { type: 'join', ...AT, peer: B }],
    [3, { type: 'take', ...AT, version: 2 }],
    [2, { type: 'take', ...AT, version: 2 }],
    [1, { type: 'drop', ...AT, version: 2, peer: B }]
  ]
  const commands = orders.map(([client, event], index) => {
    const body = encodeCommand({ kind: 'event', event: { ...event } })
    return { id: String(index).padStart(64, '0'), client: keyOf(client), index, body }
  })
  const batch = { height: 1, timeMs: 0, seed: new Uint8Array(32), commands }
  const { outcomes } = await executor.execute(null, batch)
  const replies = outcomes.map(({ value }) => value as unknown as PlacementReply)
  expect(replies.map(({ refused }) => refused)).toEqual([null, null, 'forbidden', null, 'behind'])
  expect(replies.at(-1)?.placement).toEqual({
    ...{ epoch: 2, version: 3, holder: B, inSync: [], copies: [A, B, C], minInSync: 1, kind: 'orders' },
    begun: true
  })
})
