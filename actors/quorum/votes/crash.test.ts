import { KIND } from '@brume/consensus'
import type { Channel, Journal, Net } from '@brume/ports'
import { committeeOf, groupIdOf, readEnvelope, readFrame } from '@brume/protocols/quorum'
import { replace } from '@brume/testkit'
import { describe, expect, test } from 'vitest'
import { clientOf, type Outside, person, World } from '../samples.ts'

const FOUR = [1, 1, 1, 1]
const HALF_A_MINUTE = 30_000
const COMMANDS = 2
const VICTIM = 1
const FRAME_VOTES = 1

/** A moment at which a process may end: before a record is appended, when it is on disk, before a frame leaves. */
type Point = 'append' | 'synced' | 'send'

/** Whatever left a member, in all its lives: `signer/epoch/view/kind`, with what it said. */
type Sent = Map<string, string>

/** Everything the victim does passes here, in order. */
class Tap {
  onPoint: (point: Point) => void = () => {}
  onVotes: (frame: Uint8Array) => void = () => {}

  readonly wrap = (index: number, outside: Outside): Outside => {
    if (index !== VICTIM) return outside
    return { net: this.#net(outside.net), journal: this.#journal(outside.journal) }
  }

  #journal(journal: Journal): Journal {
    return {
      verdict: journal.verdict,
      since: journal.since,
      cutAt: journal.cutAt,
      replay: () => journal.replay(),
      release: (sequence: number) => journal.release(sequence),
      syncP95Ms: () => journal.syncP95Ms(),
      close: () => journal.close(),
      append: (kind: number, payload: Uint8Array, synced?: (error?: Error) => void) => {
        this.onPoint('append')
        return journal.append(kind, payload, (error) => {
          if (error === undefined) this.onPoint('synced')
          synced?.(error)
        })
      }
    }
  }

  #net(net: Net): Net {
    return replace(net, { channel: (protocol, handler) => this.#channel(net.channel(protocol, handler)) })
  }

  #channel(channel: Channel): Channel {
    return {
      connect: (peers) => channel.connect(peers),
      isOpen: (peer) => channel.isOpen(peer),
      close: () => channel.close(),
      send: (peer, body) => {
        this.onPoint('send')
        const result = channel.send(peer, body)
        if (result === 'queued') this.onVotes(body)
        return result
      }
    }
  }
}

async function started(tap: Tap): Promise<World> {
  const world = await World.of(FOUR, [], {}, tap.wrap)
  expect(await world.until(isVoting(world), HALF_A_MINUTE)).toBe(true)
  return world
}

const isVoting = (world: World) => () => world.alive.every(({ group }) => group.status().state === 'voting')

/** What the victim's frames of votes say, and that each of them was on its disk when it left. */
function watchVotes(world: World, tap: Tap, sent: Sent): void {
  const groupId = groupIdOf(world.manifest)
  tap.onVotes = (body) => {
    const { type, content } = readEnvelope(body)
    const frame = type === FRAME_VOTES ? readFrame(groupId, type, content) : null
    if (frame?.type !== 'votes') return
    const written = new Map(world.said(VICTIM))
    for (const { epoch, signer, view, kind, parentView, digest } of frame.votes) {
      const what = `${parentView}/${digest}`
      const key = `${signer}/${epoch}/${view}/${kind}`
      expect(sent.get(key) ?? what).toBe(what)
      sent.set(key, what)
      expect(written.has(key)).toBe(true)
    }
  }
}

/** No two statements of one kind about a view, on disk or said; no nullify beside a finalize. */
function expectNoDoubleVotes(world: World): void {
  for (const { index } of world.members) {
    const said = new Map<string, string>()
    for (const [key, what] of world.said(index)) {
      expect(said.get(key) ?? what).toBe(what)
      said.set(key, what)
    }
    const nullified = [...said.keys()].filter((key) => key.endsWith(`/${KIND.nullify}`))
    for (const key of nullified) expect(said.has(key.replace(/\d$/, String(KIND.finalize)))).toBe(false)
  }
}

const LINES = Array.from({ length: COMMANDS }, (_, i) => `line ${i}`)

