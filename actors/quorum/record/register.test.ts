import { toHex } from '@brume/codec'
import { leaderOf, type Proposal } from '@brume/consensus'
import { proverFromSeed } from '@brume/crypto/vrf'
import {
  bodyOf,
  commandId,
  committeeHash,
  decodeManifest,
  decodeMembership,
  encodeCall,
  encodeCommittee,
  encodeMembership,
  encodeSystem,
  groupIdOf,
  isClosing,
  makeBlock,
  type SystemCommand,
  type Turn
} from '@brume/protocols/quorum'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Inspector } from '../blocks/inspector.ts'
import { createJudge } from '../blocks/judge.ts'
import { Sessions } from '../commands/sessions.ts'
import { manifestOf, person, Tape } from '../samples.ts'
import { Draws } from './draws.ts'
import { dueOf, turnOf } from './due.ts'
import { Register } from './register.ts'

const bytes = manifestOf([1, 1, 1, 1], [], { pace: { epochBlocks: 6 } })
const manifest = decodeManifest(bytes)
const groupId = groupIdOf(bytes)
const START_MS = 1_700_000_000_000
const program = new Tape()
await program.open({ groupId, manifest: bytes }, () => {})

/** One member's record and everything that judges and makes blocks by it. */
function stand(stored: ConstructorParameters<typeof Register>[0]['stored'] = null, sessions = new Sessions()) {
  const inspector = new Inspector(groupId, manifest, program)
  const draws = new Draws(groupId, person(0))
  const register = new Register({ groupId, manifest, inspector, sessions, draws, stored })
  return { register, draws, judge: createJudge({ manifest, program, inspector, register, draws }) }
}

type Stand = ReturnType<typeof stand>

const others = new Map<number, Draws>()

/** Of another member; a proof takes some milliseconds, so each is made once. */
function drawsOf(number: number): Draws {
  const known = others.get(number) ?? new Draws(groupId, person(number))
  others.set(number, known)
  return known
}

/** Of the member that leads this view. */
function leaderNumber({ register }: Stand, view: number): number {
  const peer = register.membership.members[leaderOf(register.committee, view)]?.peer
  return [0, 1, 2, 3, 4].find((number) => person(number).peerId === peer) ?? -1
}

interface Below {
  readonly view: number
  readonly height: number
  readonly digest: string
  readonly timeMs: number
}
const GENESIS: Below = { view: 0, height: 0, digest: toHex(groupId), timeMs: 0 }
const PLACE = { groupId, epoch: 0, parent: GENESIS.digest }

/** The block that an honest leader makes, or one with another header or payload. */
function blockOn(
  at: Stand,
  parent: Below,
  commands: readonly Uint8Array[],
  change: { readonly turn?: Partial<Turn>; readonly timeMs?: number } = {}
): Proposal {
  const { epoch } = at.register.membership
  const view = parent.view + 1
  const due = dueOf(at.register, manifest.pace, {
    view,
    height: parent.height + 1,
    parent: parent.digest,
    parentMs: parent.timeMs
  })
  if (due === undefined) throw new RangeError('the parent is not known')
  const turn = turnOf(due, epoch, drawsOf(leaderNumber(at, view)))
  const place = { groupId, epoch, view, height: parent.height + 1, parentView: parent.view, parent: parent.digest }
  const named = commands.map((command) => ({ id: toHex(commandId(command)), bytes: command }))
  const timeMs = change.timeMs ?? Math.max(parent.timeMs + 10, START_MS)
  return makeBlock(place, timeMs, named, { ...turn, ...change.turn })
}

function call(number: number, session: number, sequence: number, body: Uint8Array, expiresMs = START_MS + 100_000) {
  return encodeCall({ groupId, session, sequence, expiresMs, body }, person(number))
}

const system = (number: number, sequence: number, command: SystemCommand) =>
  call(number, 7, sequence, encodeSystem(command))

const isValid = (at: Stand, block: Proposal, parent: Below) => at.judge(block, parent, [], null)

/** What an honest member makes of a new epoch: the closing block is its genesis. */
const genesisOf = (block: Proposal): Below => (isClosing(block) ? { ...block, view: 0 } : block)

test('a block takes effect only on the one below it: not twice, and not before what lies between', () => {
  const at = stand()
  const first = blockOn(at, GENESIS, [call(1, 1, 1, Uint8Array.of(1))])
  const skipped = makeBlock({ ...PLACE, view: 3, height: 3, parentView: 2 }, START_MS, [])
  expect(() => at.register.apply(skipped)).toThrow(RangeError)
  expect(at.register.apply(first).effective).toEqual([0])
  const digest = at.register.digest()
  expect(() => at.register.apply(first)).toThrow(RangeError)
  expect(at.register.digest()).toBe(digest)
})

