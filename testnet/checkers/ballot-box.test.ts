import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BallotBox } from './ballot-box.ts'
import type { CheckedCommittee } from './committee.ts'
import type { SeenBlock } from './frames.ts'
import { FINALIZE, NOTARIZE, NULLIFY, type SignedStatement, u64 } from './statement.ts'

const PAIRS = Array.from({ length: 4 }, () => generateKeyPairSync('ed25519'))
const COMMITTEE: CheckedCommittee = {
  groupId: Buffer.alloc(32, 1),
  committeeHash: Buffer.alloc(32, 2),
  keys: PAIRS.map(({ publicKey }) => publicKey),
  weights: [1, 1, 1, 1],
  quorum: 3
}
const DOMAIN = ['', 'brume/quorum-notarize/1', 'brume/quorum-nullify/1', 'brume/quorum-finalize/1']

interface Signing {
  readonly key?: KeyObject
  readonly epoch?: number
}

function makeVote(signer: number, kind: number, view: number, block: number, signing: Signing = {}): SignedStatement {
  const { key, epoch = 0 } = signing
  const tail = kind === NULLIFY ? Buffer.alloc(0) : Buffer.concat([u64(0), Buffer.alloc(32, block)])
  const message = [
    Buffer.from(`${DOMAIN[kind]}\0`),
    COMMITTEE.groupId,
    u64(epoch),
    COMMITTEE.committeeHash,
    u64(view),
    tail
  ]
  const signature = sign(null, Buffer.concat(message), key ?? PAIRS[signer]?.privateKey ?? fail())
  return { kind, signer, epoch, view, tail: tail.toString('hex'), signature: signature.toString('hex') }
}

function fail(): never {
  throw new Error('no such signer')
}

function makeBox(...votes: readonly SignedStatement[]): BallotBox {
  const box = new BallotBox(COMMITTEE)
  votes.forEach((vote, index) => {
    box.add(vote, `source ${index}`)
  })
  return box
}

const digestOf = (block: number): string => Buffer.alloc(32, block).toString('hex')

/** On top of the block whose number is one less, with a command in it. */
function addBlock(box: BallotBox, view: number, height: number, block: number, more: Partial<SeenBlock> = {}): void {
  const { signer: _signer, ...notarize } = makeVote(view % 4, NOTARIZE, view, block, more)
  const place = { epoch: 0, view, height, digest: digestOf(block), parent: digestOf(block - 1) }
  box.addBlock({ ...place, commands: 1, isClosing: false, notarize, ...more }, 'p1')
}

describe('votes of one member', () => {
  test('the same vote from two sources, and votes of different views, are no contradiction', () => {
    const vote = makeVote(1, FINALIZE, 7, 1)
    expect(makeBox(vote, vote, makeVote(1, FINALIZE, 8, 2)).violations()).toEqual([])
  })

  test.each([
    [NOTARIZE, 1, NOTARIZE, 2],
    [FINALIZE, 1, FINALIZE, 2],
    [NULLIFY, 0, FINALIZE, 1],
    [FINALIZE, 1, NULLIFY, 0]
  ])('kind %d of block %d and kind %d of block %d accuse their signer', (a, blockA, b, blockB) => {
    const [violation, ...rest] = makeBox(makeVote(2, a, 7, blockA), makeVote(2, b, 7, blockB)).violations()
    expect(rest).toEqual([])
    expect(violation?.rule).toBe('double-vote')
    expect(violation?.message).toContain('member 2 signed in epoch 0, view 7')
    expect(violation?.message).toContain('source 1')
  })

  test.each([
    [NOTARIZE, NULLIFY],
    [NOTARIZE, FINALIZE]
  ])('kinds %d and %d stand beside each other', (a, b) => {
    expect(makeBox(makeVote(0, a, 7, 1), makeVote(0, b, 7, 1)).violations()).toEqual([])
  })

  test('nobody is accused by a vote it did not sign', () => {
    const forged = makeVote(2, FINALIZE, 7, 2, { key: PAIRS[3]?.privateKey ?? fail() })
    const box = makeBox(makeVote(2, FINALIZE, 7, 1), forged)
    expect(box.violations()).toEqual([])
    expect(box.counts.forged).toBe(1)
  })

  test('whatever the order of arrival, one double vote is found once', () => {
    const votes = [NOTARIZE, FINALIZE].flatMap((kind) => [0, 1, 2, 3].map((signer) => makeVote(signer, kind, 7, 1)))
    const all = [...votes, makeVote(3, FINALIZE, 7, 9)]
    fc.assert(
      fc.property(fc.shuffledSubarray(all, { minLength: all.length }), (shuffled) => {
        expect(makeBox(...shuffled).violations()).toHaveLength(1)
      }),
      { numRuns: 20 }
    )
  })
})

