import { CodecError } from '@brume/codec'
import { assertWithstands } from '@brume/testkit/hostile'
import { describe, expect, test } from 'vitest'
import { decodeNote, encodeNote, type FoundNote, type NoteKind, type Past, standingOf } from './standing.ts'

const note = (kind: NoteKind, sequence: number): FoundNote => ({ epoch: 3, kind, reason: kind, sequence })
const SOUND = { verdict: 'clean', since: 1, cutAt: 0 } as const

function standing(past: Partial<Past>): string {
  return standingOf({ notes: [], journal: SOUND, sawBeginning: false, isVolatile: false, ...past }).type
}

describe('may a key speak in an epoch', () => {
  test.each<[string, Partial<Past>, 'free' | 'owed' | 'muted']>([
    ['a sound journal', {}, 'free'],
    [
      'the epoch begins now, whatever the journal lost before',
      { sawBeginning: true, journal: { ...SOUND, verdict: 'lost', since: 9 } },
      'free'
    ],
    ['cut, and nobody asked since', { journal: { ...SOUND, verdict: 'torn', cutAt: 9 } }, 'owed'],
    ['cut earlier, and nobody asked since', { journal: { ...SOUND, cutAt: 9 }, notes: [note('whole', 4)] }, 'owed'],
    ['cut earlier, and others were asked', { journal: { ...SOUND, cutAt: 9 }, notes: [note('whole', 10)] }, 'free'],
    ['lost', { journal: { ...SOUND, verdict: 'lost', since: 9 } }, 'muted'],
    [
      'lost, with a note of the journal that was lost',
      { journal: { ...SOUND, verdict: 'lost', since: 9 }, notes: [note('whole', 4)] },
      'muted'
    ],
    [
      'lost before an epoch that was seen to begin',
      { journal: { ...SOUND, verdict: 'lost', since: 9 }, notes: [note('whole', 12)] },
      'free'
    ],
    ['damaged', { journal: { ...SOUND, verdict: 'damaged', since: 9 }, notes: [note('whole', 4)] }, 'muted'],
    ['muted before, whatever came after', { notes: [note('muted', 4), note('whole', 5)] }, 'muted'],
    ['muted in the very epoch that is said to begin', { notes: [note('muted', 4)], sawBeginning: true }, 'muted'],
    ['volatile, from the beginning', { isVolatile: true, sawBeginning: true }, 'free'],
    ['volatile, after a kill', { isVolatile: true, notes: [note('whole', 2)] }, 'muted'],
    ['volatile, after a clean stop', { isVolatile: true, notes: [note('whole', 2), note('parked', 8)] }, 'free'],
    [
      'volatile, after a clean stop whose journal was cut',
      { isVolatile: true, notes: [note('parked', 8)], journal: { ...SOUND, cutAt: 9 } },
      'muted'
    ],
    [
      'volatile, voting again since the clean stop',
      { isVolatile: true, notes: [note('parked', 8), note('whole', 9)] },
      'muted'
    ]
  ])('%s', (_, past, expected) => {
    expect(standing(past)).toBe(expected)
  })
})

test('notes withstand hostile bytes', { timeout: 120_000 }, () => {
  const samples = (['whole', 'muted', 'parked'] as const).map((kind) => encodeNote({ epoch: 3, kind, reason: 'why' }))
  assertWithstands(samples, decodeNote, (error) => error instanceof CodecError, encodeNote)
})
