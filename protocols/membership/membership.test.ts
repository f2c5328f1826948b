import { readFileSync } from 'node:fs'
import { CodecError, encode, fromHex, toHex } from '@brume/codec'
import { DEFAULT_NETWORK, deriveSeed, identityFromSeed, networkId } from '@brume/crypto'
import { assertWithstands, hostileBytes } from '@brume/testkit/hostile'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  checkRecord,
  decodeAnnouncement,
  decodeMessage,
  decodeRecord,
  encodeAnnouncement,
  encodeMessage,
  encodeSigned,
  type MembershipMessage,
  openRecord,
  operatorMessage,
  operatorOf,
  RECORD_BYTES_MAX,
  type RecordBody,
  RecordError,
  signRecord,
  vrfPublicKey
} from './index.ts'
import { decodeBody, encodeBody } from './record.ts'
import { sampleBody, sampleIdentity, sampleMessages, vectorsOf } from './samples.ts'

const net = networkId(DEFAULT_NETWORK)
const identity = sampleIdentity(1)
const record = signRecord(sampleBody(identity, net), identity.sign)

describe('record', () => {
  it('comes back as it was written, and is a fraction of its limit', () => {
    const read = decodeRecord(record.bytes)
    expect(read.body).toEqual(record.body)
    expect(encodeBody(read.body)).toEqual(record.bodyBytes)
    expect(record.bytes.length).toBeLessThan(600)
    expect(() => checkRecord(read, net)).not.toThrow()
  })

  it('of another network, another key or another content is refused', () => {
    const other = networkId({ ...DEFAULT_NETWORK, name: 'other' })
    expect(() => checkRecord(record, other)).toThrowError(
      expect.objectContaining({ code: 'BRUME_MEMBERSHIP_WRONG_NET' })
    )
    const bad = expect.objectContaining({ code: 'BRUME_MEMBERSHIP_BAD_SIGNATURE' })
    const forged = signRecord(sampleBody(identity, net), sampleIdentity(2).sign)
    expect(() => checkRecord(forged, net)).toThrowError(bad)
    const changed = decodeRecord(
      encodeSigned(encodeBody({ ...record.body, seq: record.body.seq + 1 }), record.signature)
    )
    expect(() => checkRecord(changed, net)).toThrowError(bad)
    expect(() =>
      openRecord(signRecord({ ...record.body, vrfKey: new Uint8Array(32) }, identity.sign).bytes, net)
    ).toThrowError(bad)
  })

  it('keeps every limit of the field table', () => {
    const broken: Partial<Record<keyof RecordBody, unknown>>[] = [
      { degree: 5 },
      { flags: 65_536 },
      { epoch: 2 ** 32 },
      { notBefore: -1 },
      { salt: new Uint8Array(15) },
      { vrfKey: new Uint8Array(31) },
      { addresses: Array.from({ length: 9 }, () => '/ip4/127.0.0.1/tcp/1') },
      { addresses: [`/${'a'.repeat(128)}`] },
      { addresses: ['127.0.0.1:4720'] },
      { place: { operator: 'x'.repeat(65), site: '', region: '' } },
      { place: { operator: '', site: 'x'.repeat(65), region: '' } },
      { place: { operator: '', site: '', region: 'x'.repeat(33) } },
      { work: { profiles: [1, 2, 3, 4, 5, 6, 7, 8, 9], capabilities: [] } },
      { work: { profiles: [], capabilities: Array.from({ length: 17 }, (_, i) => `c${i}`) } },
      { work: { profiles: [], capabilities: ['x'.repeat(33)] } },
      { onion: new Uint8Array(401) },
      { extensions: { big: new Uint8Array(256) } },
      { extensions: Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`e${i}`, i])) },
      { state: { ...record.body.state, load: 101 } },
      { state: { ...record.body.state, battery: 101 } },
      { host: { ...record.body.host, cores: 65_536 } }
    ]
    for (const change of broken) {
      const bytes = encodeBody({ ...record.body, ...change } as RecordBody)
      expect(() => decodeBody(bytes), JSON.stringify(change)).toThrow()
    }
  })

  it('above 2,048 bytes is neither signed nor read', () => {
    const body = {
      ...record.body,
      addresses: Array.from({ length: 8 }, (_, i) => `/dns/${'h'.repeat(100)}${i}/tcp/4720`),
      work: { profiles: [], capabilities: Array.from({ length: 16 }, (_, i) => `${i}`.padEnd(32, 'c')) },
      onion: new Uint8Array(400),
      extensions: { note: 'x'.repeat(240) }
    }
    expect(() => signRecord(body, identity.sign)).toThrow(RecordError)
    expect(() => decodeRecord(encode([new Uint8Array(RECORD_BYTES_MAX), new Uint8Array(64)]))).toThrow(CodecError)
  })

  it('may carry an operator certificate, which names the operator until it expires', () => {
    const operator = sampleIdentity(9)
    const certificate = {
      key: operator.publicKey,
      notAfter: 500_000,
      signature: operator.sign(operatorMessage(net, identity.peerId, 500_000))
    }
    const certified = signRecord({ ...record.body, certificate }, identity.sign)
    expect(() => openRecord(certified.bytes, net)).not.toThrow()
    expect(operatorOf(certified.body, 500_000)).toBe(`key:${toHex(operator.publicKey)}`)
    expect(operatorOf(certified.body, 500_001)).toBe('name:example')
    expect(operatorOf({ ...record.body, place: { operator: '', site: '', region: '' } }, 1)).toBe(
      `peer:${identity.peerId}`
    )
    const stretched = { ...certificate, notAfter: 500_001 }
    expect(() => openRecord(signRecord({ ...record.body, certificate: stretched }, identity.sign).bytes, net)).toThrow(
      RecordError
    )
  })

  it('has a VRF key of its own, never the identity key', () => {
    expect(vrfPublicKey(identity.seed)).toEqual(identityFromSeed(deriveSeed(identity.seed, 'brume/vrf/1')).publicKey)
    expect(vrfPublicKey(identity.seed)).not.toEqual(identity.publicKey)
  })
})

