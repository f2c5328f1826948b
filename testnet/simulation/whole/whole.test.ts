import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readVoteAt } from '../../checkers/frames.ts'
import { measureFlood } from '../runs/flood.ts'
import { wholeRegressions } from '../runs/regressions.ts'
import { runAlone, runSwarm, type SeedReport } from '../runs/swarm.ts'
import { WHOLE } from '../runs/tiers.ts'
import { seedOf, streamsOf } from '../world/streams.ts'
import { WHOLE_MUTANTS, wholeMutantNamed } from './mutants.ts'
import { drawWholeOptions, type WholeOptions } from './options.ts'
import { Ballots } from './oracle/ballots.ts'
import { type WholeCheck, WholeOracle } from './oracle/oracle.ts'
import { Proofs } from './oracle/proof.ts'
import { applied, type Patch, SIMULATED } from './patch.ts'
import { makePeople, manifestOf } from './people.ts'
import type { Carried } from './program.ts'
import { STAGES } from './stages.ts'

/** Of the 100,000 and more of a flood that is tried by hand, what the gate has time for. */
const FLOOD_FRAMES = 300
const ROOT = join(import.meta.dirname, '../../..')

async function run(numbers: readonly number[], mutant: string | null = null, twice = false): Promise<SeedReport[]> {
  const reports: SeedReport[] = []
  const onReport = (report: SeedReport) => reports.push(report) > 0
  await runSwarm({ tier: WHOLE, numbers, jobs: 2, mutant, twice, onReport })
  return reports
}

describe('whole groups', () => {
  test('keep every promise, and the same seed gives the same run', { timeout: 240_000 }, async () => {
    const reports = await run([1, 6], null, true)
    expect(reports.map(({ violation, isStable }) => ({ violation, isStable }))).toEqual([
      { violation: null, isStable: true },
      { violation: null, isStable: true }
    ])
    expect(new Set(reports.map(({ hash }) => hash)).size).toBe(2)
  })

  test('with a known bug in them break one', { timeout: 240_000 }, async () => {
    const [report] = await run([0], 'sequence unchecked')
    expect(report?.violation?.check).toBe('command-twice')
  })

  test('do what each stage is there for', { timeout: 240_000 }, async () => {
    const drawn = drawWholeOptions(streamsOf(seedOf(0)))
    const played = STAGES.map(async ({ name, stage }) => {
      const options: WholeOptions = { ...drawn, minViewMs: 0, maxCommands: 16, ...stage }
      const { violation } = await runAlone(WHOLE, { seed: Buffer.from(seedOf(0)).toString('hex'), options })
      return { name, violation }
    })
    expect(await Promise.all(played)).toEqual(STAGES.map(({ name }) => ({ name, violation: null })))
  })

  test('are hardly slower beside a flood, and hold little more', { timeout: 240_000 }, async () => {
    const { ok, violation, heldBytes } = await measureFlood(FLOOD_FRAMES)
    expect({ ok, violation }).toEqual({ ok: true, violation: null })
    // What the flood brought is seen at all.
    expect(heldBytes).toBeGreaterThan(1_000_000)
  })

  test('keep what was fixed', { timeout: 240_000 }, async () => {
    for (const { seed, options, name } of wholeRegressions()) {
      const reports: SeedReport[] = []
      const onReport = (report: SeedReport) => reports.push(report) > 0
      await runSwarm({ tier: WHOLE, numbers: [0], jobs: 1, given: { seed, options }, onReport })
      expect(reports[0]?.violation, name).toBeNull()
    }
  })
})

describe('a patch', () => {
  const all: readonly (readonly [string, Patch])[] = [
    ...SIMULATED.map((patch) => ['simulated', patch] as const),
    ...WHOLE_MUTANTS.flatMap(({ name, patches }) => patches.map((patch) => [name, patch] as const))
  ]

  test.each(all)('of %s fits the source it is for', (_, patch) => {
    const source = readFileSync(join(ROOT, patch.file), 'utf8')
    expect(applied(source, patch)).not.toBe(source)
  })

  test('that fits nowhere, or twice, is refused, as is a mutant nobody knows', () => {
    expect(() => applied('a', { file: 'f', find: 'b', put: '' })).toThrow(RangeError)
    expect(() => applied('bb', { file: 'f', find: 'b', put: '' })).toThrow(RangeError)
    expect(() => wholeMutantNamed('none')).toThrow(RangeError)
  })
})

