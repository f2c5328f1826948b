import { createHash } from 'node:crypto'
import { asArray, decode, Reader, toHex } from '@brume/codec'
import { KIND } from '@brume/consensus'
import { RESULT, signedSlotBytes } from '@brume/consensus/slot'
import { sha256 } from '@brume/crypto'
import { createLog, createRegistry } from '@brume/observe'
import {
  committeeOf,
  DEFAULT_PACE,
  decodeManifest,
  encodeManifest,
  encodeSlotFrame,
  readSlotVote,
  SLOT_PROTOCOL,
  SLOT_VALUE_PROTOCOL
} from '@brume/protocols/quorum'
import { createSystem } from '@brume/runtime'
import {
  type JournalMedium,
  memoryJournal,
  memoryStore,
  newMedium,
  SimClock,
  SimNet,
  SimRandom,
  settle
} from '@brume/testkit'
import { beforeEach, describe, expect, test } from 'vitest'
import { createQuorum, type Quorum, type Slot, type SlotGroup } from '../index.ts'
import { manifestOf, person, Tape } from '../samples.ts'
import type { Outcome } from './slot.ts'

const manifest = encodeManifest({
  ...decodeManifest(manifestOf([1, 1, 1, 1])),
  kind: 'slot',
  pace: { ...DEFAULT_PACE, deltaMs: 20 }
})

interface Member {
  readonly medium: JournalMedium
  readonly quorum: Quorum
  readonly slots: SlotGroup
  crash(): void
}

let clock: SimClock
let net: SimNet
let random: SimRandom

beforeEach(() => {
  clock = new SimClock()
  random = new SimRandom(createHash('md5').update('slots').digest(), 'slots')
  net = new SimNet({ clock, random, pipe: { delayMs: 2 } })
})

function start(index: number, medium = newMedium()): Member {
  const { peerId } = person(index)
  const [log, journal] = [createLog({ level: 'silent' }), memoryJournal({ clock, medium })]
  const quorum = createQuorum({
    identity: person(index),
    net: net.start(peerId),
    store: memoryStore(),
    journal,
    clock,
    log,
    registry: createRegistry(),
    kernel: createSystem({ clock, random: random.stream(`${index}`), log, self: person(index).peerId }),
    keepConnected: () => () => {}
  })
  const slots = quorum.slots(manifest)
  const crash = () => {
    slots.stop()
    journal.crash()
    net.stop(peerId)
  }
  return { medium, quorum, slots, crash }
}

async function outcomes(slots: readonly Slot[], limitMs = 60_000): Promise<readonly Outcome[]> {
  const ended: Outcome[] = []
  slots.forEach((slot, i) => {
    void slot.outcome.then((outcome) => {
      ended[i] = outcome
    })
  })
  const isOver = () => slots.every((_, i) => ended[i] !== undefined)
  if (!(await clock.until(isOver, limitMs))) throw new Error(`${ended.length} of ${slots.length} slots came to an end`)
  return ended
}

const text = (outcome: Outcome | undefined) =>
  outcome?.type === 'decided' ? Buffer.from(outcome.value).toString() : outcome?.type

/** Results in a journal, by slot. */
function results({ records }: JournalMedium): readonly string[] {
  return records.flatMap(({ kind, payload }) => {
    if (kind !== 12) return []
    const [, bytes] = asArray(decode(payload, { bytesMax: 65_536 }), 'record', 2)
    const vote = readSlotVote(new Reader(bytes as Uint8Array))
    return vote.kind === RESULT ? [`${vote.epoch}: ${vote.digest}`] : []
  })
}

const bytes = (value: string) => new Uint8Array(Buffer.from(value))

