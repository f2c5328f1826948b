import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { brokenLinks } from './links.ts'
import { roomsWithoutReadme, tracesOfMachine } from './rooms.ts'
import { checkSnippets } from './snippets.ts'

const workspace = resolve(import.meta.dirname, '../..')
const page = (...lines: string[]) => ({ path: 'packages/codec/PAGE.md', text: lines.join('\n') })

describe('links', () => {
  let root: string
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'brume-docs-'))
    mkdirSync(join(root, 'packages/codec'), { recursive: true })
    writeFileSync(join(root, 'README.md'), '')
  })
  afterEach(() => rmSync(root, { recursive: true }))

  test('one that leads somewhere, and one to another site, pass', () => {
    const text = [
      '## The limits, `really`',
      '[up](../../README.md) [here](#the-limits-really) [site](https://a.example)'
    ]
    expect(brokenLinks(root, [page(...text)])).toEqual([])
  })

  test.each(['absent.md', '../../../README.md', '/README.md', '#no-such-heading'])('%s is refused', (target) => {
    expect(brokenLinks(root, [page('# A heading', `[link](${target})`)])).toHaveLength(1)
  })

  test('one in code is not a link', () => {
    expect(brokenLinks(root, [page('`a[0](b)`', '```ts', 'table[1](absent)', '```')])).toEqual([])
  })
})

describe('snippets', () => {
  test('are compiled against the workspace, each by itself', () => {
    const report = checkSnippets(workspace, [
      page('```ts', "import { encode } from '@brume/codec'", 'const bytes: Uint8Array = encode(1)', '```'),
      { ...page('```ts', "import { encode } from '@brume/codec'", 'const n: number = encode(1)', '```'), path: 'X.md' },
      { ...page('```ts ignore', 'nonsense(', '```'), path: 'Y.md' }
    ])
    expect(report.compiled).toBe(2)
    expect(report.ignored).toEqual(['Y.md:2'])
    expect(report.errors).toEqual([expect.stringMatching(/^X\.md:3: TS2322/)])
  })
})

describe('the tree', () => {
  test('a room without a README is named', () => {
    const paths = [
      'packages/a/index.ts',
      'packages/a/README.md',
      'actors/package.json',
      'actors/b/c/d.ts',
      'testnet/x.ts'
    ]
    expect(roomsWithoutReadme(paths).map((line) => line.split(':')[0])).toEqual(['testnet', 'actors/b'])
  })

  test.each(["readFile('/work/main/a')", 'see /root/.config', '"resolved": "https://r.example/a.tgz"'])(
    '%s names a machine',
    (text) => expect(tracesOfMachine([{ path: 'a.ts', text }])).toHaveLength(1)
  )

  test.each(['https://a.example/root/x', "'./work/a'", '/tmp/brume', '/home/me/brume', 'node/root'])(
    '%s does not',
    (text) => expect(tracesOfMachine([{ path: 'a.ts', text }])).toEqual([])
  )
})
