import { encodeHello, QUORUM_PROTOCOL } from '@brume/protocols/quorum'
import { SimClock, SimNet, SimRandom, seedFromHex } from '@brume/testkit'
import { expect, test } from 'vitest'
import { type Listener, Reception } from './receive.ts'

test('a group knows its handle before a peer that waited for it asks what it heard', () => {
  const clock = new SimClock()
  const net = new SimNet({ clock, random: new SimRandom(seedFromHex('00'.repeat(16)), 'net') })
  const [here, there] = [net.start('here'), net.start('there')]
  const reception = new Reception(here, () => {})
  const groupId = new Uint8Array(32)
  const order: string[] = []
  const listener = (epoch: number): Listener => ({
    ...{ groupId, epoch, peers: new Set(['there']) },
    heard: () => {},
    batched: () => {},
    opened: () => order.push(`opened ${epoch}`),
    asks: () => false,
    asked: () => order.push(`asked ${epoch}`),
    closed: () => {},
    announced: () => {},
    early: () => {}
  })
  reception.join(listener(0), () => order.push('named 0'))
  const channel = there.channel(QUORUM_PROTOCOL, { frame: () => {} })
  channel.connect(['here'])
  clock.run(1_000)
  channel.send('here', encodeHello([{ groupId, epoch: 1, handle: 7, restarted: true }]))
  clock.run(1_000)
  reception.join(listener(1), () => order.push('named 1'))
  expect(order).toEqual(['named 0', 'opened 0', 'named 1', 'opened 1', 'asked 1'])
})
