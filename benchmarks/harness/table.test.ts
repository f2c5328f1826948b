import { expect, test } from 'vitest'
import { figure, renderTable } from './table.ts'

test('columns line up, numbers to the right and with three digits that mean something', () => {
  expect(
    renderTable(
      ['name', 'ms'],
      [
        ['a', 1.234],
        ['long', 123.4],
        ['none', null]
      ]
    )
  ).toBe(['name    ms', 'a     1.23', 'long   123', 'none     -'].join('\n'))
  expect([0.054, 9.87, 98.76, 987.6].map(figure)).toEqual(['0.05', '9.87', '98.8', '988'])
  expect(figure(Number.NaN)).toBe('-')
})
