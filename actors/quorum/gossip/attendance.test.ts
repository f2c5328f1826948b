import { committeeOf, type Presence } from '@brume/protocols/quorum'
import { expect, test } from 'vitest'
import type { Epoch } from '../epoch.ts'
import { manifestOf, person } from '../samples.ts'
import { Attendance } from './attendance.ts'

const COMMITTEE = committeeOf(manifestOf(Array.from({ length: 60 }, () => 1)))

/** The part of an epoch that is looked at here: a committee, and the streams of one of its members. */
function at(self: number) {
  const connected = new Set([self])
  const epoch = {
    ...{ self, epoch: 0, committee: COMMITTEE },
    isConnected: (member: number) => connected.has(member),
    reachedWeight: () => connected.size
  } as unknown as Epoch
  const said: Presence[] = []
  const key = COMMITTEE.members[self]?.key ?? new Uint8Array()
  const identity = Array.from({ length: 60 }, (_, i) => person(i)).find(
    ({ publicKey }) => Buffer.compare(publicKey, key) === 0
  )
  const attendance = new Attendance({
    sign: (bytes) => identity?.sign(bytes) ?? new Uint8Array(64),
    publish: (presence) => said.push(presence),
    dropped: () => undefined
  })
  return { connected, epoch, said, attendance }
}

test('who finds no quorum says so only when no more streams open, and a stream that comes and goes is none', () => {
  const { connected, epoch, said, attendance } = at(0)
  connected.add(1)
  attendance.linked(epoch, 4_000)
  attendance.seek(epoch, 5_000)
  expect(said).toEqual([])
  connected.delete(1)
  attendance.linked(epoch, 9_000)
  connected.add(1)
  attendance.linked(epoch, 9_500)
  attendance.seek(epoch, 10_000)
  expect(said).toHaveLength(1)
  connected.add(2)
  attendance.linked(epoch, 14_000)
  attendance.seek(epoch, 15_000)
  expect(said).toHaveLength(1)
})

test('of many members each answers the more seldom, and is believed', () => {
  const asking = at(1)
  const answering = at(0)
  const ask = (nowMs: number) => {
    asking.attendance.seek(asking.epoch, nowMs)
    const [presence] = asking.said.splice(0)
    if (presence !== undefined) answering.attendance.hear(answering.epoch, presence, nowMs)
  }
  ask(10_000)
  expect(answering.said).toHaveLength(1)
  ask(15_000)
  expect(answering.said).toHaveLength(1)
  ask(20_000)
  expect(answering.said).toHaveLength(2)
  const [answer] = answering.said
  if (answer === undefined) throw new Error('no answer')
  expect(asking.attendance.hear(asking.epoch, answer, 20_000)).toBe('accept')
  expect(asking.attendance.isPresent(asking.epoch, 0, 21_000)).toBe(true)
})
