import { KIND, NO_DIGEST } from '@brume/consensus'
import { committeeFrom, decodeManifest, groupIdOf } from '@brume/protocols/quorum'
import { memoryJournal, SimClock } from '@brume/testkit'
import { expect, test } from 'vitest'
import { manifestOf, person } from '../samples.ts'
import { Persistence } from './persist.ts'
import { NOTHING } from './remember.ts'

test('epochs shorter than what is released at once do not keep the journal for ever', async () => {
  const clock = new SimClock()
  const journal = memoryJournal({ clock })
  const bytes = manifestOf([1])
  const { members, policy, nonce: seed } = decodeManifest(bytes)
  let before: Persistence | null = null
  let most = 0
  for (let epoch = 0; epoch < 40; epoch++) {
    const committee = committeeFrom({ groupId: groupIdOf(bytes), epoch, seed, members, policy })
    const persistence: Persistence = new Persistence({
      ...{ committee, identity: person(0), journal, clock, signer: 0, muted: false, isVolatile: false },
      ...{ remembered: NOTHING, floorView: 0, onFailure: () => {}, onSpace: () => {} }
    })
    if (before !== null) persistence.inherit(before, 60)
    before = persistence
    for (let view = 1; view <= 60; view++) {
      persistence.cast({ kind: KIND.nullify, epoch, view, parentView: 0, digest: NO_DIGEST }, null, () => {})
      clock.run(10)
      await persistence.passed(view - 1, () => Promise.resolve())
    }
    most = Math.max(most, journal.medium.records.length)
  }
  expect(most).toBeGreaterThan(500)
  expect(most).toBeLessThan(700)
})
