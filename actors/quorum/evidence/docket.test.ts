import { type Committee, KIND, type Statement, signedBytes, type Vote } from '@brume/consensus'
import { committeeOf, type Evidence, encodeEvidence, makeEvidence } from '@brume/protocols/quorum'
import { type JournalMedium, memoryJournal, newMedium, SimClock } from '@brume/testkit'
import { describe, expect, test } from 'vitest'
import { manifestOf, person } from '../samples.ts'
import { RECORD } from '../votes/records.ts'
import { Docket, OFFENCES_MAX } from './docket.ts'

const committee = committeeOf(manifestOf([1, 1, 1, 1]))
const LIAR = 2

function identityOf(member: number) {
  const key = Buffer.from(committee.members[member]?.key ?? [])
  const found = [0, 1, 2, 3].map(person).find(({ publicKey }) => key.equals(publicKey))
  if (found === undefined) throw new RangeError(`no member ${member}`)
  return found
}

function vote(view: number, byte: number, signer = LIAR, from: Committee = committee): Vote {
  const statement: Statement = {
    kind: KIND.notarize,
    epoch: from.epoch,
    view,
    parentView: view - 1,
    digest: Buffer.alloc(32, byte).toString('hex')
  }
  return { ...statement, signer, signature: identityOf(signer).sign(signedBytes(from, statement)) }
}

function evidenceOf(view: number, byte = 2, from: Committee = committee): Evidence {
  const signed = (of: Vote) => ({ statement: signedBytes(from, of), signature: of.signature })
  const evidence = makeEvidence(
    identityOf(LIAR).publicKey,
    signed(vote(view, 1, LIAR, from)),
    signed(vote(view, byte, LIAR, from))
  )
  if (evidence === undefined) throw new Error('no contradiction')
  return evidence
}

function desk(medium: JournalMedium = newMedium()) {
  const clock = new SimClock()
  const journal = memoryJournal({ clock, medium })
  const proven: (readonly [view: number, isNew: boolean, records: number])[] = []
  const dropped: string[] = []
  const docket = new Docket({
    groupId: committee.groupId,
    journal,
    nowMs: () => clock.now(),
    concerns: (key, epoch) =>
      epoch === committee.epoch && committee.members.some((at) => Buffer.compare(at.key, key) === 0),
    onProven: ({ view }, isNew) => proven.push([view, isNew, medium.records.length]),
    onDropped: (cause) => dropped.push(cause)
  })
  return { clock, docket, medium, proven, dropped }
}

describe('a contradiction', () => {
  test('is used once, and only when it is on disk', () => {
    const { clock, docket, proven } = desk()
    docket.conflict(committee, vote(7, 1), vote(7, 2))
    docket.conflict(committee, vote(7, 2), vote(7, 3))
    expect(docket.receive('p', encodeEvidence(evidenceOf(7, 9)))).toBe('ignore')
    expect(proven).toEqual([])
    clock.run(10)
    expect(proven).toEqual([[7, true, 1]])
    expect(docket.all()).toHaveLength(1)
  })

  test('is no contradiction where a signature is another’s, or the votes may stand beside each other', () => {
    const { clock, docket, proven, dropped } = desk()
    docket.conflict(committee, vote(7, 1), { ...vote(7, 2), signature: vote(7, 2, 1).signature })
    docket.conflict(committee, vote(7, 1), vote(8, 2))
    docket.conflict(committee, vote(7, 1), vote(7, 1))
    clock.run(10)
    expect(proven).toEqual([])
    expect(dropped).toEqual(['evidence-signature'])
  })

  test('is brought to mind after a restart, once, and again after its records were let go', async () => {
    const { clock, docket, medium } = desk()
    docket.conflict(committee, vote(7, 1), vote(7, 2))
    clock.run(10)
    const restated = docket.restate()
    clock.run(10)
    await restated
    expect(medium.records.map(({ kind }) => kind)).toEqual([RECORD.evidence, RECORD.evidence])
    medium.records.splice(0, 1)
    const next = desk(medium)
    next.docket.recall()
    expect(next.proven).toEqual([[7, false, 1]])
    next.docket.conflict(committee, vote(7, 1), vote(7, 2))
    next.clock.run(10)
    expect(next.proven).toHaveLength(1)
  })

  test('is not used while the journal takes nothing, and is when it is seen again', () => {
    const { clock, docket, medium, proven } = desk()
    medium.isFull = true
    docket.conflict(committee, vote(7, 1), vote(7, 2))
    clock.run(10)
    expect(proven).toEqual([])
    medium.isFull = false
    docket.conflict(committee, vote(7, 1), vote(7, 2))
    clock.run(10)
    expect(proven).toHaveLength(1)
  })

  test('more of one key than a few say nothing new', () => {
    const { clock, docket } = desk()
    for (let view = 1; view <= 20; view++) docket.conflict(committee, vote(view, 1), vote(view, 2))
    clock.run(10)
    expect(docket.all()).toHaveLength(4)
  })

  test('is forgotten when very many came after it', () => {
    const { clock, docket, proven } = desk()
    const of = (epoch: number) => evidenceOf(7, 2, { ...committee, epoch })
    for (let epoch = 0; epoch <= OFFENCES_MAX; epoch++) docket.ordered(of(epoch))
    clock.run(10)
    expect(proven).toHaveLength(OFFENCES_MAX + 1)
    expect(docket.all()).toHaveLength(OFFENCES_MAX)
    expect(docket.all()[0]?.epoch).toBe(1)
  })
})

describe('evidence by gossip', () => {
  test('is relayed once, where it is new, proven and of a member', () => {
    const { docket } = desk()
    const bytes = encodeEvidence(evidenceOf(7))
    expect(docket.receive('p', bytes)).toBe('accept')
    expect(docket.receive('q', bytes)).toBe('ignore')
  })

  test('of another group or of nobody’s making is its relayer’s fault', () => {
    const { docket, dropped } = desk()
    const elsewhere = { ...committee, groupId: new Uint8Array(32) }
    expect(docket.receive('p', Uint8Array.of(1, 2, 3))).toBe('reject')
    expect(docket.receive('p', encodeEvidence(evidenceOf(7, 2, elsewhere)))).toBe('reject')
    const { said, ...rest } = evidenceOf(7)
    const forged = { ...rest, said: [said[0], { ...said[1], signature: new Uint8Array(64) }] as const }
    expect(docket.receive('p', encodeEvidence(forged))).toBe('reject')
    expect(dropped).toEqual(['evidence-form', 'evidence-unknown', 'evidence-signature'])
    expect(docket.all()).toEqual([])
  })

  test('of an epoch that is not known here is nobody’s fault', () => {
    const { docket, dropped } = desk()
    expect(docket.receive('p', encodeEvidence(evidenceOf(7, 2, { ...committee, epoch: 9 })))).toBe('ignore')
    expect(dropped).toEqual(['evidence-unknown'])
  })

  test('one relaying peer cannot have everything checked', () => {
    const { clock, docket, dropped } = desk()
    const flood = Array.from({ length: 100 }, (_, i) => {
      const { said, ...rest } = evidenceOf(i + 1)
      return encodeEvidence({ ...rest, said: [said[0], { ...said[1], signature: new Uint8Array(64).fill(i) }] })
    })
    for (const bytes of flood) docket.receive('p', bytes)
    expect(dropped.filter((cause) => cause === 'evidence-signature')).toHaveLength(32)
    expect(docket.receive('q', encodeEvidence(evidenceOf(1)))).toBe('accept')
    clock.run(60_001)
    expect(docket.receive('p', encodeEvidence(evidenceOf(2)))).toBe('accept')
  })
})
