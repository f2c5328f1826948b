import { toHex } from '@brume/codec'
import type { Proposal } from '@brume/consensus'
import { commandId, makeBlock, type Outline, outlineOf } from '@brume/protocols/quorum'
import { SimClock } from '@brume/testkit'
import { beforeEach, describe, expect, test } from 'vitest'
import { Assembly } from './assembly.ts'

const groupId = new Uint8Array(32).fill(4)
const signature = new Uint8Array(64)
const LEADER = 2

const command = (n: number) => new Uint8Array(300).fill(n)
const idOf = (bytes: Uint8Array) => toHex(commandId(bytes))

function block(view: number, commands: readonly Uint8Array[]): Proposal {
  const place = { groupId, epoch: 0, view, height: view, parentView: view - 1, parent: '00'.repeat(32) }
  return makeBlock(
    place,
    1_000,
    commands.map((bytes) => ({ id: idOf(bytes), bytes }))
  )
}

const outline = (view: number, ...commands: Uint8Array[]) => outlineOf(block(view, commands), signature)

let clock: SimClock
let here: Map<string, Uint8Array>
/** What each member answers; a member that is not there never does. */
let answers: Map<number, (ids: readonly string[]) => readonly Uint8Array[]>
let asked: [member: number, ids: number][]
let complete: { readonly from: number; readonly view: number; readonly late: boolean }[]
let dropped: string[]
let assembly: Assembly

beforeEach(() => {
  clock = new SimClock()
  here = new Map()
  answers = new Map()
  asked = []
  complete = []
  dropped = []
  assembly = new Assembly({
    groupId,
    clock,
    find: (id) => here.get(id),
    holders: () => [LEADER, 0, 1],
    fetch: (member, ids, timeoutMs) => {
      asked.push([member, ids.length])
      const answer = answers.get(member)
      const { promise, resolve, reject } = Promise.withResolvers<ReadonlyMap<string, Uint8Array>>()
      if (answer === undefined) clock.after(timeoutMs, () => reject(new Error('no answer')))
      else clock.after(1, () => resolve(new Map(answer(ids).map((bytes) => [idOf(bytes), bytes]))))
      return promise
    },
    complete: (from, { view }, _, late) => complete.push({ from, view, late }),
    dropped: (cause) => dropped.push(cause)
  })
})

const keep = (...commands: Uint8Array[]) => {
  for (const bytes of commands) here.set(idOf(bytes), bytes)
}

describe('a block that names its commands', () => {
  test('is whole at once where they are here, and nobody is asked', () => {
    keep(command(1), command(2))
    assembly.add(LEADER, outline(1, command(1), command(2)))
    expect(complete).toEqual([{ from: LEADER, view: 1, late: false }])
    expect(asked).toEqual([])
    expect(assembly.size).toBe(0)
  })

  test('waits for the missing ones, which its leader has', async () => {
    keep(command(1))
    answers.set(LEADER, () => [command(2), command(3)])
    assembly.add(LEADER, outline(1, command(1), command(2), command(3)))
    expect(complete).toEqual([])
    await clock.pass(10)
    expect(asked).toEqual([[LEADER, 2]])
    expect(complete).toEqual([{ from: LEADER, view: 1, late: true }])
  })

  test('withheld by its leader comes from those that voted for it', async () => {
    answers.set(0, () => [])
    answers.set(1, () => [command(1)])
    assembly.add(LEADER, outline(1, command(1)))
    await clock.pass(499)
    expect(asked).toEqual([[LEADER, 1]])
    await clock.pass(10)
    expect(asked.map(([member]) => member)).toEqual([LEADER, 0, 1])
    expect(complete).toHaveLength(1)
  })

  test('withheld by everybody is asked for less and less often, until its view is final', async () => {
    assembly.add(LEADER, outline(3, command(1)))
    await clock.pass(600_000)
    expect(asked.length).toBeGreaterThan(9)
    expect(asked.length).toBeLessThan(60)
    expect(complete).toEqual([])
    assembly.passed(3)
    expect(assembly.size).toBe(0)
    const before = asked.length
    await clock.pass(600_000)
    expect(asked.length).toBe(before)
    expect(complete).toEqual([])
  })

  test('is completed by what comes by other ways meanwhile', async () => {
    assembly.add(LEADER, outline(1, command(1)))
    await clock.pass(100)
    keep(command(1))
    await clock.pass(600)
    expect(complete).toHaveLength(1)
  })

  test('whose header is of other commands is dropped once they are here', async () => {
    const lie: Outline = { ...outline(1, command(1), command(2)), ids: [idOf(command(2)), idOf(command(1))] }
    keep(command(1))
    answers.set(LEADER, () => [command(2)])
    assembly.add(LEADER, lie)
    await clock.pass(10)
    expect(complete).toEqual([])
    expect(dropped).toEqual(['outline'])
    expect(assembly.size).toBe(0)
  })

  test('is taken once, however often it comes, and not at all once its view is final', async () => {
    answers.set(LEADER, () => [command(1)])
    for (let i = 0; i < 5; i++) assembly.add((LEADER + i) % 3, outline(2, command(1)))
    await clock.pass(10)
    expect(asked).toHaveLength(1)
    expect(complete).toHaveLength(1)
    assembly.passed(2)
    assembly.add(LEADER, outline(2, command(9)))
    expect(asked).toHaveLength(1)
  })

  test('keeps nobody else out: a leader that fills the room from far ahead makes room for nearer views', async () => {
    for (let view = 101; view <= 140; view++) assembly.add(LEADER, outline(view, command(view)))
    expect(assembly.size).toBe(16)
    answers.set(1, () => [command(1)])
    assembly.add(1, outline(5, command(1)))
    expect(assembly.size).toBe(16)
    expect(dropped).toContain('outlines')
    await clock.pass(600)
    expect(complete).toContainEqual({ from: 1, view: 5, late: true })
    assembly.stop()
    expect(assembly.size).toBe(0)
  })
})
