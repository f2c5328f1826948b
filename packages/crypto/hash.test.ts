import { concat, encode, fromHex, toHex, utf8 } from '@brume/codec'
import { expect, test } from 'vitest'
import {
  CryptoError,
  DEFAULT_NETWORK,
  DOMAIN,
  hash,
  hashText,
  net8,
  networkId,
  sha256,
  signedMessage
} from './index.ts'

test('SHA-256 of "abc" (FIPS 180-4), whole and in parts', () => {
  const digest = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
  expect(toHex(sha256(utf8('abc')))).toBe(digest)
  expect(toHex(sha256(utf8('a'), utf8(''), utf8('bc')))).toBe(digest)
  expect(toHex(sha256())).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
  expect(Buffer.isBuffer(sha256())).toBe(false)
})

test('domain, zero byte, parts', () => {
  const message = signedMessage(DOMAIN.group, fromHex('01'), fromHex('0203'))
  expect(message).toEqual(concat(utf8('brume/group/1'), fromHex('00010203')))
  expect(hash(DOMAIN.group, fromHex('01'), fromHex('0203'))).toEqual(sha256(message))
  for (const text of ['', 'plain', 'ü€😀', 'lone \ud800'])
    expect(hashText(DOMAIN.group, text)).toEqual(hash(DOMAIN.group, utf8(text)))
})

test('domains are well-formed, and none is a prefix of another with its separator', () => {
  const all: string[] = Object.values(DOMAIN)
  expect(new Set(all).size).toBe(all.length)
  for (const domain of all) expect(domain).toMatch(/^brume\/[a-z0-9-]+\/1$/)
})

test('a network id covers every field', () => {
  const base = networkId(DEFAULT_NETWORK)
  expect(base).toEqual(sha256(utf8('brume/net/1'), fromHex('00'), encode(['brume', 0, 3600, 0, new Uint8Array(16)])))
  const others = [
    { name: 'other' },
    { admission: 1 },
    { epochSeconds: 60 },
    { beaconMask: 1 },
    { salt16: new Uint8Array(16).fill(1) }
  ].map((change) => toHex(networkId({ ...DEFAULT_NETWORK, ...change })))
  expect(new Set([toHex(base), ...others]).size).toBe(6)
  expect(net8(base)).toBe(toHex(sha256(base)).slice(0, 8))
})

test.each([{ name: '\u00fc'.repeat(17) }, { admission: 3 }, { salt16: new Uint8Array(15) }, { epochSeconds: 0 }])(
  'refuses %j',
  (change) => {
    expect(() => networkId({ ...DEFAULT_NETWORK, ...change })).toThrow(CryptoError)
  }
)
