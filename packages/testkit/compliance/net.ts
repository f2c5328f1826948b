import type { ChannelProtocol, LinkEvent, Net, PeerId, RequestProtocol, Verdict } from '@brume/ports'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

/** Peers that know of each other, for the suite to use and to end. */
export interface NetWorld {
  /** Started; each pair connects by itself within `until`'s patience. */
  readonly nets: readonly Net[]
  /** Resolves when the condition holds, letting time pass as it does in this world; else rejects naming `what`. */
  until(condition: () => boolean, what: string): Promise<void>
  stop(): Promise<void>
}

/** Starts so many peers of one network. */
export type NetFactory = (count: number) => Promise<NetWorld>

/** Registers the cases that every `Net` passes, simulated or real. Three peers serve most of them. */
export function netCompliance(name: string, start: NetFactory): void {
  describe(`Net: ${name}`, () => {
    let shared: NetWorld | undefined
    const world = (): NetWorld => {
      if (shared === undefined) throw new Error('the world did not start')
      return shared
    }
    beforeAll(async () => {
      shared = await start(3)
      await connected(shared)
    }, 60_000)
    afterAll(() => shared?.stop(), 30_000)
    linkCases(world)
    channelCases(world)
    requestCases(world)
    topicCases(world)
    dropCases(start)
  })
}

const CASE_MS = 60_000
const LARGE_BYTES = 30_000

const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const fromText = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

function at(nets: readonly Net[], index: number): Net {
  const net = nets[index]
  if (net === undefined) throw new Error(`the world has no peer ${index}`)
  return net
}

async function connected({ nets, until }: NetWorld): Promise<void> {
  await until(() => nets.every((net) => net.links().length === nets.length - 1), 'every pair of peers is connected')
}

/** The promise's outcome, while this world's time passes. */
async function outcome<T>(world: NetWorld, promise: Promise<T>, what: string): Promise<T | Error> {
  let result: { value: T | Error } | undefined
  promise.then(
    (value) => {
      result = { value }
    },
    (reason) => {
      result = { value: reason instanceof Error ? reason : new Error(String(reason)) }
    }
  )
  await world.until(() => result !== undefined, what)
  return (result as { value: T | Error } | undefined)?.value ?? new Error('no outcome')
}

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : error)

function linkCases(world: () => NetWorld): void {
  it('lists each connected peer once, and never itself', () => {
    const { nets } = world()
    for (const net of nets) {
      const peers = net.links().map((link) => link.peer)
      expect(new Set(peers)).toEqual(new Set(nets.map(({ self }) => self).filter((peer) => peer !== net.self)))
      expect(peers).toHaveLength(nets.length - 1)
      expect(net.addresses().length).toBeGreaterThan(0)
    }
  })
}

interface Inbox {
  readonly frames: { readonly from: PeerId; readonly body: Uint8Array }[]
  readonly opened: PeerId[]
  readonly closed: PeerId[]
  flushes: number
}

function openChannel(net: Net, protocol: ChannelProtocol) {
  const inbox: Inbox = { frames: [], opened: [], closed: [], flushes: 0 }
  const channel = net.channel(protocol, {
    frame: (from, body) => void inbox.frames.push({ from, body }),
    flush: () => {
      inbox.flushes += 1
    },
    opened: (peer) => void inbox.opened.push(peer),
    closed: (peer) => void inbox.closed.push(peer)
  })
  return { channel, inbox }
}

const protocolOf = (name: string, frameBytesMax = 65_536): ChannelProtocol => ({
  id: `/brume/compliance-${name}/1.0.0`,
  class: 'data',
  frameBytesMax
})

/** Frames of many sizes whose content names their place. */
function frameOf(index: number): Uint8Array {
  const body = new Uint8Array(1 + ((index * 977) % 5_000)).fill(index % 251)
  return Uint8Array.from([index >> 8, index & 255, ...body])
}

function channelCases(world: () => NetWorld): void {
  it('delivers frames whole and in order, in both directions, and flushes', channelOrder(world), CASE_MS)
  it('answers unreachable without a stream, and sends nothing', channelUnreachable(world), CASE_MS)
  it('closes the streams of peers no longer named', channelClose(world), CASE_MS)
  it('drops a frame above the limit without throwing', channelTooLarge(world), CASE_MS)
  it('aborts the stream on which a handler throws, and opens it again', channelThrow(world), CASE_MS)
}

