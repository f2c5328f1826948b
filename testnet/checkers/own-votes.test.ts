import { expect, test } from 'vitest'
import { OwnVotes } from './own-votes.ts'
import { FINALIZE, NOTARIZE, NULLIFY } from './statement.ts'

const voteOf = (kind: number, view: number, tail = 'ab') => ({ kind, view, tail, signer: 2, epoch: 0, signature: '' })

function journalOf(isWhole: boolean, ...votes: readonly ReturnType<typeof voteOf>[]): OwnVotes {
  const own = new OwnVotes(isWhole)
  for (const vote of votes) own.add(vote)
  return own
}

test('a vote that went out and is not in the journal is missed, of whatever kind and for whatever block', () => {
  const own = journalOf(true, voteOf(NOTARIZE, 5), voteOf(FINALIZE, 5), voteOf(NOTARIZE, 7))
  expect(own.lacks(voteOf(NOTARIZE, 7))).toBe(false)
  expect(own.lacks(voteOf(NOTARIZE, 7, 'cd'))).toBe(true)
  expect(own.lacks(voteOf(NULLIFY, 6, ''))).toBe(true)
  expect(own.lacks(voteOf(NULLIFY, 5, ''))).toBe(true)
})

test('a journal that let its beginning go may have done so between two votes of a view', () => {
  const own = journalOf(false, voteOf(FINALIZE, 5), voteOf(NOTARIZE, 6))
  expect(own.lacks(voteOf(NOTARIZE, 5))).toBe(false)
  expect(own.lacks(voteOf(NOTARIZE, 4))).toBe(false)
  expect(own.lacks(voteOf(FINALIZE, 6))).toBe(true)
})
