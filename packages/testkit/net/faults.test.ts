import { createHash } from 'node:crypto'
import type { ChannelProtocol, FrameClass, LinkEvent, PeerId } from '@brume/ports'
import { describe, expect, it } from 'vitest'
import { NodeClock, SimClock, SimNet, type SimNetOptions, type SimNode, SimRandom, seedFromHex } from '../index.ts'

const SEED = '00112233445566778899aabbccddeeff'

function start(count: number, options: Partial<SimNetOptions> = {}, seed = SEED) {
  const clock = new SimClock()
  const world = new SimNet({ clock, random: new SimRandom(seedFromHex(seed), 'net'), ...options })
  const peers = Array.from({ length: count }, (_, index) => `peer-${index}`)
  const nodes = peers.map((peer) => world.start(peer))
  return { clock, world, nodes }
}

const pair = (options: Partial<SimNetOptions> = {}) => {
  const { clock, world, nodes } = start(2, options)
  const [a, b] = nodes
  if (a === undefined || b === undefined) throw new Error('two peers')
  return { clock, world, a, b }
}

const protocol = (frameClass: FrameClass = 'control'): ChannelProtocol => ({
  id: '/brume/test/1.0.0',
  class: frameClass,
  frameBytesMax: 65_536
})

function listen(node: SimNode, peers: readonly PeerId[], frameClass?: FrameClass) {
  const frames: { readonly byte: number; readonly atMs: number }[] = []
  const streams: string[] = []
  const channel = node.channel(protocol(frameClass), {
    frame: (_, body) => void frames.push({ byte: body[0] ?? 0, atMs: node.world.clock.now() }),
    opened: (peer) => void streams.push(`opened ${peer}`),
    closed: (peer) => void streams.push(`closed ${peer}`)
  })
  channel.connect(peers)
  return { channel, frames, streams }
}

const events = (node: SimNode): LinkEvent[] => {
  const seen: LinkEvent[] = []
  node.onLink((event) => seen.push(event))
  return seen
}