/** Submits at a member that stays; what was told to be final must be there for ever after. */
async function work(world: World): Promise<string[]> {
  const command = clientOf(world.manifest, () => world.clock.wall())
  const acknowledged: string[] = []
  for (const line of LINES) {
    const bytes = command(line)
    const submitter = world.members[3]
    const submission = submitter?.alive === true ? submitter.group.submit(bytes) : undefined
    submission?.notarized.catch(() => {})
    submission?.final.then(
      () => acknowledged.push(line),
      () => {}
    )
    await world.clock.pass(9)
  }
  return acknowledged
}

/** Everybody is up: what is missing is submitted anew, and in the end all have the same, each once. */
async function expectWhole(world: World, acknowledged: readonly string[]): Promise<void> {
  expect(await world.until(isVoting(world), 2 * HALF_A_MINUTE)).toBe(true)
  const known = () => world.members[0]?.tape.lines ?? []
  const command = clientOf(world.manifest, () => world.clock.wall(), 2)
  for (const line of [...LINES.filter((missing) => !known().includes(missing)), 'last']) {
    world.members[0]?.group.submit(command(line)).final.catch(() => {})
  }
  const hasAll = (lines: readonly string[]) => [...LINES, 'last'].every((line) => lines.includes(line))
  expect(await world.until(() => world.members.every(({ tape }) => hasAll(tape.lines)), 2 * HALF_A_MINUTE)).toBe(true)
  for (const { tape } of world.members) {
    expect(tape.lines).toEqual(known())
    for (const line of acknowledged) expect(tape.lines).toContain(line)
  }
  expectNoDoubleVotes(world)
}

/** How many points a run without a crash passes. */
async function countPoints(): Promise<number> {
  const tap = new Tap()
  const world = await started(tap)
  let points = 0
  tap.onPoint = () => points++
  await work(world)
  await world.clock.pass(1_000)
  return points
}

async function runWithCrash(at: number, kept: number, victims: readonly number[]): Promise<void> {
  const tap = new Tap()
  const world = await started(tap)
  const sent: Sent = new Map()
  watchVotes(world, tap, sent)
  let points = 0
  let isOver = false
  tap.onPoint = () => {
    points++
    if (points !== at) return
    isOver = true
    for (const victim of victims) world.kill(victim, kept)
  }
  const acknowledged = await work(world)
  await world.until(() => isOver, 1_000)
  await world.clock.pass(100)
  for (const victim of victims) await world.restart(victim)
  await expectWhole(world, acknowledged)
}

describe('killed at every append, sync and frame', () => {
  test('one member', { timeout: 300_000 }, async () => {
    const points = await countPoints()
    expect(points).toBeGreaterThan(20)
    for (let at = 1; at <= points; at++) await runWithCrash(at, at % 3, [VICTIM])
  })

  test('all members at once', { timeout: 300_000 }, async () => {
    const points = await countPoints()
    for (let at = 1; at <= points; at++) await runWithCrash(at, at % 3, FOUR.keys().toArray())
  })

  test('all members right after a nullify is on disk', { timeout: 300_000 }, async () => {
    for (const kept of [0, 1, 2]) {
      const tap = new Tap()
      const world = await started(tap)
      const sent: Sent = new Map()
      watchVotes(world, tap, sent)
      // Without its leader the first view ends so.
      await world.crash(firstLeader(world))
      const submitter = world.alive.find(({ index }) => index !== VICTIM)
      const bytes = clientOf(world.manifest, () => world.clock.wall())(LINES[0] ?? '')
      submitter?.group.submit(bytes).final.catch(() => {})
      const witness = firstLeader(world) === VICTIM ? (submitter?.index ?? 0) : VICTIM
      const hasNullified = () => world.said(witness).some(([key]) => key.endsWith(`/${KIND.nullify}`))
      expect(await world.until(hasNullified, HALF_A_MINUTE)).toBe(true)
      for (const { index } of world.alive) world.kill(index, kept)
      for (const index of FOUR.keys()) await world.restart(index)
      await expectWhole(world, [])
    }
  })
})

function firstLeader(world: World): number {
  const { leaders, members } = committeeOf(world.manifest)
  const key = Buffer.from(members[leaders[0] ?? 0]?.key ?? [])
  return FOUR.keys().find((index) => key.equals(person(index).publicKey)) ?? 0
}
