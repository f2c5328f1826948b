import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { prepareChecks } from './checks/index.ts'
import { readManifest } from './manifest.ts'
import { readPlay } from './play.ts'

const SCENARIOS = join(import.meta.dirname, '..', 'scenarios')
const SMALL = { name: 'small', durationS: 5, groups: [{ name: 'p', count: 4 }], checks: [{ name: 'agreement' }] }

test.each(readdirSync(SCENARIOS).filter((name) => name.endsWith('.json')))(
  '%s is a scenario and says what it is about',
  (file) => {
    const play = readPlay(join(SCENARIOS, file))
    expect(`${play.name}.json`).toBe(file)
    expect(play.about).not.toBe('')
    const { kind, ...fields } = JSON.parse(readFileSync(join(SCENARIOS, file), 'utf8'))
    if (kind === undefined) expect(prepareChecks(readManifest(fields)).length).toBeGreaterThan(3)
  }
)

test('what is left out has a default', () => {
  const { groups, perturb } = readManifest({ ...SMALL, perturb: [{ atS: 1, target: 'p2', action: 'kill' }] })
  expect(groups[0]).toMatchObject({ name: 'p', count: 4, weight: 1, byzantine: null })
  expect(perturb[0]).toMatchObject({ forS: 3, count: 1, expect: 'progress' })
})

test.each([
  ['scenario.colour', { ...SMALL, colour: 'red' }],
  ['scenario.durationS', { ...SMALL, durationS: 0 }],
  ['scenario.groups[0].wieght', { ...SMALL, groups: [{ name: 'p', count: 4, wieght: 2 }] }],
  ['scenario.groups[0].count', { ...SMALL, groups: [{ name: 'p', count: 4.5 }] }],
  [
    'scenario.groups[0].byzantine.behaviour',
    { ...SMALL, groups: [{ name: 'p', count: 4, byzantine: { behaviour: 'rude' } }] }
  ],
  [
    'scenario.groups have 101 peers',
    {
      ...SMALL,
      groups: [
        { name: 'p', count: 100 },
        { name: 'q', count: 1 }
      ]
    }
  ],
  [
    'scenario.groups have a name twice',
    {
      ...SMALL,
      groups: [
        { name: 'p', count: 2 },
        { name: 'p', count: 2 }
      ]
    }
  ],
  ['scenario.perturb[0].target', { ...SMALL, perturb: [{ atS: 1, target: 'p9', action: 'kill' }] }],
  ['scenario.perturb[0].target', { ...SMALL, perturb: [{ atS: 1, target: 'random:5', action: 'kill' }] }],
  ['scenario.workload[0].atS', { ...SMALL, workload: [{ ratePerS: 1, atS: 9 }] }],
  ['scenario must be', [SMALL]],
  ['scenario.checks', { ...SMALL, checks: [] }]
])('a sentence names %s', (where, value) => {
  const read = (): unknown => readManifest(value)
  expect(read).toThrow(expect.objectContaining({ code: 'BRUME_TESTNET_MANIFEST' }))
  expect(read).toThrow(where)
})

test.each([
  ['scenario.checks[0].name', { name: 'agrement' }],
  ['scenario.checks[0].args.within', { name: 'progress-within', args: { within: 5 } }],
  ['scenario.checks[0].args.withinS', { name: 'progress-within' }]
])('a check that cannot be asked is refused before anything starts: %s', (where, check) => {
  const prepare = (): unknown => prepareChecks(readManifest({ ...SMALL, checks: [check] }))
  expect(prepare).toThrow(expect.objectContaining({ code: 'BRUME_TESTNET_MANIFEST' }))
  expect(prepare).toThrow(where)
})
