import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { checkLayers } from './check.ts'
import { LAYER_RULES } from './rules.ts'

/** For every rule a tree that breaks it: a file, and the import in it that must be refused. */
const BROKEN: Record<string, readonly [file: string, code: string]> = {
  'packages-look-down': ['packages/a/index.ts', "import '@brume/actors/one'"],
  'protocols-look-down': ['protocols/one/index.ts', "import type {} from '../../actors/one/index.ts'"],
  'actors-look-down': ['actors/one/index.ts', "import '../../testnet/run.ts'"],
  'testnet-looks-down': ['testnet/run.ts', "import '../benchmarks/run.ts'"],
  'actors-apart': ['actors/two/index.ts', "import type { One } from '@brume/actors/one'"],
  'peer-by-index': ['actors/peer/index.ts', "import '../one/inner.ts'"],
  'ports-alone': ['packages/ports/index.ts', "import '../a/index.ts'"],
  'libp2p-in-net': ['actors/one/index.ts', "const libp2p = await import('@libp2p/tcp')"],
  'no-old-libp2p-names': ['packages/net/index.ts', "import '@chainsafe/libp2p-noise'"],
  'pure-without-node': ['actors/one/rules.ts', "import { readFileSync } from 'node:fs'"],
  'checkers-apart': ['testnet/checkers/votes.ts', "import '../../packages/consensus/index.ts'"],
  'tests-stay-tests': ['packages/a/index.ts', "import '../testkit/index.ts'"],
  'no-test-imports-a-test': ['packages/a/b.test.ts', "import './a.test.ts'"],
  'no-cycles': ['packages/a/inner.ts', "import './index.ts'\nexport const inner = 1"],
  resolves: ['packages/a/index.ts', "import './absent.ts'"]
}

const SOUND: Record<string, string> = {
  'packages/a/index.ts': "export { inner } from './inner.ts'",
  'packages/a/inner.ts': 'export const inner = 1',
  'packages/a/a.test.ts': "import '../testkit/index.ts'",
  'packages/consensus/index.ts': 'export {}',
  'packages/net/index.ts': "import '@libp2p/tcp'",
  'packages/ports/index.ts': 'export {}',
  'packages/testkit/index.ts': 'export {}',
  'actors/package.json': '{"name":"@brume/actors","type":"module","exports":{"./one":"./one/index.ts"}}',
  'actors/one/index.ts': "import '../../packages/a/index.ts'\nexport type One = 1",
  'actors/one/inner.ts': 'export {}',
  'actors/peer/index.ts': "import '../one/index.ts'",
  'testnet/run.ts': "import '../actors/peer/index.ts'",
  'testnet/checkers/votes.ts': "import '../../packages/a/index.ts'",
  'benchmarks/run.ts': "import '../testnet/run.ts'",
  'node_modules/@libp2p/tcp/package.json': '{"name":"@libp2p/tcp","exports":"./index.js"}',
  'node_modules/@libp2p/tcp/index.js': '',
  'node_modules/@chainsafe/libp2p-noise/package.json': '{"name":"@chainsafe/libp2p-noise","exports":"./index.js"}',
  'node_modules/@chainsafe/libp2p-noise/index.js': ''
}

let root: string

function write(path: string, content: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), content)
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'brume-layers-'))
  for (const [path, content] of Object.entries(SOUND)) write(path, content)
  mkdirSync(join(root, 'node_modules/@brume'), { recursive: true })
  symlinkSync('../../actors', join(root, 'node_modules/@brume/actors'))
})
afterEach(() => rmSync(root, { recursive: true }))

describe('layer rules', () => {
  test('a sound tree passes, and every file of it was read', async () => {
    const report = await checkLayers(root)
    expect(report.violations).toEqual([])
    expect(report.modulesRead).toBe(report.filesInTree)
    expect(report.filesInTree).toBe(13)
  })

  test('every rule has a case that breaks it', () => {
    expect(Object.keys(BROKEN).sort()).toEqual(LAYER_RULES.map(({ name }) => name).sort())
  })

  test.each(Object.entries(BROKEN))('%s refuses what breaks it', async (name, [file, code]) => {
    write(file, code)
    const { violations } = await checkLayers(root)
    expect(violations.map((violation) => violation.split(':')[0])).toContain(name)
  })
})