const channelOrder = (world: () => NetWorld) => async () => {
  const { nets, until } = world()
  const [a, b] = [at(nets, 0), at(nets, 1)]
  const protocol = protocolOf('order')
  const [here, there] = [openChannel(a, protocol), openChannel(b, protocol)]
  here.channel.connect([b.self])
  there.channel.connect([a.self])
  await until(() => here.channel.isOpen(b.self) && there.channel.isOpen(a.self), 'both streams are open')
  expect(here.inbox.opened).toEqual([b.self])
  const count = 300
  for (let index = 0; index < count; ) {
    const sent = here.channel.send(b.self, frameOf(index))
    const answered = there.channel.send(a.self, frameOf(index))
    if (sent === 'queued' && answered === 'queued') index += 1
    else expect.fail(`a stream that is open answered ${sent} and ${answered}`)
    if (index % 50 === 0) await until(() => there.inbox.frames.length >= index, `frame ${index} arrived`)
  }
  await until(() => there.inbox.frames.length >= count && here.inbox.frames.length >= count, 'all frames arrived')
  for (const { inbox, peer } of [
    { inbox: there.inbox, peer: a.self },
    { inbox: here.inbox, peer: b.self }
  ]) {
    expect(inbox.frames.every(({ from }) => from === peer)).toBe(true)
    expect(inbox.frames.map(({ body }) => Buffer.from(body).toString('hex'))).toEqual(
      Array.from({ length: count }, (_, index) => Buffer.from(frameOf(index)).toString('hex'))
    )
  }
  await until(() => there.inbox.flushes > 0, 'a flush followed')
  here.channel.close()
  there.channel.close()
}

const channelUnreachable = (world: () => NetWorld) => async () => {
  const { nets } = world()
  const [a, b] = [at(nets, 0), at(nets, 1)]
  const { channel } = openChannel(a, protocolOf('unreachable'))
  expect(channel.isOpen(b.self)).toBe(false)
  expect(channel.send(b.self, text('nobody named this peer'))).toBe('unreachable')
  expect(channel.send(a.self, text('to myself'))).toBe('unreachable')
  channel.close()
  expect(channel.send(b.self, text('after the end'))).toBe('unreachable')
}

const channelClose = (world: () => NetWorld) => async () => {
  const { nets, until } = world()
  const [a, b, c] = [at(nets, 0), at(nets, 1), at(nets, 2)]
  const protocol = protocolOf('close')
  const [here, there, third] = [a, b, c].map((net) => openChannel(net, protocol))
  if (here === undefined || there === undefined || third === undefined) throw new Error('three peers')
  here.channel.connect([b.self, c.self])
  await until(() => here.channel.isOpen(b.self) && here.channel.isOpen(c.self), 'two streams are open')
  here.channel.connect([c.self])
  await until(() => here.inbox.closed.includes(b.self), 'the stream to the peer left out closed')
  expect(here.channel.isOpen(b.self)).toBe(false)
  expect(here.channel.send(b.self, text('gone'))).toBe('unreachable')
  expect(here.channel.send(c.self, text('still here'))).toBe('queued')
  await until(() => third.inbox.frames.length === 1, 'the other stream works on')
  expect(there.inbox.frames).toHaveLength(0)
  for (const { channel } of [here, there, third]) channel.close()
}

const channelTooLarge = (world: () => NetWorld) => async () => {
  const { nets, until } = world()
  const [a, b] = [at(nets, 0), at(nets, 1)]
  const protocol = protocolOf('limit', 1_000)
  const [here, there] = [openChannel(a, protocol), openChannel(b, protocol)]
  here.channel.connect([b.self])
  await until(() => here.channel.isOpen(b.self), 'the stream is open')
  expect(() => here.channel.send(b.self, new Uint8Array(1_001))).not.toThrow()
  await until(() => here.channel.isOpen(b.self), 'the stream is open, still or again')
  await until(() => here.channel.send(b.self, new Uint8Array(1_000)) === 'queued', 'a frame at the limit is taken')
  await until(() => there.inbox.frames.length > 0, 'a frame at the limit arrives')
  expect(there.inbox.frames.every(({ body }) => body.length === 1_000)).toBe(true)
  here.channel.close()
  there.channel.close()
}

