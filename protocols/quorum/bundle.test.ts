import { readFileSync } from 'node:fs'
import { CodecError, toHex, utf8 } from '@brume/codec'
import { assertWithstands } from '@brume/testkit/hostile'
import { describe, expect, test } from 'vitest'
import {
  headersOf,
  nextTrust,
  sampleAttestation,
  sampleBundle,
  sampleChain,
  sampleCheckpoint,
  sampleClosing,
  sampleFinalization,
  sampleTrust
} from './bundle-samples.ts'
import {
  type Bundle,
  BundleError,
  decodeBundle,
  encodeBundle,
  encodeCommittee,
  groupIdOf,
  type TrustedCommittee,
  trustManifest,
  verifyFinal
} from './index.ts'
import { manifest } from './samples.ts'

const refusal = (reason: string) => expect.objectContaining({ code: 'BRUME_QUORUM_BUNDLE', reason })

function refuses(bundle: Bundle, trusted: TrustedCommittee, reason: string): void {
  expect(() => verifyFinal(encodeBundle(bundle), trusted)).toThrow(refusal(reason))
}

const trusted = sampleTrust(4)
const blocks = sampleChain(trusted, 3)
const [wanted, , last] = blocks
if (wanted === undefined || last === undefined) throw new RangeError('three blocks')
const plain = sampleBundle(trusted, blocks)
const attested: Bundle = { ...plain, proof: sampleAttestation(trusted, wanted) }
const checkpointed: Bundle = { ...plain, proof: sampleCheckpoint(trusted, wanted) }

const successors = nextTrust(trusted, [0, 1, 2, 3, 9])
const handedOver: Bundle = { ...sampleBundle(successors), closings: [sampleClosing(trusted, successors)] }
const unchanged = nextTrust(trusted, [0, 1, 2, 3])
const renewed: Bundle = { ...sampleBundle(unchanged), closings: [sampleClosing(trusted, unchanged)] }

describe('a bundle that holds', () => {
  test('shows a block final, down to the wanted header, and who signed', () => {
    const { header, signers, leaf, committee } = verifyFinal(encodeBundle(plain), trusted)
    expect([header.digest, header.height, header.view]).toEqual([wanted.digest, wanted.height, wanted.view])
    expect(signers).toEqual(trusted.members)
    expect(leaf).toBeNull()
    expect(committee).toBe(trusted)
  })

  test.each([
    ['attestation', attested],
    ['checkpoint', checkpointed]
  ])('with an %s it shows a leaf', (_, bundle) => {
    expect(verifyFinal(encodeBundle(bundle), trusted).leaf).toEqual(bundle.proof?.leaf)
  })

  test('leads through a change of committee, and from there on needs no closing', () => {
    const { committee } = verifyFinal(encodeBundle(handedOver), trusted)
    expect(committee.committee.epoch).toBe(1)
    expect(committee.members).toHaveLength(5)
    expect(verifyFinal(encodeBundle({ ...handedOver, closings: [] }), committee).header.epoch).toBe(1)
    expect(verifyFinal(encodeBundle(renewed), trusted).committee.members).toBe(trusted.members)
  })

  test('comes back as it was encoded', () => {
    for (const bundle of [plain, attested, checkpointed, handedOver, renewed]) {
      const bytes = encodeBundle(bundle)
      expect(toHex(encodeBundle(decodeBundle(bytes)))).toBe(toHex(bytes))
    }
  })
})

test('the bytes are those of vectors.json', () => {
  const bundles = Object.entries({ plain, attested, checkpointed, handedOver })
  const hex = Object.fromEntries(bundles.map(([name, bundle]) => [name, toHex(encodeBundle(bundle))]))
  expect(JSON.parse(readFileSync(new URL('vectors.json', import.meta.url), 'utf8')).bundles).toEqual(hex)
})

test('trust begins with the manifest of the group that is meant', () => {
  expect(trustManifest(manifest, { groupId: groupIdOf(manifest) }).committee.epoch).toBe(0)
  expect(() => trustManifest(manifest, { groupId: new Uint8Array(32) })).toThrow(refusal('GROUP'))
  expect(() => trustManifest(manifest.subarray(1))).toThrow(expect.objectContaining({ code: 'BRUME_QUORUM_MANIFEST' }))
})

describe('every change of a single byte is refused', () => {
  test.each([
    ['one member', sampleTrust(1), sampleBundle(sampleTrust(1))],
    ['four members, three headers', trusted, plain],
    ['an attestation', trusted, attested],
    ['a checkpoint', trusted, checkpointed],
    ['a change of committee', trusted, handedOver],
    ['an epoch that keeps its committee', trusted, renewed],
    ['seventeen members', sampleTrust(17), sampleBundle(sampleTrust(17))]
  ])('%s', { timeout: 120_000 }, (_, trust, bundle) => {
    const bytes = encodeBundle(bundle)
    verifyFinal(bytes, trust)
    const accepted: string[] = []
    for (let at = 0; at < bytes.length; at++) {
      for (const change of [1, 0x80, 1 + ((at * 37) % 254)]) {
        try {
          verifyFinal(bytes.with(at, (bytes[at] ?? 0) ^ change), trust)
          accepted.push(`${at} ^ ${change}`)
        } catch (error) {
          if (!(error instanceof BundleError)) throw error
        }
      }
    }
    expect(accepted).toEqual([])
  })
})

