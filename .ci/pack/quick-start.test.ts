import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { difference, readQuickStart } from './quick-start.ts'

const PAGE = ['```ts', '// a.ts', 'export const a = 1', '```', 'Then', '```', '$ npx node a.ts', 'one ... three', '```']

test('a page says which files to make, what to run and what is printed', () => {
  expect(readQuickStart(PAGE.join('\n'))).toEqual({
    files: [{ name: 'a.ts', code: '// a.ts\nexport const a = 1' }],
    command: 'npx node a.ts',
    output: ['one ... three']
  })
  expect(() => readQuickStart('# Nothing')).toThrow('no quick start')
})

test('the example in this clone holds the files of the quick start in README.md', () => {
  const root = resolve(import.meta.dirname, '../..')
  for (const { name, code } of readQuickStart(readFileSync(resolve(root, 'README.md'), 'utf8')).files) {
    const example = readFileSync(resolve(root, 'actors/peer/examples/quick-start', name), 'utf8')
    expect(`// ${name}\n${example}`.trimEnd()).toBe(code.trimEnd())
  }
})

test.each([
  [['one 2 three'], undefined],
  [['one 2 four'], 'line 1'],
  [[], 'line 1'],
  [['one 2 three', 'more'], 'line 2']
])('printed was %j', (printed, first) => {
  const found = difference(['one ... three'], printed)
  if (first === undefined) expect(found).toBeUndefined()
  else expect(found).toContain(first)
})
