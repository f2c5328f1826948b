import { createState, type Final, KIND, type Statement, type Vote } from '@brume/consensus'
import { committeeOf } from '@brume/protocols/quorum'
import { memoryJournal, SimClock } from '@brume/testkit'
import { expect, test } from 'vitest'
import { manifestOf, person } from '../samples.ts'
import { Persistence } from './persist.ts'
import { NOTHING, remember } from './remember.ts'

const committee = committeeOf(manifestOf([1, 1, 1, 1]))
const genesis: Final = { view: 0, height: 0, digest: '00'.repeat(32), timeMs: 0, certificate: null }
const nullify = (view: number): Statement => ({ kind: KIND.nullify, epoch: 0, view, parentView: 0, digest: '' })

function desk() {
  const clock = new SimClock()
  const journal = memoryJournal({ clock })
  const persistence = new Persistence({
    committee,
    identity: person(0),
    journal,
    clock,
    signer: 0,
    muted: false,
    isVolatile: false,
    remembered: NOTHING,
    floorView: 0,
    onFailure: (error) => {
      throw error
    },
    onSpace: () => {}
  })
  const own: Vote[] = []
  const cast = (view: number) => persistence.cast(nullify(view), null, (vote) => own.push(vote))
  const stateWith = (votes: readonly Vote[]) => {
    const config = { committee, self: 0, genesis, judge: () => true, minViewMs: 0, deltaMs: 250 }
    return createState(config, 0, { final: genesis, votes, held: [], certificates: [] })
  }
  return { clock, journal, persistence, own, cast, stateWith }
}

const viewsIn = (journal: ReturnType<typeof memoryJournal>, clock: SimClock) => {
  const again = memoryJournal({ clock, medium: journal.medium })
  return remember(again, committee.groupId, 0, 0).votes.map(({ view }) => view)
}

test('what is written anew is remembered, and all before it is gone', async () => {
  const { clock, journal, persistence, own, cast, stateWith } = desk()
  for (const view of [1, 2, 3]) cast(view)
  clock.run(10)
  expect(own).toHaveLength(3)
  const restated = persistence.restate(stateWith(own), null)
  clock.run(10)
  await restated
  expect(journal.medium.records[0]?.sequence).toBe(4)
  expect(viewsIn(journal, clock)).toEqual([1, 2, 3])
})

test('nothing is let go while a vote is on its way to the disk', async () => {
  const { clock, journal, persistence, own, cast, stateWith } = desk()
  cast(1)
  clock.run(10)
  cast(2)
  const restated = persistence.restate(stateWith(own), null)
  clock.run(10)
  await restated
  expect(journal.medium.records[0]?.sequence).toBe(1)
  expect(viewsIn(journal, clock)).toEqual([1, 2])
})

test('why a key is muted is written before the trace of it is let go', async () => {
  const { clock, journal, persistence, cast, stateWith } = desk()
  cast(1)
  clock.run(10)
  persistence.mute('for a reason')
  const restated = persistence.restate(stateWith([]), 'for a reason')
  clock.run(10)
  await restated
  const { notes, votes } = remember(memoryJournal({ clock, medium: journal.medium }), committee.groupId, 0, 0)
  expect(votes).toEqual([])
  expect(notes.map(({ kind, reason }) => [kind, reason])).toEqual([['muted', 'for a reason']])
})
