import { asArray, type CborValue, CodecError, decode, encode } from '@brume/codec'
import { certifies, KIND } from '@brume/consensus'
import { assertWithstands } from '@brume/testkit/hostile'
import { describe, expect, test } from 'vitest'
import { committeeOf, decodeManifest, encodeManifest, ManifestError } from './index.ts'
import { manifest } from './samples.ts'
import { requireSoundManifest, risksOf } from './soundness.ts'

const plain = decodeManifest(manifest)

/** A manifest that uses every condition there is. */
const rich = encodeManifest({
  ...plain,
  pace: { ...plain.pace, checkpointBlocks: 8, epochBlocks: 20, epochMs: 5_000 },
  policy: {
    classWeights: [1, 2, 3],
    caps: ['site'],
    surviveDown: ['hardware', 'operator'],
    diversity: [{ attribute: 'operator', minDistinct: 2 }]
  },
  members: plain.members.map((member, i) => ({
    ...member,
    operator: i < 3 ? 'one' : 'two',
    class: i === 0 ? (2 as const) : (1 as const),
    volatile: i === 1
  }))
})

/** The same bytes with one field of the manifest replaced. */
function withField(bytes: Uint8Array, at: number, change: (field: CborValue) => CborValue): Uint8Array {
  const fields = [...asArray(decode(bytes, { bytesMax: 65_536 }), 'manifest', 9)]
  fields[at] = change(fields[at] ?? null)
  return encode(fields)
}

const refused = (bytes: Uint8Array) =>
  expect(() => decodeManifest(bytes)).toThrow(expect.objectContaining({ code: 'BRUME_QUORUM_MANIFEST' }))

test('policy, pace of epochs, class and volatility come back as they went in', () => {
  const read = decodeManifest(rich)
  expect(read.policy).toEqual({
    classWeights: [1, 2, 3],
    caps: ['site'],
    surviveDown: ['hardware', 'operator'],
    diversity: [{ attribute: 'operator', minDistinct: 2 }]
  })
  expect(read.pace).toMatchObject({ checkpointBlocks: 8, epochBlocks: 20, epochMs: 5_000 })
  expect(read.members.map((member) => member.class)).toEqual([2, 1, 1, 1])
  expect(read.members.map(({ volatile }) => volatile)).toEqual([false, true, false, false])
  expect(encodeManifest(read)).toEqual(rich)
})

test('a group is a log unless it says slots, and the two have different names', () => {
  const slots = encodeManifest({ ...plain, kind: 'slot' })
  expect([plain.kind, decodeManifest(slots).kind]).toEqual(['log', 'slot'])
  expect(slots).not.toEqual(manifest)
  refused(withField(manifest, 3, () => 2))
})

test('what a manifest leaves out is the default', () => {
  expect(plain.policy).toEqual({ classWeights: [100, 150, 200], caps: [], surviveDown: [], diversity: [] })
  expect(plain.members.every((member) => member.class === 0 && !member.volatile)).toBe(true)
})

test('the committee demands the diversity of the policy', () => {
  const committee = committeeOf(rich)
  const all = committee.members.map((_, i) => i)
  expect(certifies(committee, KIND.finalize, all)).toBe(true)
  for (const left of all) {
    const rest = all.filter((i) => i !== left)
    const heavy = rest.reduce((sum, i) => sum + (committee.members[i]?.weight ?? 0), 0) >= committee.quorum
    expect(certifies(committee, KIND.finalize, rest)).toBe(heavy && left !== 3)
  }
})