describe('four members', () => {
  test('decide many slots at once, each its own value', async () => {
    const members = [0, 1, 2, 3].map((i) => start(i))
    const open = [1, 2, 3].flatMap((number) => members.map(({ slots }) => slots.open(number)))
    for (const slot of open) slot.decide(bytes(`value of ${slot.number}`))
    const ended = await outcomes(open)
    expect(ended.map(text)).toEqual(open.map(({ number }) => `value of ${number}`))
  })

  test('disagree when all compute something else', async () => {
    const open = [0, 1, 2, 3].map((i) => start(i).slots.open(1))
    open.forEach((slot, i) => {
      slot.decide(bytes(`mine is ${i}`))
    })
    expect((await outcomes(open)).map(text)).toEqual(['disagreed', 'disagreed', 'disagreed', 'disagreed'])
  })

  test('give up without leader views when too few compute in time', async () => {
    const open = [0, 1, 2, 3].map((i) => start(i).slots.open(1, { resultMs: 300, leaderViews: false }))
    open[0]?.decide(bytes('alone'))
    expect((await outcomes(open)).map(text)).toEqual(['undecided', 'undecided', 'undecided', 'undecided'])
  })

  test('decide without the fourth, which gets the value when it opens the slot', async () => {
    const members = [0, 1, 2].map((i) => start(i))
    const open = members.map(({ slots }) => slots.open(1))
    for (const slot of open) slot.decide(bytes('known to three'))
    await outcomes(open)
    const late = start(3).slots.open(1, { resultMs: 100 })
    expect((await outcomes([late])).map(text)).toEqual(['known to three'])
  })
})

test('a value withheld or falsified by who voted for it comes from an honest member', async () => {
  const committee = { ...committeeOf(manifest), epoch: 1 }
  const order = committee.members.map(({ key }) =>
    [0, 1, 2, 3].find((i) => toHex(person(i).publicKey) === toHex(key))
  ) as number[]
  const [liar = 0, ...honest] = order
  const value = bytes('computed by all but one')
  const votes = ([RESULT, KIND.finalize] as const).map((kind) => {
    const statement = { kind, epoch: 1, view: 0, digest: toHex(sha256(value)) }
    return { ...statement, signer: 0, signature: person(liar).sign(signedSlotBytes(committee, statement)) }
  })
  const node = net.start(person(liar).peerId)
  const frame = encodeSlotFrame({ groupId: committee.groupId, message: { type: 'votes', votes } })
  const channel = node.channel(SLOT_PROTOCOL, { frame: (from) => void channel.send(from, frame) })
  channel.connect(honest.map((i) => person(i).peerId))
  let asked = 0
  node.serve(SLOT_VALUE_PROTOCOL, () => {
    asked += 1
    return bytes('\u0001something else')
  })
  const open = honest.map((i) => start(i).slots.open(1))
  for (const slot of open.slice(0, 2)) slot.decide(value)
  expect((await outcomes(open)).map(text)).toEqual(Array.from({ length: 3 }, () => 'computed by all but one'))
  expect(asked).toBe(1)
})

describe('a restarted member', () => {
  test('says the result again that it has said, and no other, whatever it computes now', async () => {
    const first = start(0)
    first.slots.open(1).decide(bytes('before'))
    await clock.until(() => results(first.medium).length === 1, 1_000)
    first.crash()
    const again = start(0, first.medium)
    const others = [1, 2].map((i) => start(i).slots.open(1))
    const own = again.slots.open(1)
    own.decide(bytes('after'))
    for (const slot of others) slot.decide(bytes('before'))
    expect((await outcomes([own, ...others])).map(text)).toEqual(['before', 'before', 'before'])
    expect(results(first.medium)).toHaveLength(1)
  })

  test('decides at once what its journal knows to be decided', async () => {
    const members = [0, 1, 2, 3].map((i) => start(i))
    const open = members.map(({ slots }) => slots.open(1))
    for (const slot of open) slot.decide(bytes('kept'))
    await outcomes(open)
    const [first] = members
    if (first === undefined) return
    await clock.pass(100)
    for (const { crash } of members) crash()
    const slot = start(0, first.medium).slots.open(1)
    slot.decide(bytes('kept'))
    expect((await outcomes([slot], 10)).map(text)).toEqual(['kept'])
  })

  test('that opens no slot again that has ended still tells latecomers of its end, at whatever moment it died', async () => {
    const members = [0, 1, 2].map((i) => start(i))
    const open = members.map(({ slots }) => slots.open(1, { resultMs: 300, leaderViews: false }))
    const died = new Set<number>()
    open.forEach(({ outcome }, i) => {
      void outcome.then(() => {
        members[i]?.crash()
        died.add(i)
      })
    })
    expect(await clock.until(() => died.size === 3, 10_000)).toBe(true)
    for (const [i, { medium }] of members.entries()) start(i, medium)
    const late = start(3).slots.open(1, { resultMs: 300, leaderViews: false })
    expect((await outcomes([late])).map(text)).toEqual(['undecided'])
  })

  test('of whose journal something is missing, says nothing and learns what others have decided', async () => {
    const medium = { ...newMedium(), verdict: 'damaged' as const }
    const open = [0, 1, 2].map((i) => start(i).slots.open(1))
    for (const slot of open) slot.decide(bytes('all'))
    await outcomes(open)
    const muted = start(3, medium).slots.open(1)
    muted.decide(bytes('not even the same'))
    expect((await outcomes([muted])).map(text)).toEqual(['all'])
    expect(results(medium)).toEqual([])
  })
})