test('a command that an ancestor carries gets no vote, and keeps no block out that others notarized', () => {
  const at = stand()
  const command = call(1, 1, 1, Uint8Array.of(1))
  const first = blockOn(at, GENESIS, [command])
  expect(isValid(at, first, GENESIS)).toBe(true)
  const second = blockOn(at, first, [command])
  expect(at.judge(second, first, [first], null)).toBe(true)
  expect(at.judge(second, first, [first], second.timeMs)).toBe(false)
  expect(at.judge(second, first, [], second.timeMs)).toBe(true)
  at.register.apply(first)
  expect(at.register.apply(second).effective).toEqual([])
})

describe('what a header must say', () => {
  test('a leader draws in its first block of an epoch and in no other, with its own key', () => {
    const at = stand()
    const first = blockOn(at, GENESIS, [])
    expect(isValid(at, first, GENESIS)).toBe(true)
    expect(isValid(at, blockOn(at, GENESIS, [], { turn: { vrfProof: null } }), GENESIS)).toBe(false)
    const strangers = drawsOf(99).prove(0)
    expect(isValid(at, blockOn(at, GENESIS, [], { turn: { vrfProof: strangers } }), GENESIS)).toBe(false)
    const next = drawsOf(leaderNumber(at, 1)).prove(1)
    expect(isValid(at, blockOn(at, GENESIS, [], { turn: { vrfProof: next } }), GENESIS)).toBe(false)
    let parent: Below = first
    for (let view = 2; view <= 5; view++) {
      at.register.apply(blockOf(parent))
      const block = blockOn(at, parent, [])
      expect(bodyOf(block).vrfProof === null).toBe(view === 5)
      expect(isValid(at, block, parent)).toBe(true)
      const twice = { turn: { vrfProof: drawsOf(leaderNumber(at, view)).prove(0) } }
      if (view === 5) expect(isValid(at, blockOn(at, parent, [], twice), parent)).toBe(false)
      parent = block
    }

    function blockOf(below: Below): Proposal {
      return below as Proposal
    }
  })

  test('the epoch closes where the state after the parent says so, and nowhere else, and names who follows', () => {
    const at = stand()
    let parent: Below = GENESIS
    const next = committeeHash(encodeCommittee(groupId, manifest.members))
    for (let height = 1; height <= 7; height++) {
      const block = blockOn(at, parent, [])
      expect(isClosing(block)).toBe(height === 7)
      const other = isClosing(block) ? null : next
      expect(isValid(at, blockOn(at, parent, [], { turn: { nextCommittee: other } }), parent)).toBe(false)
      expect(isValid(at, block, parent)).toBe(true)
      parent = block
    }
    expect(isValid(at, blockOn(at, { ...parent, view: 5 }, []), parent)).toBe(true)
    expect(bodyOf(parent as Proposal).nextCommittee).toEqual(next)
    const wrong = { turn: { nextCommittee: new Uint8Array(32).fill(1) } }
    const before = { ...parent, digest: (parent as Proposal).parent, height: 6, view: 6 }
    expect(isValid(at, blockOn(at, before, [], wrong), before)).toBe(false)
  })

  test('blocks on a closing one repeat whom it names, and order nothing', () => {
    const at = stand()
    let parent: Below = GENESIS
    for (let height = 1; height <= 7; height++) {
      const block = blockOn(at, parent, [])
      expect(isValid(at, block, parent)).toBe(true)
      parent = block
    }
    expect(isValid(at, blockOn(at, parent, []), parent)).toBe(true)
    expect(isValid(at, blockOn(at, parent, [call(200, 1, 1, Buffer.from('x'))]), parent)).toBe(false)
    expect(isValid(at, blockOn(at, parent, [], { turn: { nextCommittee: null } }), parent)).toBe(false)
  })

  test('a request to close counts from the block after the one that carries it, final or not', () => {
    const at = stand()
    const closes = [system(0, 1, { name: 'close' }), system(1, 1, { name: 'close' })]
    const asking = blockOn(at, GENESIS, closes)
    expect(isClosing(asking)).toBe(false)
    expect(isValid(at, asking, GENESIS)).toBe(true)
    const closing = blockOn(at, asking, [])
    expect(isClosing(closing)).toBe(true)
    expect(isValid(at, closing, asking)).toBe(true)
  })
})