test('who founds a group learns which domains may be silent and which may lie, and is refused what cannot last', () => {
  const equal = plain.members.map((member, i) => ({ ...member, weight: 1, site: i < 2 ? 'cellar' : `attic ${i}` }))
  const founded = { ...plain, members: equal }
  expect(risksOf(founded).filter(({ attribute }) => attribute === 'site')).toEqual([
    { attribute: 'site', domain: 'cellar', weight: 2, maySilent: false, mayLie: false },
    { attribute: 'site', domain: 'attic 2', weight: 1, maySilent: true, mayLie: true },
    { attribute: 'site', domain: 'attic 3', weight: 1, maySilent: true, mayLie: true }
  ])
  requireSoundManifest(founded)
  const refusal = expect.objectContaining({ code: 'BRUME_QUORUM_COMMITTEE' })
  expect(() => requireSoundManifest({ ...founded, policy: { ...plain.policy, caps: ['site'] } })).toThrow(refusal)
  expect(() => requireSoundManifest({ ...founded, policy: { ...plain.policy, surviveDown: ['site'] } })).toThrow(
    refusal
  )
  expect(() => requireSoundManifest(plain)).toThrow(refusal)
})

describe('a policy is refused', () => {
  const good: CborValue = [[100, 150, 200], [], [], []]
  const [weights] = asArray(good, 'policy', 4)
  test.each<[string, CborValue]>([
    ['that is no list', 7],
    ['with a field too few', [weights ?? null, [], []]],
    ['with a field too many', [weights ?? null, [], [], [], []]],
    ['with two class weights', [[100, 150], [], [], []]],
    ['with a class of no weight', [[0, 150, 200], [], [], []]],
    ['with a class that is too heavy', [[100, 150, 1_001], [], [], []]],
    ['that caps what no member has', [weights ?? null, ['planet'], [], []]],
    ['that caps one attribute twice', [weights ?? null, ['site', 'site'], [], []]],
    ['that survives five attributes', [weights ?? null, [], ['site', 'site', 'site', 'site', 'site'], []]],
    ['with diversity of nothing', [weights ?? null, [], [], [['site', 0]]]],
    ['with diversity beyond the largest committee', [weights ?? null, [], [], [['site', 101]]]],
    [
      'with diversity told twice',
      [
        weights ?? null,
        [],
        [],
        [
          ['site', 2],
          ['site', 3]
        ]
      ]
    ],
    ['with diversity without a number', [weights ?? null, [], [], [['site']]]]
  ])('%s', (_, policy) => {
    refused(withField(manifest, 6, () => policy))
  })
})

test('an epoch of no blocks, no time or no checkpoints, a class 3, a volatility that is a number and a VRF key of small order are refused', () => {
  for (const at of [4, 5, 6]) {
    refused(withField(manifest, 5, (pace) => asArray(pace, 'pace', 7).map((value, i) => (i === at ? 0 : value))))
  }
  const ofFirst = (at: number, wrong: CborValue) =>
    withField(manifest, 7, (members) =>
      asArray(members, 'members', 4).map((member, i) =>
        i > 0 ? member : asArray(member, 'member', 7).map((value, j) => (j === at ? wrong : value))
      )
    )
  refused(ofFirst(5, 3))
  refused(ofFirst(6, 1))
  refused(ofFirst(2, new Uint8Array(32)))
})

test('hostile manifests with a policy', { timeout: 120_000 }, () => {
  const { members, ...rest } = decodeManifest(rich)
  const small = encodeManifest({ ...rest, members: members.slice(0, 1) })
  const isOwn = (error: unknown) => error instanceof CodecError || error instanceof ManifestError
  assertWithstands([small], decodeManifest, isOwn, encodeManifest)
})

describe('whose commands a group takes', () => {
  const key = (byte: number) => new Uint8Array(32).fill(byte)

  test.each([{ type: 'members' }, { type: 'open' }, { type: 'listed', keys: [key(1), key(2)] }] as const)(
    '$type comes back',
    (admit) => {
      expect(decodeManifest(encodeManifest({ ...plain, admit })).admit).toEqual(admit)
    }
  )

  test('keys out of order, twice, or none, and unknown forms are refused', () => {
    for (const admit of [[1, [key(2), key(1)]], [1, [key(1), key(1)]], [1, []], [0, []], [2, [key(1)]], [3]]) {
      refused(withField(manifest, 4, () => admit))
    }
  })
})
