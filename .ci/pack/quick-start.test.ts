import { expect, test } from 'vitest'
import { difference, readQuickStart } from './quick-start.ts'

const PAGE = ['```ts', '// a.ts', 'export const a = 1', '```', 'Then', '```', '$ node a.ts', 'one ... three', '```']

test('a page says which files to make, what to run and what is printed', () => {
  expect(readQuickStart(PAGE.join('\n'))).toEqual({
    files: [{ name: 'a.ts', code: '// a.ts\nexport const a = 1' }],
    command: 'node a.ts',
    output: ['one ... three']
  })
  expect(() => readQuickStart('# Nothing')).toThrow('no quick start')
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
