import { encodeHello, QUORUM_PROTOCOL } from '@brume/protocols/quorum'
import { SimClock, SimNet, SimRandom, seedFromHex } from '@brume/testkit'
import { expect, test } from 'vitest'
import { type Listener, Reception } from './receive.ts'

const groupId = new Uint8Array(32).fill(255)

function listener(epoch: number, order: string[] = []): Listener {
  return {
    ...{ groupId, epoch, peers: new Set(['there']) },
    heard: () => {},
    batched: () => {},
    opened: () => order.push(`opened ${epoch}`),
    asks: () => false,
    asked: () => order.push(`asked ${epoch}`),
    closed: () => {},
    announced: () => {},
    early: () => {}
  }
}

function newNet() {
  const clock = new SimClock()
  return { clock, net: new SimNet({ clock, random: new SimRandom(seedFromHex('00'.repeat(16)), 'net') }) }
}

test('a group knows its handle before a peer that waited for it asks what it heard', () => {
  const { clock, net } = newNet()
  const [here, there] = [net.start('here'), net.start('there')]
  const reception = new Reception(here, () => {})
  const order: string[] = []
  reception.join(listener(0, order), () => order.push('named 0'))
  const channel = there.channel(QUORUM_PROTOCOL, { frame: () => {} })
  channel.connect(['here'])
  clock.run(1_000)
  channel.send('here', encodeHello([{ groupId, epoch: 1, handle: 7, restarted: true }]))
  clock.run(1_000)
  reception.join(listener(1, order), () => order.push('named 1'))
  expect(order).toEqual(['named 0', 'opened 0', 'named 1', 'opened 1', 'asked 1'])
})

test('two processes call an epoch the same, however many each has been through, and none runs out of names', () => {
  const { net } = newNet()
  const [old, young] = ['old', 'young'].map((name) => new Reception(net.start(name), () => {}))
  const handleOf = (reception: Reception | undefined, epoch: number): number => {
    let named = -1
    reception?.join(listener(epoch), (handle) => {
      named = handle
    })
    return named
  }
  for (let epoch = 0; epoch < 3; epoch++) old?.leave(handleOf(old, epoch))
  expect(handleOf(old, 3)).toBe(handleOf(young, 3))
  const last = handleOf(young, 70_000)
  expect(last).toBeLessThan(65_536)
  // Taken by the one before: epochs so far apart share their name.
  expect(handleOf(young, 70_000 + 65_536)).toBe(last + 1)
})
