import { readFileSync } from 'node:fs'
import { CodecError, compare, decode, encode, toHex } from '@brume/codec'
import { KIND, signedBytes } from '@brume/consensus'
import { deriveSeed, identityFromSeed, sha256 } from '@brume/crypto'
import { assertWithstands } from '@brume/testkit/hostile'
import { describe, expect, test } from 'vitest'
import { makeEvidence } from './evidence.ts'
import {
  decodeManifest,
  decodeMembership,
  decodeRecord,
  decodeSystem,
  encodeMembership,
  encodeRecord,
  encodeSystem,
  isSystemBody,
  ManifestError,
  type Membership,
  type QuorumRecord,
  type SystemCommand
} from './index.ts'
import { committee, manifest, memberIdentity, voteOf } from './samples.ts'

const isOwn = (error: unknown) => error instanceof CodecError || error instanceof ManifestError
const newcomer = identityFromSeed(new Uint8Array(32).fill(77))
const { members } = decodeManifest(manifest)
const keys = members.map(({ key }) => key)
const candidate = {
  peer: newcomer.peerId,
  key: newcomer.publicKey,
  vrfKey: identityFromSeed(deriveSeed(newcomer.seed, 'brume/vrf/1')).publicKey,
  operator: 'op',
  site: '',
  hardware: '',
  volatile: false,
  attestation: sha256(newcomer.publicKey)
}
const at = (i: number) => keys[i] ?? new Uint8Array(32)
const membership: Membership = {
  epoch: 3,
  openedHeight: 40,
  openedMs: 1_700_000_000_000,
  seed: new Uint8Array(32).fill(1),
  draw: new Uint8Array(32).fill(2),
  drawn: [0, 2],
  members,
  next: members.slice(1),
  candidates: [{ ...candidate, height: 41 }],
  vouches: [
    { voucher: at(0), subject: newcomer.publicKey, admit: true, class: 2, untilEpoch: 9 },
    { voucher: at(1), subject: at(0), admit: false, class: 0, untilEpoch: 5 },
    { voucher: at(1), subject: at(1), admit: true, class: 1, untilEpoch: 5 }
  ],
  leaving: [at(0)],
  warrants: [{ key: at(2), epoch: 2, view: 7, kind: 3 }],
  closes: [at(1)],
  urgent: 2
}
const record: QuorumRecord = {
  height: 42,
  timeMs: 1_700_000_001_000,
  membership,
  sessions: [
    { client: at(0), session: 1, sequence: 4, expiresMs: 1_700_000_100_000 },
    { client: at(0), session: 2, sequence: 1, expiresMs: 1_700_000_100_000 }
  ]
}

function evidence() {
  const [a, b] = [voteOf(KIND.nullify, 0), voteOf(KIND.finalize, 0)].map((vote) => ({
    statement: Uint8Array.from(signedBytes(committee, vote)),
    signature: vote.signature
  }))
  const made = a === undefined || b === undefined ? undefined : makeEvidence(memberIdentity(0).publicKey, a, b)
  if (made === undefined) throw new RangeError('no evidence')
  return made
}

const commands: readonly SystemCommand[] = [
  { name: 'join', candidate },
  { name: 'vouch', subject: newcomer.publicKey, admit: true, class: 1, untilEpoch: 7 },
  { name: 'leave' },
  { name: 'evidence', evidence: evidence() },
  { name: 'close' }
]

test('the bytes are those of vectors.json', () => {
  const vectors = JSON.parse(readFileSync(new URL('vectors.json', import.meta.url), 'utf8'))
  const hex = commands.map((command) => toHex(encodeSystem(command)))
  expect({ record: toHex(encodeRecord(record)), system: hex }).toEqual({
    record: vectors.record,
    system: vectors.system
  })
})

describe('a record', () => {
  test('comes back from its bytes', () => {
    const bytes = encodeRecord(record)
    expect(toHex(encodeRecord(decodeRecord(bytes)))).toBe(toHex(bytes))
    expect(decodeRecord(bytes)).toEqual(record)
    expect(decodeMembership(encodeMembership(membership))).toEqual(membership)
  })

  test('has one form: lists out of order, twice the same key and candidates with a weight are refused', () => {
    const refused = (change: Partial<Membership>) => () =>
      decodeMembership(encodeMembership({ ...membership, ...change }))
    expect(refused({ members: members.toReversed() })).toThrow(CodecError)
    expect(refused({ closes: [at(1), at(1)] })).toThrow(CodecError)
    expect(refused({ vouches: membership.vouches.toReversed() })).toThrow(CodecError)
    expect(() => decodeRecord(encodeRecord({ ...record, sessions: record.sessions.toReversed() }))).toThrow(CodecError)
    const [fields, draw] = decode(encodeMembership(membership), { bytesMax: 65_536 }) as [unknown[], Uint8Array]
    const [, , , [[member, attestation, height]]] = fields as [0, 0, 0, [[unknown[], Uint8Array, number]]]
    const heavy = member.map((field, i) => (i === 3 ? 2 : field))
    fields[3] = [[heavy, attestation, height]]
    expect(() => decodeMembership(encode([fields, draw] as never))).toThrow(CodecError)
  })

  test('withstands hostile bytes', { timeout: 120_000 }, () => {
    // Keys are points to be checked: few of them, or this takes half a minute.
    const small = { ...membership, members: members.slice(0, 1), next: [], candidates: [] }
    assertWithstands([encodeRecord({ ...record, membership: small })], decodeRecord, isOwn, encodeRecord)
  })
})

describe('commands to the quorum', () => {
  test.each(commands)('$name comes back', (command) => {
    const bytes = encodeSystem(command)
    expect(isSystemBody(bytes)).toBe(true)
    expect(toHex(encodeSystem(decodeSystem(bytes)))).toBe(toHex(bytes))
  })

  test('no other body passes for one', () => {
    expect(isSystemBody(encode(['counter', 'add', []]))).toBe(false)
    expect(isSystemBody(encode(['quorum']))).toBe(false)
    expect(() => decodeSystem(encode(['quorum', 'crown', []]))).toThrow(CodecError)
    expect(() => decodeSystem(encode(['quorum', 'leave', [1]]))).toThrow(CodecError)
  })

  test('withstand hostile bytes', { timeout: 120_000 }, () => {
    assertWithstands(commands.map(encodeSystem), decodeSystem, isOwn, encodeSystem)
  })
})

test('keys of the samples ascend, as lists in a record must', () => {
  expect(keys.every((key, i) => i === 0 || compare(keys[i - 1] ?? key, key) < 0)).toBe(true)
})
