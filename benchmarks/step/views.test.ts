import { expect, test } from 'vitest'
import { Views } from './views.ts'

test('a member finalizes every view, and each vote of the others is counted once', () => {
  const views = new Views(4)
  const votes = views.run()
  // Of 200 views, those that this member does not lead lack the leader's notarize vote: it is the proposal.
  expect(votes).toBe(200 * 6 - 150)
  expect(views.run()).toBe(votes)
})
