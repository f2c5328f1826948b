import { toHex } from '@brume/codec'
import { peerIdFromKey } from '@brume/crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { actorId, formatAddress, groupAuthority, parseAddress, withoutIncarnation } from './address.ts'
import { assertPath, decodeSegment, encodeSegment } from './segment.ts'

const peer = peerIdFromKey(new Uint8Array(32).fill(7))
const group = groupAuthority(new Uint8Array(32).fill(9))

test('an address of a peer and of a group', () => {
  expect(parseAddress(`brume://${peer}/shop/cart#12`)).toEqual({
    authority: peer,
    peer,
    group: null,
    path: 'shop/cart',
    incarnation: 12
  })
  expect(parseAddress(formatAddress(group, 'demo'))).toEqual({
    authority: group,
    peer: null,
    group: new Uint8Array(32).fill(9),
    path: 'demo',
    incarnation: null
  })
})

const id = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }).filter((text) => {
  const bytes = Buffer.byteLength(text)
  return bytes <= 64 && text.isWellFormed() && text !== '.' && text !== '..'
})

test('every id has one segment, and comes back from it', () => {
  fc.assert(
    fc.property(id, (text) => {
      const segment = encodeSegment(text)
      expect(segment).toMatch(/^(?:[A-Za-z0-9._~:@()-]|%[0-9A-F]{2})+$/)
      expect(decodeSegment(segment)).toBe(text)
    }),
    { numRuns: 1_000 }
  )
})

test('what parses formats back to the same text', () => {
  const incarnation = fc.option(fc.nat(2 ** 31 - 1).map((n) => n * 2 ** 21))
  fc.assert(
    fc.property(
      fc.constantFrom(peer, group),
      fc.array(id, { minLength: 1, maxLength: 3 }),
      incarnation,
      (who, ids, n) => {
        const path = ids.map(encodeSegment).join('/')
        // Letters of four bytes take twelve when they are escaped: three such segments are too long for an address.
        fc.pre(`brume://${who}/${path}#${n ?? ''}`.length <= 512)
        const text = formatAddress(who, path, n)
        const parsed = parseAddress(text)
        expect(formatAddress(parsed.authority, parsed.path, parsed.incarnation)).toBe(text)
      }
    ),
    { numRuns: 500 }
  )
})

test.each([
  ['', 'nothing'],
  [`brume:/${peer}/a`, 'one slash'],
  [`Brume://${peer}/a`, 'a scheme in upper case'],
  [`brume://${peer}`, 'no path'],
  [`brume://${peer}/`, 'an empty path'],
  [`brume://${peer}//a`, 'an empty segment'],
  [`brume://${peer}/a/`, 'a slash at the end'],
  [`brume://${peer}/.`, 'a dot'],
  [`brume://${peer}/a/../b`, 'two dots'],
  [`brume://${peer}/%2E`, 'a dot in hex'],
  [`brume://${peer}/%61`, 'a letter in hex'],
  [`brume://${peer}/%2f`, 'lower-case hex'],
  [`brume://${peer}/%2`, 'half a byte'],
  [`brume://${peer}/%ZZ`, 'no hex'],
  [`brume://${peer}/% F`, 'a space as hex'],
  [`brume://${peer}/%FF`, 'no UTF-8'],
  [`brume://${peer}/%C0%80`, 'a zero in two bytes'],
  [`brume://${peer}/%ED%A0%80`, 'a surrogate'],
  [`brume://${peer}/é`, 'a raw character'],
  [`brume://${peer}/\u{1F600}`, 'a raw pair of surrogates'],
  [`brume://${peer}/a b`, 'a space'],
  [`brume://${peer}/a?b`, 'a query'],
  [`brume://${peer}/${'a'.repeat(65)}`, 'a long segment'],
  [`brume://${peer}/${'%C3%A9'.repeat(33)}`, '66 bytes'],
  [`brume://${peer}/${Array(17).fill('a').join('/')}`, '17 segments'],
  [`brume://${peer}/${Array(8).fill('a'.repeat(64)).join('/')}`, 'more than 512 bytes'],
  [`brume://${peer}/a#`, 'no number'],
  [`brume://${peer}/a#-1`, 'a negative number'],
  [`brume://${peer}/a#01`, 'a leading zero'],
  [`brume://${peer}/a#1e3`, 'an exponent'],
  [`brume://${peer}/a#9007199254740992`, '2^53'],
  [`brume://${peer}/a#1#2`, 'two incarnations'],
  [`brume://${peer.slice(1)}/a`, 'a short peer id'],
  [`brume://1${peer}/a`, 'a long peer id'],
  ['brume://localhost/a', 'a host'],
  ['brume://group/a', 'no group'],
  [`brume://${group.toUpperCase()}/a`, 'upper-case base32'],
  [`brume://${group}a/a`, 'a long group'],
  [`brume://${group.slice(0, -1)}b/a`, 'bits after the end'],
  [`brume://${group}`, 'a group without path']
])('%s is refused: %s', (text) => {
  expect(() => parseAddress(text)).toThrow(expect.objectContaining({ code: 'BRUME_RUNTIME_ADDRESS' }))
})

test('the largest of everything is accepted', () => {
  expect(parseAddress(`brume://${peer}/a#9007199254740991`).incarnation).toBe(Number.MAX_SAFE_INTEGER)
  expect(() => assertPath(Array(16).fill('a').join('/'))).not.toThrow()
  expect(() => parseAddress(`brume://${peer}/${'%C3%A9'.repeat(32)}`)).not.toThrow()
})

test('the id covers the address without the incarnation', () => {
  const address = formatAddress(group, 'demo')
  expect(toHex(actorId(address))).toBe('54e49cdd59ecb595e2a5760014067a59')
  expect(actorId(`${address}#5`)).toEqual(actorId(address))
  expect(actorId(formatAddress(peer, 'demo'))).not.toEqual(actorId(address))
  expect(withoutIncarnation(`${address}#5`)).toBe(address)
})
