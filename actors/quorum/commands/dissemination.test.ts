import type { ChannelHandler, Net } from '@brume/ports'
import { COMMANDS_PROTOCOL, encodeCommandsAnswer, FRAME, QUORUM_PROTOCOL } from '@brume/protocols/quorum'
import { expect, test } from 'vitest'
import { clientOf, type Outside, type Tape, World } from '../samples.ts'

const FOUR = [1, 1, 1, 1]
const A_MINUTE = 60_000

const isCommand = (frame: Uint8Array) => frame[0] === FRAME.command || frame[0] === FRAME.offer

/** What a member hears and says of commands by themselves; blocks and votes pass. */
function without(
  outside: Outside,
  what: { readonly hearing?: boolean; readonly telling?: boolean; readonly heard?: Set<number | undefined> }
): Outside {
  const { net } = outside
  const deaf = (handler: ChannelHandler): ChannelHandler => ({
    ...handler,
    frame: (from, body) => {
      what.heard?.add(body[0])
      if (what.hearing !== false || !isCommand(body)) handler.frame(from, body)
    }
  })
  const channel: Net['channel'] = (protocol, handler) => {
    const inner = net.channel(protocol, protocol.id === QUORUM_PROTOCOL.id ? deaf(handler) : handler)
    const isMute = what.telling === false && protocol.id === QUORUM_PROTOCOL.id
    return {
      connect: (peers) => inner.connect(peers),
      send: (peer, body) => (isMute && isCommand(body) ? 'queued' : inner.send(peer, body)),
      isOpen: (peer) => inner.isOpen(peer),
      close: () => inner.close()
    }
  }
  const serve: Net['serve'] = (protocol, answer) => {
    const withholds = what.telling === false && protocol.id === COMMANDS_PROTOCOL.id
    return net.serve(protocol, withholds ? () => encodeCommandsAnswer([]) : answer)
  }
  const overlay = { channel, serve }
  const proxy = new Proxy(net, {
    get: (target, key) => {
      const value: unknown = key in overlay ? Reflect.get(overlay, key) : Reflect.get(target, key)
      return typeof value === 'function' ? value.bind(target) : value
    }
  })
  return { ...outside, net: proxy }
}

/** Leaves hold 4 KiB: of each line only how it begins is kept. */
function shorten({ tape }: { readonly tape: Tape }): void {
  const short = (bytes: Uint8Array) => bytes.subarray(0, 24)
  tape.bend = (_, { changes, answers }) => ({
    changes: [...changes].map(([path, value]) => [path, value === null ? null : short(value)] as const),
    answers: [...answers].map(([id, value]) => [id, short(value)] as const)
  })
}

async function begin(wrap: (index: number, outside: Outside) => Outside = (_, outside) => outside): Promise<World> {
  const world = await World.of(FOUR, [], { pace: { maxBlockBytes: 131_072 } }, wrap)
  for (const member of world.members) shorten(member)
  expect(await world.until(() => world.alive.every(({ group }) => group.status().state === 'voting'), A_MINUTE)).toBe(
    true
  )
  return world
}

test('commands of 60 KiB, offered and fetched, are ordered by everybody', async () => {
  const world = await begin()
  const command = clientOf(world.manifest, () => world.clock.wall())
  const lines = Array.from({ length: 7 }, (_, i) => `${i} ${'x'.repeat(60_000)}`)
  for (const line of lines) world.members[1]?.group.submit(command(line))
  expect(await world.until(() => world.members.every(({ tape }) => tape.lines.length === 7), A_MINUTE)).toBe(true)
  for (const { tape } of world.members) expect(tape.lines).toEqual(lines.map((line) => line.slice(0, 24)))
  const kinds = new Set(world.members.flatMap(({ medium }) => medium.records.map(({ kind }) => kind)))
  expect(kinds.has(6)).toBe(true)
})

test('a member that hears of no command but in blocks fetches them by their ids', async () => {
  const heard = new Set<number | undefined>()
  const world = await begin((index, outside) => (index === 3 ? without(outside, { hearing: false, heard }) : outside))
  const command = clientOf(world.manifest, () => world.clock.wall())
  for (let i = 0; i < 50; i++) world.members[0]?.group.submit(command(`${i} ${'y'.repeat(900)}`))
  expect(await world.until(() => world.members.every(({ tape }) => tape.lines.length === 50), A_MINUTE)).toBe(true)
  const [first, , , last] = world.members
  expect(last?.tape.lines).toEqual(first?.tape.lines)
  expect(heard.has(FRAME.outline)).toBe(true)
})

test('a leader that names commands and gives them to nobody holds up its own views alone', async () => {
  const world = await begin((index, outside) => (index === 0 ? without(outside, { telling: false }) : outside))
  const honest = clientOf(world.manifest, () => world.clock.wall(), 1)
  const hidden = clientOf(world.manifest, () => world.clock.wall(), 2)
  for (let i = 0; i < 4; i++) world.members[0]?.group.submit(hidden(`hidden ${i} ${'z'.repeat(9_000)}`))
  for (let i = 0; i < 20; i++) {
    world.members[1]?.group.submit(honest(`line ${i}`))
    await world.clock.pass(300)
  }
  const others = world.members.slice(1)
  const lines = Array.from({ length: 20 }, (_, i) => `line ${i}`)
  expect(await world.until(() => others.every(({ tape }) => tape.lines.length >= 20), A_MINUTE)).toBe(true)
  for (const { tape } of others) expect(tape.lines).toEqual(lines)
})