describe('epochs', () => {
  test('of the manifest’s own committee are judged, those of another are counted and left alone', () => {
    const later = (signer: number, block: number, committee = COMMITTEE) => {
      const tail = Buffer.concat([u64(0), Buffer.alloc(32, block)])
      const place = [committee.groupId, u64(5), committee.committeeHash, u64(7)]
      const message = Buffer.concat([Buffer.from(`${DOMAIN[FINALIZE]}\0`), ...place, tail])
      const signature = sign(null, message, PAIRS[signer]?.privateKey ?? fail()).toString('hex')
      return { kind: FINALIZE, signer, epoch: 5, view: 7, tail: tail.toString('hex'), signature }
    }
    const same = makeBox(later(1, 1), later(1, 2))
    expect(same.violations().map(({ rule }) => rule)).toEqual(['double-vote'])
    expect(same.counts.unjudged).toBe(0)
    const other = { ...COMMITTEE, committeeHash: Buffer.alloc(32, 9) }
    const strange = makeBox(later(1, 1, other), later(1, 2, other), later(2, 2, other), later(3, 2, other))
    expect(strange.violations()).toEqual([])
    expect(strange.counts).toEqual({ statements: 4, forged: 0, unjudged: 4 })
  })
})

describe('what a quorum decided', () => {
  test('three of four finalize votes make a height final, two do not', () => {
    const box = makeBox(...[0, 1, 2].map((signer) => makeVote(signer, FINALIZE, 7, 1)))
    addBlock(box, 7, 5, 1)
    addBlock(box, 8, 6, 2)
    for (const signer of [0, 1]) box.add(makeVote(signer, FINALIZE, 8, 2), 'x')
    expect(box.finalHeights()).toEqual([5])
    expect(box.violations()).toEqual([])
  })

  test('two final blocks at one height are a fork', () => {
    const box = makeBox(
      ...[0, 1, 2].map((signer) => makeVote(signer, FINALIZE, 7, 1)),
      ...[1, 2, 3].map((signer) => makeVote(signer, FINALIZE, 8, 2))
    )
    addBlock(box, 7, 5, 1)
    addBlock(box, 8, 5, 2)
    expect(box.violations()).toEqual([
      { rule: 'two-finals-at-one-height', message: 'height 5: 0101010101010101 and 0202020202020202 are both final' }
    ])
  })

  describe('above a block that closes its epoch', () => {
    /** Final by the finality of an empty block above it: the closing one at height 5. */
    const closed = (more: Partial<SeenBlock> = {}): BallotBox => {
      const box = makeBox(...[0, 1, 2].map((signer) => makeVote(signer, FINALIZE, 8, 2)))
      addBlock(box, 7, 5, 1, { isClosing: true })
      addBlock(box, 8, 6, 2, { commands: 0, ...more })
      return box
    }
    const addFinal = (box: BallotBox, view: number, height: number, block: number, more: Partial<SeenBlock>): void => {
      addBlock(box, view, height, block, more)
      for (const signer of [0, 1, 2]) box.add(makeVote(signer, FINALIZE, view, block, more), 'x')
    }

    test('an empty one makes it final and counts for nothing: the next epoch begins at its height', () => {
      const box = closed()
      addFinal(box, 1, 6, 9, { epoch: 1, parent: digestOf(1) })
      expect(box.violations()).toEqual([])
    })

    test('one with commands is a fork beside the first of the next epoch', () => {
      const box = closed({ commands: 1 })
      addFinal(box, 1, 6, 9, { epoch: 1, parent: digestOf(1) })
      expect(box.violations().map(({ rule }) => rule)).toEqual(['two-finals-at-one-height'])
    })

    test('two empty ones at one height are a fork, and so is another block in the place of the closing one', () => {
      const box = closed()
      addFinal(box, 9, 6, 3, { commands: 0, parent: digestOf(1) })
      addFinal(box, 7, 5, 1, { isClosing: true })
      addFinal(box, 1, 5, 9, { epoch: 1, parent: digestOf(0), commands: 0 })
      const places = box.violations().map(({ message }) => message.split(':')[0])
      expect(places).toEqual(['height 6 of epoch 0', 'height 5'])
    })
  })

  test('a view that is final and nullified is a violation, beside those of its members', () => {
    const box = makeBox(
      ...[0, 1, 2].flatMap((signer) => [makeVote(signer, FINALIZE, 7, 1), makeVote(signer, NULLIFY, 7, 0)])
    )
    expect(box.violations().map(({ rule }) => rule)).toEqual([
      'double-vote',
      'double-vote',
      'double-vote',
      'final-and-nullified'
    ])
  })

  test('the signature of a proposal is its leader’s notarize vote', () => {
    const box = new BallotBox(COMMITTEE)
    addBlock(box, 7, 5, 1)
    box.add(makeVote(7 % 4, NOTARIZE, 7, 2), 'p2')
    expect(box.violations().map(({ rule }) => rule)).toEqual(['double-vote'])
  })
})
