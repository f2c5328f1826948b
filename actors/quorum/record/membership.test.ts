import { DEFAULT_POLICY } from '@brume/consensus'
import { sha256 } from '@brume/crypto'
import { proverFromSeed } from '@brume/crypto/vrf'
import {
  CANDIDATES_MAX,
  type Candidacy,
  decodeManifest,
  decodeMembership,
  encodeMembership,
  type Membership,
  type SystemCommand,
  VOUCHES_PER_MEMBER_MAX,
  WARRANTS_MAX
} from '@brume/protocols/quorum'
import { describe, expect, test } from 'vitest'
import { manifestOf, person } from '../samples.ts'
import { applySystem, founding, isUrgent, mustClose } from './membership.ts'
import { turnOver } from './turnover.ts'

const manifest = decodeManifest(manifestOf([1, 1, 1, 1]))
const start = founding(manifest)
const keyOf = (number: number) => person(number).publicKey

/** Keys of nobody, as many as one likes. */
const strangerKey = (number: number) => sha256(new Uint8Array(new Uint32Array([number]).buffer))

function candidateOf(number: number): Omit<Candidacy, 'height'> {
  const { peerId, publicKey, seed } = person(number)
  const vrfKey = proverFromSeed(seed).publicKey
  const place = { operator: '', site: '', hardware: '', volatile: false }
  return { peer: peerId, key: publicKey, vrfKey, ...place, attestation: null }
}

const joinOf = (number: number): SystemCommand => ({ name: 'join', candidate: candidateOf(number) })
const vouchOf = (subject: Uint8Array, change: Partial<SystemCommand & { name: 'vouch' }> = {}): SystemCommand => ({
  name: 'vouch',
  subject,
  admit: true,
  class: 0,
  untilEpoch: 50,
  ...change
})
const evidenceAgainst = (key: Uint8Array, epoch = 0): SystemCommand => ({
  name: 'evidence',
  evidence: { key, epoch, view: 3, kind: 3, groupId: new Uint8Array(32), said: [] as never }
})

/** Commands in order, each at the next height. */
function after(membership: Membership, ...commands: readonly (readonly [by: number, SystemCommand])[]): Membership {
  return commands.reduce((m, [by, command], i) => applySystem(m, keyOf(by), command, i + 1), membership)
}

const turned = (membership: Membership, times = 1): Membership => {
  let at = membership
  for (let i = 0; i < times; i++) at = turnOver(at, DEFAULT_POLICY, 10 * (i + 1), 1_000 * (i + 1)).membership
  return at
}
const peers = (members: Membership['members']) => members.map(({ peer }) => peer)
const seats = (membership: Membership, number: number) => peers(membership.next).includes(person(number).peerId)
const memberAt = (membership: Membership, number: number) =>
  membership.next.find(({ peer }) => peer === person(number).peerId)

describe('commands to the quorum', () => {
  test('of those who are neither members nor candidates only a join counts', () => {
    for (const command of [
      vouchOf(keyOf(0)),
      { name: 'leave' },
      { name: 'close' },
      evidenceAgainst(keyOf(0))
    ] as const) {
      expect(after(start, [9, command])).toBe(start)
    }
    expect(after(start, [9, joinOf(9)]).candidates.map(({ key }) => key)).toEqual([keyOf(9)])
    expect(after(start, [9, joinOf(8)])).toBe(start)
  })

  test('stay within the limits of the record, whose bytes read back', () => {
    let full = start
    for (let i = 0; i < CANDIDATES_MAX + 20; i++) {
      const candidate = { ...candidateOf(9), key: strangerKey(i) }
      full = applySystem(full, candidate.key, { name: 'join', candidate }, i)
    }
    for (let i = 0; i < VOUCHES_PER_MEMBER_MAX + 20; i++) full = after(full, [0, vouchOf(strangerKey(i))])
    for (let i = 0; i < WARRANTS_MAX + 20; i++) {
      const known = {
        ...full,
        candidates: full.candidates.with(0, { ...candidateOf(9), key: strangerKey(1_000 + i), height: 0 })
      }
      full = {
        ...applySystem(known, keyOf(0), evidenceAgainst(strangerKey(1_000 + i), i), 1),
        candidates: full.candidates
      }
    }
    expect([full.candidates.length, full.vouches.length]).toEqual([CANDIDATES_MAX, VOUCHES_PER_MEMBER_MAX])
    expect(full.warrants.length).toBe(WARRANTS_MAX)
    expect(Math.min(...full.warrants.map(({ epoch }) => epoch))).toBe(20)
    const real = { ...full, candidates: [] }
    expect(decodeMembership(encodeMembership(real))).toEqual(real)
  })

  test('a full list of candidates drops who waited longest, and nobody whom a member vouches for', () => {
    let full = after(start, [0, vouchOf(strangerKey(0))])
    for (let i = 0; i <= CANDIDATES_MAX; i++) {
      full = applySystem(
        full,
        strangerKey(i),
        { name: 'join', candidate: { ...candidateOf(9), key: strangerKey(i) } },
        i
      )
    }
    const waiting = full.candidates.map(({ height }) => height).sort((a, b) => a - b)
    expect(waiting.slice(0, 2)).toEqual([0, 2])
  })

  test('asking again changes what is told of a candidate and not its place in the line', () => {
    const moved: SystemCommand = { name: 'join', candidate: { ...candidateOf(9), site: 'elsewhere' } }
    const [candidate] = after(start, [9, joinOf(9)], [9, moved]).candidates
    expect([candidate?.site, candidate?.height]).toEqual(['elsewhere', 1])
  })
})