describe('messages', () => {
  it('come back as they were written, the largest within a frame', () => {
    for (const message of sampleMessages(record)) {
      const bytes = encodeMessage(message)
      expect(bytes.length).toBeLessThanOrEqual(65_536)
      expect(decodeMessage(bytes)).toEqual(message)
    }
  })

  it('outside their limits are refused', () => {
    const id16 = new Uint8Array(16)
    const over: MembershipMessage[] = [
      { type: 'want', ids: [] },
      { type: 'want', ids: Array.from({ length: 65 }, () => id16) },
      { type: 'records', records: [] },
      { type: 'records', records: Array.from({ length: 65 }, () => Uint8Array.of(1)) },
      { type: 'summaries', buckets: [], entries: [], answer: false },
      { type: 'summaries', buckets: [3, 3], entries: [], answer: false },
      {
        type: 'summaries',
        buckets: [3],
        entries: Array.from({ length: 2_049 }, () => ({ id16, seq: 1 })),
        answer: true
      },
      { type: 'digest', buckets: new Uint8Array(2_047) }
    ]
    for (const message of over) expect(() => decodeMessage(encodeMessage(message)), message.type).toThrow()
    expect(() => decodeMessage(encode([9]))).toThrow(RecordError)
  })

  it('of the topic carry a record; later kinds are told apart from garbage', () => {
    expect(decodeAnnouncement(encodeAnnouncement(record.bytes))).toEqual({ type: 'record', record: record.bytes })
    expect(decodeAnnouncement(encode([1, 5, new Uint8Array(48)]))).toEqual({ type: 'other' })
    expect(() => decodeAnnouncement(encode([0, new Uint8Array(RECORD_BYTES_MAX + 1)]))).toThrow(CodecError)
  })
})

describe('hostile bytes', () => {
  const frames = sampleMessages(record)
    .map(encodeMessage)
    .filter((bytes) => bytes.length < 4_096)

  const isOwn = (error: unknown) => error instanceof CodecError || error instanceof RecordError

  it('as messages', { timeout: 120_000 }, () => {
    assertWithstands(frames, decodeMessage, isOwn, encodeMessage)
  })

  it('as announcements', { timeout: 120_000 }, () => {
    assertWithstands([encodeAnnouncement(record.bytes)], decodeAnnouncement, isOwn)
  })

  it('as records and their bodies', { timeout: 240_000 }, () => {
    assertWithstands([record.bytes], decodeRecord, isOwn)
    assertWithstands([record.bodyBytes], decodeBody, isOwn, encodeBody)
  })

  it('no changed record passes the check', () => {
    fc.assert(
      fc.property(hostileBytes([record.bytes]), (bytes) => {
        if (toHex(bytes) === toHex(record.bytes)) return
        expect(() => openRecord(bytes, net)).toThrow()
      }),
      { numRuns: 2_000 }
    )
  })
})

describe('vectors.json', () => {
  it('is what this code makes and reads', () => {
    const vectors: unknown = JSON.parse(readFileSync(new URL('./vectors.json', import.meta.url), 'utf8'))
    expect(vectorsOf()).toEqual(vectors)
    for (const { hex } of vectorsOf().messages) expect(toHex(encodeMessage(decodeMessage(fromHex(hex))))).toBe(hex)
    for (const { hex, network } of vectorsOf().records) {
      expect(toHex(openRecord(fromHex(hex), fromHex(network)).bytes)).toBe(hex)
    }
  })
})
