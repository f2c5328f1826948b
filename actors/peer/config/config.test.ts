import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  flagName,
  KNOBS,
  layer,
  nearest,
  readConfigFile,
  readEnvironment,
  readOverrides,
  variableName
} from './index.ts'
import { multiaddrFault } from './multiaddr.ts'

const PEER = '12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA'

describe('layers', () => {
  it('lays file, environment and flags over the preset, each above the one before', () => {
    const file = { network: 'file', degree: 4, site: 'attic' } as const
    const environment = readEnvironment({ BRUME_NETWORK: 'environment', BRUME_DEGREE: '12' })
    const flags = readOverrides({ network: 'flags', site: undefined })
    const config = layer(file, environment, flags)
    expect(config).toMatchObject({ preset: 'laptop', network: 'flags', degree: 12, site: 'attic', profile: 'lan' })
  })

  it('takes the preset from the topmost layer that names one, beneath everything else', () => {
    const config = layer({ preset: 'server', degree: 8 }, { preset: 'raspberry-pi' })
    expect(config).toMatchObject({ preset: 'raspberry-pi', small: true, degree: 8, semiSpaceMb: 1 })
  })

  it('lets an empty list or text of a higher layer erase a lower one', () => {
    expect(layer({ listen: ['/ip4/0.0.0.0/tcp/1'], operator: 'me' }, { listen: [], operator: '' })).toMatchObject({
      listen: [],
      operator: ''
    })
  })
})

describe('readEnvironment', () => {
  it('reads lists by commas, switches and numbers', () => {
    expect(
      readEnvironment({
        BRUME_LISTEN: '/ip4/127.0.0.1/tcp/0, /ip6/::1/tcp/0',
        BRUME_MDNS: 'false',
        BRUME_SMALL: '1',
        BRUME_HEAP_MB: '128',
        BRUME_ROLES: 'relay,storage,relay',
        HOME: '/x'
      })
    ).toEqual({
      listen: ['/ip4/127.0.0.1/tcp/0', '/ip6/::1/tcp/0'],
      mdns: false,
      small: true,
      heapMb: 128,
      roles: ['relay', 'storage']
    })
  })

  it('refuses a misspelt variable, and leaves those of tools alone', () => {
    expect(() => readEnvironment({ BRUME_NETWROK: 'x' })).toThrow(
      expect.objectContaining({ code: 'BRUME_PEER_CONFIG', message: expect.stringContaining('BRUME_NETWORK?') })
    )
    expect(readEnvironment({ BRUME_DATA_DIR: '/x', BRUME_REQUIRE: 'netns', BRUME_TESTNET_SEED: '1' })).toEqual({})
  })
})

describe('readOverrides', () => {
  it.each([
    ['--networ is not a setting; did you mean --network?', { networ: 'x' }],
    ['did you mean --log-level?', { logLevl: 'x' }],
    ['known are preset', { __proto__x: 1 }],
    ['--degree must be one of 4, 6, 8, 12, not 5', { degree: 5 }],
    ['--network must be text of 1 to 32 bytes', { network: 'x'.repeat(33) }],
    ['--network must be text', { network: 'a\nb' }],
    ['--network must be text', { network: '' }],
    ['--mdns must be true or false', { mdns: 'perhaps' }],
    ['a whole number', { heapMb: 1.5 }],
    ['does not begin with /', { listen: ['127.0.0.1:80'] }],
    ['does not end in /p2p/<peer id>', { bootstrap: ['/ip4/192.0.2.1/tcp/4720'] }],
    ['at most 32', { bootstrap: Array.from({ length: 33 }, () => `/dns/a.example/tcp/1/p2p/${PEER}`) }],
    ['--constructor is not a setting', { constructor: 1 }]
  ])('says %s', (message, raw) => {
    expect(() => readOverrides(raw)).toThrow(
      expect.objectContaining({ code: 'BRUME_PEER_CONFIG', message: expect.stringContaining(message) })
    )
  })

  it('never lets a raw value through unread', () => {
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(KNOBS)), fc.jsonValue(), (key, value) => {
        try {
          expect(Object.keys(readOverrides({ [key]: value }))).toEqual([key])
        } catch (error) {
          expect(error).toMatchObject({ code: 'BRUME_PEER_CONFIG' })
        }
      })
    )
  })
})

describe('readConfigFile', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'brume-config-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  const read = async (content: string) => {
    const path = join(folder, 'config.json')
    await writeFile(path, content)
    return readConfigFile(path)
  }

  it('is empty where there is no file', async () => {
    expect(await readConfigFile(join(folder, 'none.json'))).toEqual({})
  })

  it('reads settings by their keys', async () => {
    expect(await read('{"preset":"raspberry-pi","mdns":false,"bootstrap":[]}')).toEqual({
      preset: 'raspberry-pi',
      mdns: false,
      bootstrap: []
    })
  })

  it.each([
    ['did you mean "network"', '{"netwrk":"x"}'],
    ['is not valid JSON', '{"network":'],
    ['one JSON object', '[]'],
    ['one JSON object', 'null'],
    ['"degree" in ', '{"degree":"many"}'],
    ['"__proto__" in ', '{"__proto__":{"network":"x"}}'],
    ['larger than 65536 bytes', `{"site":"${'x'.repeat(70_000)}"}`]
  ])('says %s', async (message, content) => {
    await expect(read(content)).rejects.toMatchObject({
      code: 'BRUME_PEER_CONFIG',
      message: expect.stringContaining(message)
    })
  })
})

describe('names', () => {
  it('are all in the README, with their defaults', async () => {
    const readme = (await readFile(join(import.meta.dirname, '../README.md'), 'utf8')).replaceAll(/ +/g, ' ')
    for (const [key, value] of Object.entries(layer())) {
      const row = readme.split('\n').find((line) => line.startsWith(`| \`${key}\` |`)) ?? ''
      expect(row).toContain(`--${key === 'mdns' ? 'no-' : ''}${flagName(key)}\`, \`${variableName(key)}\``)
      if (value !== '' && !Array.isArray(value)) expect(row).toContain(`| \`${value}\` |`)
    }
  })

  it('derives flags and variables from keys', () => {
    expect([flagName('logLevel'), variableName('semiSpaceMb')]).toEqual(['log-level', 'BRUME_SEMI_SPACE_MB'])
  })

  it('guesses what was meant, and not at any price', () => {
    expect(nearest('lisen', ['listen', 'site'])).toBe('listen')
    expect(nearest('whatever', ['listen', 'site'])).toBeUndefined()
  })
})

describe('multiaddrFault', () => {
  it.each([
    '/ip4/127.0.0.1/tcp/0',
    '/ip6/::/tcp/4720',
    `/dns4/fog.example/tcp/443/wss/p2p/${PEER}`,
    `/ip4/192.0.2.1/udp/1/quic-v1/p2p/${PEER}/p2p-circuit/p2p/${PEER}`
  ])('accepts %s', (address) => expect(multiaddrFault(address)).toBeUndefined())

  it.each([
    '/',
    '/ip4',
    '/ip4/',
    '/ip4/300.0.0.1/tcp/1',
    '/ip4/127.0.0.1/tcp/65536',
    '/ip4/127.0.0.1/tcp/0/',
    '/tls/x',
    `/p2p/${PEER.slice(1)}`,
    `/dns/${'a'.repeat(253)}`
  ])('refuses %s', (address) => expect(multiaddrFault(address)).toBeTypeOf('string'))
})