describe('SimNet', () => {
  it('runs without a promise: events alone connect, open and deliver', () => {
    const { clock, a, b } = pair({ pipe: { delayMs: 20, jitterMs: 0 } })
    const [here, there] = [listen(a, [b.self]), listen(b, [a.self])]
    clock.run(200)
    expect(here.streams).toEqual(['opened peer-1'])
    const sentMs = clock.now()
    for (let byte = 1; byte <= 20; byte += 1) clock.after(byte, () => here.channel.send(b.self, Uint8Array.of(byte)))
    clock.run(100)
    // Delays are side by side, not one after the other.
    expect(there.frames).toEqual(Array.from({ length: 20 }, (_, i) => ({ byte: i + 1, atMs: sentMs + i + 1 + 20 })))
    expect(a.links()[0]).toMatchObject({ peer: b.self, rttMs: 40, rttMinMs: 40 })
  })

  it('keeps order under jitter, stalls a stream where a segment is lost, and loses nothing of it', () => {
    const { clock, a, b } = pair({ pipe: { delayMs: 5, jitterMs: 15, loss: 0.2 } })
    const [here, there] = [listen(a, [b.self]), listen(b, [a.self])]
    clock.run(3_000)
    for (let byte = 0; byte < 200; byte += 1)
      clock.after(byte * 3, () => here.channel.send(b.self, Uint8Array.of(byte)))
    clock.run(30_000)
    expect(there.frames.map(({ byte }) => byte)).toEqual(Array.from({ length: 200 }, (_, byte) => byte))
    const gapsMs = there.frames.map(({ atMs }, index) => atMs - (there.frames[index - 1]?.atMs ?? atMs))
    expect(Math.max(...gapsMs)).toBeGreaterThan(150)
  })

  it('limits the rate', () => {
    const { clock, a, b } = pair({ pipe: { delayMs: 1, jitterMs: 0, bytesPerSecond: 100_000 } })
    const [here, there] = [listen(a, [b.self], 'bulk'), listen(b, [a.self], 'bulk')]
    clock.run(1_000)
    const sentMs = clock.now()
    for (let byte = 0; byte < 10; byte += 1) here.channel.send(b.self, new Uint8Array(10_000).fill(byte))
    clock.run(5_000)
    expect(there.frames).toHaveLength(10)
    expect((there.frames.at(-1)?.atMs ?? 0) - sentMs).toBeGreaterThan(990)
  })

  it('holds a clogged stream back, bounds its queue by class, and delivers what it took', () => {
    for (const frameClass of ['control', 'data', 'bulk'] as const) {
      const { clock, world, a, b } = pair()
      const [here, there] = [listen(a, [b.self], frameClass), listen(b, [a.self], frameClass)]
      clock.run(100)
      world.clog(a.self, b.self)
      let queued = 0
      let answer = 'queued'
      while (answer === 'queued' && queued < 100_000) {
        answer = here.channel.send(b.self, new Uint8Array(1_000))
        if (answer === 'queued') queued += 1
        if (queued % 100 === 0) clock.run(1)
      }
      expect(answer).toBe(frameClass === 'control' ? 'unreachable' : 'full')
      expect(queued * 1_004).toBeLessThan(1_048_576 + 262_144 + 65_536)
      expect(queued).toBeGreaterThanOrEqual(512)
      expect(there.frames).toHaveLength(0)
      world.heal()
      clock.run(2_000)
      if (frameClass === 'control') expect(here.streams).toEqual(['opened peer-1', 'closed peer-1', 'opened peer-1'])
      else expect(there.frames).toHaveLength(queued)
      expect(here.channel.send(b.self, Uint8Array.of(1))).toBe('queued')
    }
  })

  it('takes links down in a long partition, and up again when it heals', () => {
    const { clock, world, nodes } = start(4)
    clock.run(100)
    const [a, b, c, d] = nodes.map((node) => node.self) as [PeerId, PeerId, PeerId, PeerId]
    world.partition([[a, b], [c]])
    const seen = nodes.map(events)
    clock.run(5_000)
    expect(seen.flat()).toEqual([])
    clock.run(10_000)
    expect(nodes.map((node) => node.links().map(({ peer }) => peer))).toEqual([[b], [a], [], []])
    world.heal()
    clock.run(2_000)
    expect(nodes.map((node) => node.links().length)).toEqual([3, 3, 3, 3])
    expect(
      seen[3]
        ?.filter(({ type }) => type === 'link.up')
        .map(({ peer }) => peer)
        .sort()
    ).toEqual([a, b, c])
    expect(d).toBe('peer-3')
  })

  it('forgets a short partition: nothing is lost, no link goes down', () => {
    const { clock, world, a, b } = pair()
    const [here, there] = [listen(a, [b.self]), listen(b, [a.self])]
    clock.run(100)
    const seen = events(a)
    here.channel.send(b.self, Uint8Array.of(1))
    clock.run(0.001)
    world.partition([[a.self], [b.self]])
    here.channel.send(b.self, Uint8Array.of(2))
    clock.run(3_000)
    expect(there.frames).toEqual([])
    world.heal()
    clock.run(100)
    expect(there.frames.map(({ byte }) => byte)).toEqual([1, 2])
    expect(seen).toEqual([])
  })

  it('stops and starts a peer', () => {
    const { clock, world, a, b } = pair()
    const here = listen(a, [b.self])
    listen(b, [a.self])
    const seen = events(a)
    clock.run(100)
    world.stop(b.self)
    expect(here.channel.send(b.self, Uint8Array.of(1))).toBe('unreachable')
    expect(b.links()).toEqual([])
    clock.run(5_000)
    const again = listen(world.start(b.self), [a.self])
    clock.run(5_000)
    expect(seen.map(({ type }) => type)).toEqual(['link.up', 'link.down', 'link.up'])
    expect(here.channel.send(b.self, Uint8Array.of(2))).toBe('queued')
    clock.run(100)
    expect(again.frames.map(({ byte }) => byte)).toEqual([2])
  })

  it('connects only wanted peers without discovery, and lets a banned one in after its time', () => {
    const { clock, a, b } = pair({ discovery: false })
    clock.run(10_000)
    expect(a.links()).toEqual([])
    b.want([{ peer: a.self, addresses: a.addresses(), priority: 'member' }])
    clock.run(100)
    expect(a.links()).toHaveLength(1)
    a.drop(b.self, { banMs: 5_000 })
    expect(b.links()).toEqual([])
    clock.run(4_900)
    expect(b.links()).toEqual([])
    clock.run(2_000)
    expect(b.links()).toHaveLength(1)
  })

  it('relays gossip across peers that are not connected, loses a share, and lets bytes pass again after 120 s', () => {
    const { clock, world, nodes } = start(3, { discovery: false })
    const [a, b, c] = nodes
    if (a === undefined || b === undefined || c === undefined) throw new Error('three peers')
    b.want([a, c].map((node) => ({ peer: node.self, addresses: [], priority: 'member' as const })))
    clock.run(100)
    const heard: string[] = []
    const topic = a.topic('t', () => 'accept')
    let verdict: 'accept' | 'ignore' = 'accept'
    b.topic('t', (from) => {
      heard.push(`b from ${from}`)
      return verdict
    })
    c.topic('t', (from) => {
      heard.push(`c from ${from}`)
      return 'accept'
    })
    const publish = (byte: number): void => {
      void topic.publish(Uint8Array.of(byte))
      clock.run(100)
    }
    publish(1)
    expect(heard.splice(0)).toEqual(['b from peer-0', 'c from peer-1'])
    publish(1)
    expect(heard).toEqual([])
    verdict = 'ignore'
    publish(2)
    expect(heard.splice(0)).toEqual(['b from peer-0'])
    clock.run(120_000)
    publish(1)
    expect(heard.splice(0)).toEqual(['b from peer-0'])
    world.set(a.self, b.self, { loss: 0.5 })
    for (let byte = 10; byte < 110; byte += 1) publish(byte)
    expect(heard.length).toBeGreaterThan(25)
    expect(heard.length).toBeLessThan(75)
  })

  it('runs the same from the same seed, and otherwise from another', () => {
    const run = (seed: string): string => {
      const { clock, world, nodes } = start(4, { pipe: { jitterMs: 30, loss: 0.1, duplication: 0.2 } }, seed)
      const log = createHash('sha256')
      const peers = nodes.map(({ self }) => self)
      const channels = nodes.map((node, index) => {
        const channel = node.channel(protocol(), {
          frame: (from, body) => void log.update(`${clock.nowUs} ${index} ${from} ${body[0]}`),
          opened: (peer) => void log.update(`${clock.nowUs} ${index} opened ${peer}`)
        })
        channel.connect(peers)
        return channel
      })
      for (let at = 0; at < 5_000; at += 7) {
        const [from, to] = [at % 4, (at >> 3) % 4]
        clock.after(at, () => channels[from]?.send(peers[to] ?? '', Uint8Array.of(at & 255)))
      }
      clock.after(1_000, () => world.partition([peers.slice(0, 2), peers.slice(2)]))
      clock.after(2_000, () => world.heal())
      clock.after(3_000, () => world.sever('peer-0', 'peer-1'))
      clock.run(10_000)
      return log.digest('hex')
    }
    expect(run(SEED)).toBe(run(SEED))
    expect(run(SEED)).not.toBe(run('ff112233445566778899aabbccddeeff'))
  })
})

it('a stalled peer reads what arrived when it goes on, and only then do its timers act', () => {
  const { clock, world, a, b } = pair({ pipe: { delayMs: 1, jitterMs: 0 } })
  const { channel } = listen(a, [b.self])
  const heard = listen(b, [])
  const timers = new NodeClock(clock)
  clock.run(100)
  const order: string[] = []
  timers.after(5, () => order.push(`timer after ${heard.frames.length} frames at ${clock.now()}`))
  timers.after(6, () => order.push('cancelled'))()
  world.stall(b.self, 50)
  timers.stall(50)
  channel.send(b.self, Uint8Array.of(1))
  channel.send(b.self, Uint8Array.of(2))
  clock.run(49)
  expect([heard.frames, order]).toEqual([[], []])
  clock.run(10)
  expect(heard.frames).toEqual([1, 2].map((byte) => ({ byte, atMs: 150 })))
  expect(order).toEqual(['timer after 2 frames at 150'])
})