const channelThrow = (world: () => NetWorld) => async () => {
  const { nets, until } = world()
  const [a, b] = [at(nets, 0), at(nets, 1)]
  const protocol = protocolOf('throw')
  const here = openChannel(a, protocol)
  const taken: string[] = []
  const there = b.channel(protocol, {
    frame: (_, body) => {
      if (fromText(body) === 'bad') throw new Error('thrown on purpose by the compliance suite')
      taken.push(fromText(body))
    }
  })
  here.channel.connect([b.self])
  await until(() => here.channel.isOpen(b.self), 'the stream is open')
  here.channel.send(b.self, text('bad'))
  await until(() => here.inbox.closed.length > 0, 'the stream was aborted')
  await until(() => here.channel.isOpen(b.self), 'the stream opened again')
  await until(() => {
    here.channel.send(b.self, text('good'))
    return taken.includes('good')
  }, 'frames arrive again')
  here.channel.close()
  there.close()
}

const requestOf = (name: string): RequestProtocol => ({
  id: `/brume/compliance-ask-${name}/1.0.0`,
  requestBytesMax: LARGE_BYTES,
  answerBytesMax: LARGE_BYTES
})

function requestCases(world: () => NetWorld): void {
  it('answers requests, many at once and large ones', requestEcho(world), CASE_MS)
  it('rejects a request that fails, as a NetError', requestFailures(world), CASE_MS)
  it('times out where no answer comes', requestTimeout(world), CASE_MS)
}

const requestEcho = (world: () => NetWorld) => async () => {
  const { nets } = world()
  const [a, b] = [at(nets, 0), at(nets, 1)]
  const protocol = requestOf('echo')
  const cancel = b.serve(protocol, async (from, body) => (from === a.self ? body.slice().reverse() : text('who?')))
  const bodies = Array.from({ length: 40 }, (_, index) => frameOf(index))
  const asked = bodies.map((body) => a.request(b.self, protocol, body, { timeoutMs: 20_000 }))
  const answers = await outcome(world(), Promise.all(asked), '40 answers came')
  expect(answers).toEqual(bodies.map((body) => Uint8Array.from(body).reverse()))
  const large = new Uint8Array(LARGE_BYTES).fill(7)
  const answer = await outcome(world(), a.request(b.self, protocol, large, { timeoutMs: 20_000 }), 'the large one')
  expect(answer).toEqual(large)
  cancel()
}

const requestFailures = (world: () => NetWorld) => async () => {
  const { nets } = world()
  const [a, b] = [at(nets, 0), at(nets, 1)]
  const protocol = requestOf('fail')
  const cancel = b.serve(protocol, () => {
    throw new Error('thrown on purpose by the compliance suite')
  })
  const ask = (peer: PeerId, body: Uint8Array) =>
    outcome(world(), a.request(peer, protocol, body, { timeoutMs: 10_000 }), 'the request ended')
  expect(await ask(b.self, text('x'))).toMatchObject({ name: 'NetError' })
  expect(codeOf(await ask(b.self, new Uint8Array(LARGE_BYTES + 1)))).toBe('BRUME_NET_FRAME_TOO_LARGE')
  const stranger = '12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN'
  expect(codeOf(await ask(stranger, text('x')))).toBe('BRUME_NET_UNREACHABLE')
  cancel()
  cancel()
  expect(await ask(b.self, text('nobody serves this any more'))).toMatchObject({ name: 'NetError' })
}

const requestTimeout = (world: () => NetWorld) => async () => {
  const { nets } = world()
  const [a, b] = [at(nets, 0), at(nets, 1)]
  const protocol = requestOf('silence')
  const { promise, resolve } = Promise.withResolvers<Uint8Array>()
  const cancel = b.serve(protocol, () => promise)
  const asked = a.request(b.self, protocol, text('x'), { timeoutMs: 300 })
  expect(codeOf(await outcome(world(), asked, 'the request gave up'))).toBe('BRUME_NET_TIMEOUT')
  resolve(text('too late'))
  cancel()
}