describe('the record', () => {
  test('forgets a session once group time has passed its last expiry, swept or not', () => {
    const [swept, kept] = [stand(), stand()]
    const take = (at: Stand, parent: Below, commands: readonly Uint8Array[], timeMs: number): Proposal => {
      const block = blockOn(at, parent, commands, { timeMs })
      at.register.apply(block)
      return block
    }
    const one = call(200, 1, 1, Buffer.from('one'), START_MS + 50)
    let a = take(swept, GENESIS, [one], START_MS)
    take(kept, GENESIS, [one], START_MS)
    a = take(swept, a, [], START_MS + 100)
    kept.register.apply(a)
    swept.register.sessions.forget(START_MS + 100)
    const again = call(200, 1, 1, Buffer.from('again'), START_MS + 900)
    const block = blockOn(swept, a, [again], { timeMs: START_MS + 101 })
    expect(swept.register.apply(block).effective).toEqual([0])
    expect(kept.register.apply(block).effective).toEqual([0])
    expect(kept.register.digest()).toBe(swept.register.digest())
  })

  /** What a block carries: each entry one command. */
  const entry = fc.oneof(
    fc.record({ kind: fc.constant('line' as const), by: fc.nat(2), sequence: fc.integer({ min: 1, max: 3 }) }),
    fc.record({ kind: fc.constant('close' as const), by: fc.nat(4), sequence: fc.integer({ min: 1, max: 4 }) }),
    fc.record({ kind: fc.constant('leave' as const), by: fc.nat(4), sequence: fc.integer({ min: 1, max: 4 }) }),
    fc.record({ kind: fc.constant('join' as const), by: fc.nat(4), sequence: fc.integer({ min: 1, max: 4 }) }),
    fc.record({ kind: fc.constant('vouch' as const), by: fc.nat(4), sequence: fc.integer({ min: 1, max: 4 }) })
  )

  function bytesOf({ kind, by, sequence }: typeof entry extends fc.Arbitrary<infer T> ? T : never): Uint8Array {
    if (kind === 'line') return call(200 + by, 1, sequence, Buffer.from('line'))
    if (kind === 'vouch') {
      const subject = person(4).publicKey
      return system(by, sequence, { name: 'vouch', subject, admit: true, class: 1, untilEpoch: 9 })
    }
    if (kind !== 'join') return system(by, sequence, { name: kind })
    const { peerId, publicKey, seed } = person(by)
    const vrfKey = proverFromSeed(seed).publicKey
    const place = { operator: '', site: '', hardware: '', volatile: false, attestation: null }
    return system(by, sequence, { name: 'join', candidate: { peer: peerId, key: publicKey, vrfKey, ...place } })
  }

  test('foreseen for unfinalized blocks it is what it becomes, and a restart at any height changes nothing', {
    timeout: 60_000
  }, () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(entry, { maxLength: 4 }), { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 4 }),
        (payloads, ahead) => {
          const [at, direct] = [stand(), stand()]
          let restarted = stand()
          let parent: Below = GENESIS
          const waiting: Proposal[] = []
          const settle = () => {
            for (const block of waiting.splice(0)) {
              const foreseen = at.register.after(block.digest)
              const { effective, turn } = at.register.apply(block)
              expect(direct.register.apply(block).effective).toEqual(effective)
              restarted.register.apply(block)
              if (turn === null) expect(at.register.membership).toEqual(foreseen)
              const { membership, sessions } = restarted.register
              const stored = { membership: decodeMembership(encodeMembership(membership)), ...block }
              restarted = stand(stored, sessions.copy())
              if (turn !== null) return
            }
          }
          for (const payload of payloads) {
            const block = blockOn(at, parent, payload.map(bytesOf).filter(isOnce()))
            expect(isValid(at, block, parent)).toBe(true)
            waiting.push(block)
            if (isClosing(block) || waiting.length >= ahead) settle()
            parent = genesisOf(block)
          }
          settle()
          expect(direct.register.digest()).toBe(at.register.digest())
          expect(restarted.register.digest()).toBe(at.register.digest())
          expect(restarted.register.committee).toEqual(at.register.committee)
        }
      ),
      { numRuns: 25 }
    )
  })
})

/** A payload names each command once. */
function isOnce(): (command: Uint8Array) => boolean {
  const seen = new Set<string>()
  return (command) => {
    const id = toHex(commandId(command))
    const isNew = !seen.has(id)
    seen.add(id)
    return isNew
  }
}