describe('the oracle notices', () => {
  const line = { id: 'aa', client: 'c', session: 1, sequence: 1, text: 'x', answer: '0 x' }
  const block = (height: number, more: Partial<Carried> = {}): Carried => ({
    height,
    digest: `d${height}`,
    lines: [],
    ...more
  })
  const seen = (height: number, record: string, committee: string) => ({ height, epoch: 0, record, committee })
  const each = (numbers: readonly number[], run: (number: number) => void) => () => {
    for (const number of numbers) run(number)
  }
  const cases: readonly (readonly [WholeCheck, (oracle: WholeOracle) => void])[] = [
    ['conflicting-finals', (oracle) => each([0, 1], (at) => oracle.final(at, 1, `d${at}`, null))()],
    ['out-of-order', (oracle) => oracle.final(0, 3, 'd3', 4)],
    ['execution', (oracle) => each([0, 1], (at) => oracle.carried(at, block(1, { digest: `d${at}` })))()],
    ['execution', (oracle) => oracle.carried(0, block(2))],
    ['command-twice', (oracle) => each([1, 2], (height) => oracle.carried(0, block(height, { lines: [line] })))()],
    ['roots', (oracle) => each([0, 1], (at) => oracle.told(at, 4, 'root', Uint8Array.of(at)))()],
    ['records', (oracle) => each([0, 1], (at) => oracle.saw(at, seen(1, `r${at}`, 'c')))()],
    ['committees', (oracle) => each([1, 2], (height) => oracle.saw(0, seen(height, 'r', `${height}`)))()],
    ['bad-proof', (oracle) => oracle.acknowledge('aa', 1, Uint8Array.of(1, 2, 3))],
    [
      'answers',
      (oracle) => {
        oracle.carried(0, block(1, { lines: [line] }))
        oracle.refuse('aa', 'EXPIRED')
        oracle.end()
      }
    ],
    ['wrong-blame', (oracle) => oracle.warranted(0, 'aa', false)],
    [
      'evidence',
      (oracle) => {
        oracle.faulty('aa')
        each([0, 1], (time) => oracle.warranted(0, 'aa', time > 0))()
      }
    ],
    [
      'slots',
      (oracle) => {
        oracle.computed(1, 'x')
        each([0, 1], (at) => oracle.decided(at, 1, at === 0 ? 'decided' : 'disagreed', at === 0 ? 'x' : null))()
      }
    ],
    ['slots', (oracle) => oracle.decided(0, 1, 'decided', 'nobody computed it')],
    [
      'history',
      (oracle) => {
        oracle.operations.push({ type: 'append', line: 'never there', startMs: 0, endMs: 1 })
        oracle.end()
      }
    ]
  ]

  test.each(cases)('%s', (check, breakIt) => {
    const streams = streamsOf(seedOf(0))
    const options = drawWholeOptions(streams)
    const people = makePeople(streams.keys, options.weights.length, 0)
    const oracle = new WholeOracle(new Proofs(manifestOf(options, people, new Uint8Array(32)), 'd'), () => 0)
    breakIt(oracle)
    expect(oracle.violation?.check).toBe(check)
  })

  test('two votes of one process for one view, across its lives', () => {
    const ballots = new Ballots()
    const frame = (digest: number) => {
      const head = Buffer.from([1, 0, 1, ...new Array(16).fill(0), 1])
      const vote = Buffer.concat([Buffer.from([1, 0]), Buffer.alloc(16), Buffer.alloc(40, digest), Buffer.alloc(64)])
      expect(readVoteAt(vote, 0).end).toBe(vote.length)
      return Buffer.concat([head, vote])
    }
    expect(ballots.sent(0, frame(1), false)).toBeUndefined()
    expect(ballots.sent(0, frame(1), false)).toBeUndefined()
    expect(ballots.sent(1, frame(2), false)).toBeUndefined()
    expect(ballots.sent(0, frame(2), false)).toBeDefined()
  })
})