function topicCases(world: () => NetWorld): void {
  it('publishes to every subscriber, and identical bytes once', topicOnce(world), CASE_MS)
  it('judges no message after leaving', topicLeave(world), CASE_MS)
  it('refuses to publish more than 32 KiB', topicTooLarge(world), CASE_MS)
}

function listen(net: Net, name: string, verdict: Verdict = 'accept') {
  const heard: string[] = []
  const topic = net.topic(name, (_, data) => {
    heard.push(fromText(data))
    return verdict
  })
  return { topic, heard }
}

const topicOnce = (world: () => NetWorld) => async () => {
  const { nets, until } = world()
  const members = nets.map((net) => listen(net, 'compliance-once'))
  const [first, ...others] = members
  if (first === undefined) throw new Error('a world without peers')
  await until(() => first.topic.subscribers().length === others.length, 'everyone is seen as subscribed')
  let round = 0
  // A mesh forms with heartbeats: until then a message may find nobody.
  await until(() => {
    round += 1
    void first.topic.publish(text(`round ${round}`), { flood: true })
    return others.every(({ heard }) => heard.length > 0)
  }, 'a message reached every subscriber')
  const { recipients } = (await outcome(world(), first.topic.publish(text('twice')), 'published')) as {
    recipients: number
  }
  expect(recipients).toBeGreaterThan(0)
  await outcome(world(), first.topic.publish(text('twice')), 'published again')
  await outcome(world(), first.topic.publish(text('last')), 'published the last')
  await until(() => others.every(({ heard }) => heard.includes('last') && heard.includes('twice')), 'the last arrived')
  for (const { heard } of others) expect(heard.filter((message) => message === 'twice')).toHaveLength(1)
  expect(first.heard).not.toContain('twice')
  for (const { topic } of members) topic.leave()
}

const topicLeave = (world: () => NetWorld) => async () => {
  const { nets, until } = world()
  const [here, there, third] = nets.map((net) => listen(net, 'compliance-leave'))
  if (here === undefined || there === undefined || third === undefined) throw new Error('three peers')
  await until(() => here.topic.subscribers().length === 2, 'everyone is seen as subscribed')
  there.topic.leave()
  there.topic.leave()
  await until(() => here.topic.subscribers().length === 1, 'the leaving was seen')
  const before = there.heard.length
  let round = 0
  await until(() => {
    round += 1
    void here.topic.publish(text(`round ${round}`), { flood: true })
    return third.heard.length > 0
  }, 'the other subscriber still hears')
  expect(there.heard).toHaveLength(before)
  here.topic.leave()
  third.topic.leave()
}

const topicTooLarge = (world: () => NetWorld) => async () => {
  const { topic } = listen(at(world().nets, 0), 'compliance-large')
  const published = topic.publish(new Uint8Array(32 * 1024 + 1))
  expect(codeOf(await outcome(world(), published, 'publish ended'))).toBe('BRUME_NET_FRAME_TOO_LARGE')
  topic.leave()
}

function dropCases(start: NetFactory): void {
  it(
    'drops a peer on both sides, refuses it while banned, and says so',
    async () => {
      const world = await start(2)
      try {
        await connected(world)
        const [a, b] = [at(world.nets, 0), at(world.nets, 1)]
        const seen: { here: LinkEvent[]; there: LinkEvent[]; silent: LinkEvent[] } = { here: [], there: [], silent: [] }
        a.onLink((event) => seen.here.push(event))
        b.onLink((event) => seen.there.push(event))
        const cancel = a.onLink((event) => seen.silent.push(event))
        cancel()
        cancel()
        a.drop(b.self, { banMs: 120_000 })
        await world.until(() => seen.here.some(({ type }) => type === 'link.down'), 'the dropping side saw link.down')
        await world.until(() => seen.there.some(({ type }) => type === 'link.down'), 'the dropped side saw link.down')
        await world.until(() => a.links().length === 0 && b.links().length === 0, 'no link is left')
        expect(seen.here.filter(({ type }) => type === 'link.up')).toHaveLength(0)
        expect(seen.silent).toHaveLength(0)
      } finally {
        await world.stop()
      }
    },
    CASE_MS
  )
}
