import type { Arrival, Sending } from '@brume/actors/replica'
import { SimClock, SimNet, SimRandom } from '@brume/testkit'
import { expect, test } from 'vitest'
import { GroupSends } from './sends.ts'

const SELF = '12D3KooWAHoEkEqnKzM5PXFygh2movVBCSX3k8tDsT2cneU68Gyt'
const TO = `brume://${SELF}/shop`
const GAP: Arrival = { refused: 'gap', again: true }

/** A peer whose actor takes what comes in order: 1, 2, and so on. */
function shop() {
  const clock = new SimClock()
  const net = new SimNet({ clock, random: new SimRandom(new Uint8Array(16), 'net') }).start(SELF)
  const taken: number[] = []
  const take = async (_: string, proof: Uint8Array): Promise<Arrival> => {
    const [seq = 0] = proof
    if (seq > (taken.at(-1) ?? 0) + 1) return GAP
    if (seq > (taken.at(-1) ?? 0)) taken.push(seq)
    return 'taken'
  }
  const directory = () => {
    throw new Error('no group is sent to')
  }
  const holderOf = directory
  const sends = new GroupSends({ net, clock, arrivals: { take }, directory, holderOf })
  const deliver = (seq: number): Promise<void> => sends.deliver(sending(seq))
  return { clock, taken, deliver }
}

function sending(seq: number): Sending {
  return { from: 'brume://group/a/b', to: TO, seq, prev: seq - 1, event: { type: 'sum' }, proof: Uint8Array.of(seq) }
}

test('what waits for one that is missing goes at once when that is taken, not when it would be tried again', async () => {
  const { clock, taken, deliver } = shop()
  const waiting = [4, 2, 3].map(deliver)
  // All are tried again every 30 s by now.
  await clock.pass(100_000)
  expect(taken).toEqual([])
  await deliver(1)
  await clock.pass(0)
  await Promise.all(waiting)
  expect(taken).toEqual([1, 2, 3, 4])
})