describe('a bundle that proves nothing says why', () => {
  test('another group, another epoch', () => {
    refuses(plain, trustManifest(manifest), 'GROUP')
    refuses({ ...handedOver, closings: [] }, trusted, 'EPOCH')
    refuses({ ...plain, closings: handedOver.closings }, trusted, 'EPOCH')
  })

  test('too few signers, or too much alike', () => {
    refuses({ ...plain, finalization: sampleFinalization(trusted, last, [0, 1]) }, trusted, 'WEIGHT')
    const diverse = sampleTrust(7, 3)
    const sites = diverse.members.map(({ site }) => site)
    const two = sites.flatMap((site, index) => (site === 'site-2' ? [] : [index]))
    const [block] = sampleChain(diverse, 1)
    if (block === undefined) throw new RangeError('one block')
    const bundle = { ...sampleBundle(diverse, [block]), finalization: sampleFinalization(diverse, block, two) }
    expect(two.length).toBeGreaterThanOrEqual(diverse.committee.quorum)
    refuses(bundle, diverse, 'WEIGHT')
  })

  test('a certificate of another block, and a signature by somebody else', () => {
    refuses({ ...plain, finalization: sampleFinalization(trusted, wanted) }, trusted, 'FINALIZATION')
    const { signatures, ...rest } = plain.finalization
    const finalization = { ...rest, signatures: [...signatures.slice(1), ...signatures.slice(0, 1)] }
    refuses({ ...plain, finalization }, trusted, 'SIGNATURE')
  })

  test('headers that do not follow one another', () => {
    const headers = headersOf(blocks)
    refuses({ ...plain, headers: [...headers.slice(0, 1), ...headers.slice(2)] }, trusted, 'HEADERS')
  })

  test('a committee that nobody handed over to', () => {
    const [closing] = handedOver.closings
    if (closing === undefined) throw new RangeError('one closing')
    const stranger = nextTrust(trusted, [20, 21, 22, 23])
    const usurped = encodeCommittee(stranger.committee.groupId, stranger.members)
    const bundle = { ...sampleBundle(stranger), closings: [{ ...closing, committee: usurped }] }
    refuses(bundle, trusted, 'CLOSING')
    refuses({ ...handedOver, closings: [{ ...closing, committee: null }] }, trusted, 'CLOSING')
    const ordinary = {
      header: headersOf(blocks)[0] ?? new Uint8Array(),
      finalization: plain.finalization,
      committee: null
    }
    refuses({ ...renewed, closings: [ordinary] }, trusted, 'CLOSING')
  })

  test('an attestation by no more than F, under another domain, of another block', () => {
    const byOne = sampleAttestation(trusted, wanted, { signers: [2] })
    refuses({ ...plain, proof: byOne }, trusted, 'ATTESTATION')
    const byTwo = sampleAttestation(trusted, wanted, { signers: [1, 2] })
    expect(verifyFinal(encodeBundle({ ...plain, proof: byTwo }), trusted).leaf).not.toBeNull()
    refuses({ ...plain, proof: sampleAttestation(trusted, wanted, { domain: 'other' }) }, trusted, 'ATTESTATION')
    refuses({ ...plain, proof: sampleAttestation(trusted, last) }, trusted, 'ATTESTATION')
    refuses(attested, { ...trusted, domain: null }, 'ATTESTATION')
  })

  test('a checkpoint below the quorum, or of another block', () => {
    refuses({ ...plain, proof: sampleCheckpoint(trusted, wanted, [0, 1]) }, trusted, 'CHECKPOINT')
    refuses({ ...plain, proof: sampleCheckpoint(trusted, last) }, trusted, 'CHECKPOINT')
  })

  test('a leaf that is not there, and one under another count', () => {
    for (const { proof } of [attested, checkpointed]) {
      if (proof === null) throw new RangeError('a proof')
      refuses({ ...plain, proof: { ...proof, leaf: utf8('mine') } }, trusted, 'LEAF')
      refuses({ ...plain, proof: { ...proof, count: proof.count + 1 } }, trusted, 'LEAF')
      refuses({ ...plain, proof: { ...proof, path: proof.path.slice(1) } }, trusted, 'LEAF')
    }
  })

  test('signers that the client does not want', () => {
    const bytes = encodeBundle(plain)
    const sites = (signers: readonly { readonly site: string }[]) => new Set(signers.map(({ site }) => site)).size
    expect(verifyFinal(bytes, trusted, (signers) => sites(signers) >= 2).signers).toHaveLength(4)
    expect(() => verifyFinal(bytes, trusted, (signers) => sites(signers) >= 4)).toThrow(refusal('PREDICATE'))
  })
})

test('hostile bundles', { timeout: 240_000 }, () => {
  const samples = [plain, attested, checkpointed, handedOver].map(encodeBundle)
  assertWithstands(samples, decodeBundle, (error) => error instanceof CodecError, encodeBundle)
})

test('hostile bundles prove nothing and throw nothing else', { timeout: 240_000 }, () => {
  const samples = [plain, attested, checkpointed, handedOver].map(encodeBundle)
  const verified = samples.map(toHex)
  assertWithstands(
    samples,
    (bytes) => {
      verifyFinal(bytes, trusted)
      // Two edits may undo each other.
      if (!verified.includes(toHex(bytes))) throw new Error('a forged bundle was believed')
    },
    (error) => error instanceof BundleError
  )
})