describe('who sits', () => {
  test('a candidate needs more than half of the weight, and a member keeps its seat as long as nobody objects', () => {
    const half = after(start, [9, joinOf(9)], [0, vouchOf(keyOf(9))], [1, vouchOf(keyOf(9))])
    expect(seats(turned(half), 9)).toBe(false)
    const most = after(half, [2, vouchOf(keyOf(9))])
    expect(seats(turned(most), 9)).toBe(true)
    expect(turned(most).candidates).toEqual([])
    expect(seats(turned(most, 4), 9)).toBe(true)
  })

  test('half of the weight against a member is enough: more than half must be for it', () => {
    const against = (by: number) => [by, vouchOf(keyOf(3), { admit: false })] as const
    expect(seats(turned(after(start, against(0))), 3)).toBe(true)
    expect(seats(turned(after(start, against(0), against(1))), 3)).toBe(false)
  })

  test('opinions end with the epoch they were given for, and with the seat of who gave them', () => {
    const until = (untilEpoch: number) =>
      [0, 1, 2].map((by) => [by, vouchOf(keyOf(3), { class: 2, untilEpoch })] as const)
    expect(memberAt(turned(after(start, ...until(2))), 3)?.class).toBe(2)
    expect(memberAt(turned(after(start, ...until(1))), 3)?.class).toBe(0)
    const gone = turned(after(start, ...until(9), [0, { name: 'leave' }]), 3)
    expect(gone.vouches.map(({ voucher }) => voucher)).not.toContainEqual(keyOf(0))
  })

  test('the class is the highest that more than half vouch for, and decides the weight', () => {
    // 150 of 450, where 149 may fail.
    const said = [2, 2, 1] as const
    const vouched = after(start, ...said.map((level, by) => [by, vouchOf(keyOf(3), { class: level })] as const))
    expect(memberAt(turned(vouched), 3)).toMatchObject({ class: 1, weight: 149 })
    expect(memberAt(turned(vouched), 0)).toMatchObject({ class: 0, weight: 100 })
  })

  test('who leaves or is proven to lie is out of the committee that is formed next, and two epochs close at once', () => {
    for (const command of [{ name: 'leave' }, evidenceAgainst(keyOf(3))] as const) {
      const said = after(start, [3, command])
      expect([said.urgent, isUrgent(said)]).toEqual([2, true])
      const next = turned(said)
      expect([next.urgent, seats(next, 3), peers(next.members).includes(person(3).peerId)]).toEqual([1, false, true])
      const last = turned(next)
      expect([last.urgent, peers(last.members).includes(person(3).peerId)]).toEqual([0, false])
    }
  })

  test('a liar stays out; who left may ask again', () => {
    const vouches = [0, 1, 2].map((by) => [by, vouchOf(keyOf(3))] as const)
    const left = turned(after(start, [3, { name: 'leave' }]), 3)
    expect(seats(turned(after(left, [3, joinOf(3)], ...vouches)), 3)).toBe(true)
    const lied = turned(after(start, [0, evidenceAgainst(keyOf(3))]), 3)
    expect(seats(turned(after(lied, [3, joinOf(3)], ...vouches)), 3)).toBe(false)
  })

  test('where no committee can be formed the next one stays for another epoch', () => {
    const policy = { ...DEFAULT_POLICY, diversity: [{ attribute: 'site', minDistinct: 2 }] }
    const { membership, failure } = turnOver(after(start, [9, joinOf(9)]), policy, 10, 1_000)
    expect(failure?.reason).toBe('diversity')
    expect(membership.next).toEqual(start.next)
    expect(membership.candidates.length).toBe(1)
  })
})

describe('an epoch closes', () => {
  const pace = { epochBlocks: 5, epochMs: 60_000 }
  const opened = { ...start, openedHeight: 10, openedMs: 1_000_000 }

  test('after so many blocks, or so much group time', () => {
    expect(mustClose(opened, { height: 14, timeMs: 1_059_999 }, pace)).toBe(false)
    expect(mustClose(opened, { height: 15, timeMs: 1_000_000 }, pace)).toBe(true)
    expect(mustClose(opened, { height: 11, timeMs: 1_060_000 }, pace)).toBe(true)
    expect(mustClose({ ...start, openedMs: 0 }, { height: 0, timeMs: 0 }, pace)).toBe(false)
  })

  test('when members of more than F want it, each counted once', () => {
    const close: SystemCommand = { name: 'close' }
    expect(isUrgent(after(opened, [0, close], [0, close]))).toBe(false)
    expect(isUrgent(after(opened, [0, close], [1, close]))).toBe(true)
    expect(isUrgent(turned(after(opened, [0, close], [1, close])))).toBe(false)
  })
})
