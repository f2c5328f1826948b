import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ProfileName } from '../host/profiles.ts'
import {
  type AddressContext,
  bareAddress,
  orderAddresses,
  parseAddress,
  type Refusal,
  refuseAnnounce,
  refuseDial
} from './policy.ts'

const interfaces = [
  { name: 'lo', address: '127.0.0.1', family: 4, cidr: '127.0.0.1/8', loopback: true },
  { name: 'eth0', address: '192.168.7.5', family: 4, cidr: '192.168.7.5/24', loopback: false },
  { name: 'docker0', address: '172.17.0.1', family: 4, cidr: '172.17.0.1/16', loopback: false }
] as const

function context(profile: ProfileName, configured: readonly string[] = []): AddressContext {
  return { profile, interfaces, configured: new Set(configured) }
}

/** address, then what local, lan and wan say: `announce` and `dial`; undefined is yes. */
type Row = readonly [
  address: string,
  announce: readonly (Refusal | undefined)[],
  dial: readonly (Refusal | undefined)[]
]

const yes = undefined
const ROWS: readonly Row[] = [
  ['/ip4/127.0.0.1/tcp/4720', [yes, 'loopback', 'loopback'], [yes, 'loopback', 'loopback']],
  ['/ip4/127.9.9.9/tcp/4720', [yes, 'loopback', 'loopback'], [yes, 'loopback', 'loopback']],
  ['/ip6/::1/tcp/4720', [yes, 'loopback', 'loopback'], [yes, 'loopback', 'loopback']],
  ['/ip4/0.0.0.0/tcp/4720', ['unusable', 'unusable', 'unusable'], ['unusable', 'unusable', 'unusable']],
  ['/ip6/::/tcp/4720', ['unusable', 'unusable', 'unusable'], ['unusable', 'unusable', 'unusable']],
  ['/ip4/224.0.0.251/tcp/4720', ['unusable', 'unusable', 'unusable'], ['unusable', 'unusable', 'unusable']],
  ['/ip4/255.255.255.255/tcp/4720', ['unusable', 'unusable', 'unusable'], ['unusable', 'unusable', 'unusable']],
  ['/ip4/8.8.8.8/tcp/0', ['unusable', 'unusable', 'unusable'], ['unusable', 'unusable', 'unusable']],
  ['/ip6/::ffff:127.0.0.1/tcp/4720', ['unusable', 'unusable', 'unusable'], ['unusable', 'unusable', 'unusable']],
  ['/ip4/169.254.169.254/tcp/4720', ['metadata', 'metadata', 'metadata'], ['metadata', 'metadata', 'metadata']],
  ['/ip6/fd00:ec2::254/tcp/4720', ['metadata', 'metadata', 'metadata'], ['metadata', 'metadata', 'metadata']],
  ['/ip4/192.168.7.5/tcp/4720', [yes, yes, yes], ['foreign-private', yes, yes]],
  [
    '/ip4/192.168.7.9/tcp/4720',
    ['foreign-private', 'foreign-private', 'foreign-private'],
    ['foreign-private', yes, yes]
  ],
  [
    '/ip4/192.168.8.9/tcp/4720',
    ['foreign-private', 'foreign-private', 'foreign-private'],
    ['foreign-private', 'foreign-private', 'foreign-private']
  ],
  [
    '/ip4/172.17.0.1/tcp/4720',
    ['foreign-private', 'foreign-private', 'foreign-private'],
    ['foreign-private', yes, yes]
  ],
  ['/ip4/8.8.8.8/tcp/4720', [yes, yes, yes], ['foreign-private', yes, yes]],
  ['/ip4/8.8.8.8/tcp/443', ['low-port', 'low-port', 'low-port'], ['foreign-private', yes, yes]],
  ['/ip4/8.8.8.8/tcp/25', ['low-port', 'low-port', 'low-port'], ['foreign-private', 'low-port', 'low-port']],
  ['/dns4/peer.example/tcp/4720', ['dns', 'dns', 'dns'], ['foreign-private', 'dns', 'dns']],
  ['/ip4/8.8.8.8/tcp/4720/p2p-circuit', ['relayed', 'relayed', yes], ['foreign-private', 'relayed', yes]],
  ['/ip4/8.8.8.8/udp/4720', ['malformed', 'malformed', 'malformed'], ['malformed', 'malformed', 'malformed']],
  ['nonsense', ['malformed', 'malformed', 'malformed'], ['malformed', 'malformed', 'malformed']]
]

