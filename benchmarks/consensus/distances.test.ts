import type { Channel, ChannelHandler, Link, Net } from '@brume/ports'
import { expect, test, vi } from 'vitest'
import { distancesOf, distantNet } from './distances.ts'

test('loopback is near, and wan80 the same 40 ms everywhere', () => {
  expect(distancesOf('loopback', 4)(0, 3)).toBe(0)
  const far = distancesOf('wan80', 4)
  expect([far(0, 1), far(3, 2)]).toEqual([40, 40])
})

test('frames are handed over late and in order, each as a batch, and links are as long', () => {
  vi.useFakeTimers()
  const link = { peer: 'b', rttMs: 1 } as Link
  let inner: ChannelHandler | undefined
  const near = {
    channel: (_: unknown, handler: ChannelHandler) => {
      inner = handler
      return {} as Channel
    },
    links: () => [link]
  } as unknown as Net
  const heard: string[] = []
  const net = distantNet(near, (peer) => (peer === 'b' ? 40 : 10))
  net.channel(
    { id: '/brume/far/1.0.0', class: 'control', frameBytesMax: 1_024 },
    { frame: (from, [byte]) => heard.push(`${from}${byte}`), flush: () => heard.push('flush') }
  )
  for (const byte of [1, 2]) inner?.frame('b', Uint8Array.of(byte))
  inner?.frame('c', Uint8Array.of(3))
  vi.advanceTimersByTime(39)
  expect(heard).toEqual(['c3', 'flush'])
  vi.advanceTimersByTime(1)
  expect(heard).toEqual(['c3', 'flush', 'b1', 'flush', 'b2', 'flush'])
  expect(net.links().map(({ rttMs }) => rttMs)).toEqual([81])
  vi.useRealTimers()
})