describe('slots that are over', () => {
  test('are not opened again, by no later process either, and leave the journal', async () => {
    const members = [0, 1, 2, 3].map((i) => start(i))
    for (const number of [1, 2, 3]) {
      const open = members.map(({ slots }) => slots.open(number))
      for (const slot of open) slot.decide(bytes('x'))
      await outcomes(open)
    }
    const [first] = members
    if (first === undefined) return
    first.slots.forget(3)
    await clock.pass(100)
    const over = expect.objectContaining({ code: 'BRUME_QUORUM_SLOT_OVER' })
    expect(() => first.slots.open(2)).toThrow(over)
    expect(results(first.medium).map((line) => line[0])).toEqual(['3'])
    first.crash()
    const { slots } = start(0, first.medium)
    expect(() => slots.open(2)).toThrow(over)
    expect((await outcomes([slots.open(3)])).map(text)).toEqual(['x'])
  })

  test('are told of by who has closed them, and no more once they are forgotten', async () => {
    const members = [0, 1, 2].map((i) => start(i))
    const open = members.map(({ slots }) => slots.open(1))
    for (const slot of open) slot.decide(bytes('x'))
    await outcomes(open)
    for (const { slots } of members) slots.close(1)
    const fourth = start(3)
    const late = fourth.slots.open(1)
    late.decide(bytes('x'))
    expect((await outcomes([late])).map(text)).toEqual(['x'])
    fourth.crash()
    for (const { slots } of members) slots.forget(2)
    const later = start(3).slots.open(1)
    await expect(outcomes([later], 5_000)).rejects.toThrow('0 of 1')
  })

  test('reject what nobody will decide any more', async () => {
    const { slots } = start(0)
    const slot = slots.open(1)
    slots.close(1)
    await expect(slot.outcome).rejects.toMatchObject({ code: 'BRUME_QUORUM_STOPPED' })
    await settle()
  })

  test('go on when opened again, once what was said is on disk', async () => {
    const { slots, medium } = start(0)
    slots.open(1).decide(bytes('said'))
    slots.close(1)
    expect(() => slots.open(1)).toThrow(expect.objectContaining({ code: 'BRUME_QUORUM_OPEN' }))
    await clock.until(() => results(medium).length === 1, 1_000)
    await clock.pass(10)
    slots.open(1).decide(bytes('other'))
    await clock.pass(1_000)
    expect(results(medium)).toHaveLength(1)
  })
})

test('a manifest of the other kind, a group that is open, a result too large, a slot too many are refused', () => {
  const { quorum, slots } = start(0)
  const code = (name: string) => expect.objectContaining({ code: `BRUME_QUORUM_${name}` })
  expect(() => quorum.slots(manifestOf([1, 1, 1, 1]))).toThrow(code('NO_GROUP'))
  expect(() => quorum.open(manifest, new Tape())).toThrow(code('NO_GROUP'))
  expect(() => quorum.slots(manifest)).toThrow(code('OPEN'))
  expect(() => slots.open(1).decide(new Uint8Array(1_048_577))).toThrow(code('TOO_LARGE'))
  for (let number = 2; number <= 256; number++) slots.open(number)
  expect(() => slots.open(257)).toThrow(code('SLOTS_FULL'))
})