const PROFILES: readonly ProfileName[] = ['local', 'lan', 'wan']

describe('the address table', () => {
  test.each(ROWS)('%s', (address, announce, dial) => {
    expect(PROFILES.map((profile) => refuseAnnounce(address, context(profile)))).toEqual(announce)
    expect(PROFILES.map((profile) => refuseDial(address, context(profile)))).toEqual(dial)
  })

  test('what somebody wrote down is allowed, except where it can mean no peer', () => {
    const written = [
      '/dns4/peer.example/tcp/443',
      '/ip4/192.168.8.9/tcp/4720',
      '/ip4/8.8.8.8/tcp/25',
      '/ip4/169.254.169.254/tcp/80'
    ]
    const named = written.map((address) => `${address}/p2p/12D3KooWabc`)
    expect(named.map((address) => refuseDial(address, context('lan', written)))).toEqual([yes, yes, yes, 'metadata'])
    expect(written.map((address) => refuseDial(address, context('local', written)))).toEqual([
      'foreign-private',
      'foreign-private',
      'foreign-private',
      'metadata'
    ])
  })

  test('profile local never dials off this host, whatever is asked', () => {
    const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain())
    fc.assert(
      fc.property(host, fc.nat({ max: 65_535 }), (name, port) => {
        const component = name.includes(':') ? 'ip6' : /^[\d.]+$/.test(name) ? 'ip4' : 'dns4'
        const address = `/${component}/${name}/tcp/${port}`
        if (refuseDial(address, context('local', [address])) !== undefined) return
        expect(parseAddress(address)?.kind).toBe('loopback')
      }),
      { numRuns: 2_000 }
    )
  })

  test('no text makes it throw', () => {
    const parts = fc.constantFrom('ip4', 'ip6', 'tcp', 'dns4', 'p2p', 'p2p-circuit', '127.0.0.1', '::1', '80', '', '%')
    const text = fc.oneof(
      fc.string(),
      fc.array(parts, { maxLength: 8 }).map((list) => `/${list.join('/')}`)
    )
    fc.assert(
      fc.property(text, (address) => {
        for (const profile of PROFILES) {
          refuseDial(address, context(profile))
          refuseAnnounce(address, context(profile))
        }
        bareAddress(address)
      }),
      { numRuns: 20_000 }
    )
  })
})

test('order of dialling: last good, own subnet, public, other private, relayed; else as it came', () => {
  const given = [
    '/ip4/8.8.8.8/tcp/4720/p2p-circuit',
    '/ip4/192.168.8.1/tcp/4720',
    '/ip4/9.9.9.9/tcp/4720',
    '/ip4/8.8.8.8/tcp/4720',
    '/ip4/192.168.7.9/tcp/4720',
    '/ip4/192.168.8.2/tcp/4720'
  ]
  expect(orderAddresses(given, context('wan'), '/ip4/192.168.8.2/tcp/4720')).toEqual([
    '/ip4/192.168.8.2/tcp/4720',
    '/ip4/192.168.7.9/tcp/4720',
    '/ip4/9.9.9.9/tcp/4720',
    '/ip4/8.8.8.8/tcp/4720',
    '/ip4/192.168.8.1/tcp/4720',
    '/ip4/8.8.8.8/tcp/4720/p2p-circuit'
  ])
})
