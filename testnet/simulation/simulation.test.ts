import { describe, expect, test } from 'vitest'
import { type ExploreOptions, explore } from './explore/explorer.ts'
import { drawOptions, type RunOptions } from './faults/options.ts'
import type { FaultEvent } from './faults/plan.ts'
import { mutantNamed } from './mutants/all.ts'
import { regressions, rerun } from './runs/regressions.ts'
import { type RunInput, runSeed } from './runs/seed-run.ts'
import { shrink } from './runs/shrink.ts'
import { runTwins } from './runs/twins.ts'
import { measureWideArea } from './runs/wide-area.ts'
import { CALM, drawExact, EXACT } from './scenarios/names.ts'
import { seedOf, streamsOf } from './world/streams.ts'

const inputOf = (number: number, mutant?: string): RunInput => {
  const seed = seedOf(number)
  return { seed, options: drawOptions(streamsOf(seed)), mutant: mutant === undefined ? undefined : mutantNamed(mutant) }
}

describe('the swarm', () => {
  test('keeps every promise, and the same seed gives the same run', { timeout: 120_000 }, () => {
    const hashes = new Set<string>()
    for (let number = 0; number < 12; number++) {
      const result = runSeed(inputOf(number))
      expect(result.violation, `npm run sim -- --seed ${Buffer.from(seedOf(number)).toString('hex')}`).toBeNull()
      expect(runSeed(inputOf(number)).hash).toBe(result.hash)
      hashes.add(result.hash)
    }
    expect(hashes.size).toBe(12)
  })

  test('a trace changes nothing', () => {
    let lines = 0
    const traced = runSeed({ ...inputOf(1), trace: () => (lines += 1) })
    expect(traced.hash).toBe(runSeed(inputOf(1)).hash)
    expect(lines).toBeGreaterThan(1_000)
  })

  test.each(regressions())('stays fixed: $name', (regression) => {
    expect(rerun(regression).violation).toBeNull()
  })
})

describe('known bugs', () => {
  test.each([
    ['sent before sync', 'unsynced-vote'],
    ['floor moves back', 'floor-moved-back'],
    ['quorum of F + 1', 'bad-certificate'],
    ['epoch unsigned', 'bad-certificate']
  ])('%s is noticed by %s', { timeout: 60_000 }, (mutant, check) => {
    const found = Array.from({ length: 20 }, (_, number) => number).find(
      (number) => runSeed(inputOf(number, mutant)).violation?.check === check
    )
    expect(found).toBeDefined()
  })

  test('a failing run fails with less', { timeout: 120_000 }, () => {
    const { seed, options } = inputOf(0)
    const mutant = mutantNamed('quorum of F + 1')
    const shrunk = shrink(seed, options, 'bad-certificate', mutant)
    expect(runSeed({ seed, options: shrunk.options, mutant }).violation?.check).toBe('bad-certificate')
    expect(shrunk.options.events.length).toBeLessThan(Math.max(1, options.events.length))
  })
})

describe('what must hold exactly is noticed where it does not:', () => {
  const play = (scenario: (typeof EXACT)[number], change: Partial<RunOptions>, mutant?: string, number = 0) => {
    const drawn = drawExact(streamsOf(seedOf(0)).options)
    const calm = { ...CALM, deltaMs: drawn.deltaMs, maxCommands: drawn.maxCommands, delay: drawn.delay }
    const given = mutant === undefined ? undefined : mutantNamed(mutant)
    return runSeed({ seed: seedOf(number), options: { ...calm, ...change, scenario }, mutant: given }).violation?.check
  }
  const far = { meanUs: 30_000, spreadUs: 0, jitterUs: 25_000, aws: false }
  const sites = { sites: ['b', 'a', 'a', 'a'], minSites: 2 }

  test.each([
    ['a view is given up where nothing is wrong', () => play('online', { deltaMs: 1 }), 'too-much'],
    ['certificates travel that each can make', () => play('online', { delay: far }), 'too-much'],
    ['all wait for one', () => play('laggard', {}, 'quorum of everybody', 1), 'pace'],
    ['what came late is lost', () => play('reordered', {}, 'nothing resent'), 'liveness'],
    ['a site that is gone is not missed', () => play('domain-lost', sites, 'diversity ignored'), 'bad-certificate']
  ])('%s', (_, run, check) => {
    expect(run()).toBe(check)
  })

  test.each(EXACT)('%s', (scenario) => {
    expect(play(scenario, scenario === 'domain-lost' ? sites : {})).toBeUndefined()
  })
})

describe('crash at each journal call', () => {
  const points = ['before-append', 'after-append', 'after-sync', 'after-send'] as const
  const runs = points.flatMap((point) => [1, 2, 3, 4, 5, 6, 7, 8].map((nth) => [point, nth] as const))
  test.each(runs)('%s %i: of one, and of all', (point, nth) => {
    const crash = (process: number): FaultEvent => ({
      atMs: 1,
      class: 'crash-point',
      type: 'crash-at',
      process,
      point,
      nth,
      downMs: 60
    })
    for (const processes of [[nth % 4], [0, 1, 2, 3]]) {
      const options = {
        ...CALM,
        deltaMs: 50,
        bursts: [{ atMs: 50, client: 1, commands: 3 }],
        events: processes.map(crash),
        safetyMs: 2_000,
        scenario: null
      }
      expect(runSeed({ seed: seedOf(nth), options }).violation).toBeNull()
    }
  })
})

test('twins contradict themselves, and nobody else is blamed', { timeout: 60_000 }, () => {
  const results = Array.from({ length: 25 }, (_, number) => runTwins(seedOf(1_000_000_000 + number)))
  expect(results.flatMap(({ violation }) => violation ?? [])).toEqual([])
  expect(results.some(({ blamed }) => blamed > 0)).toBe(true)
})

describe('every interleaving', () => {
  const search = (options: Partial<ExploreOptions>) => explore({ views: 1, seconds: 1, nowS: () => 0, ...options })

  test('of one view contradicts nothing, and to hear votes in quorums loses nothing', { timeout: 120_000 }, () => {
    const each = search({ sets: 'each' })
    const quorums = search({})
    for (const result of [...each, ...quorums]) expect(result).toMatchObject({ isComplete: true, violation: null })
    expect(quorums.map(({ sayings }) => sayings)).toEqual(each.map(({ sayings }) => sayings))
    expect(quorums.map(({ sayings }) => sayings)).toEqual([428, 89])
  })

  test.each([
    ['quorum one too light', 1, 1, false, 'L3'],
    ['finalize after nullify', 1, 1, false, 'L1'],
    ['nullify after finalize', 1, null, true, 'L1'],
    ['gap unchecked', 2, 2, false, 'gap']
  ])('finds: %s', { timeout: 120_000 }, (mutant, views, liarLeads, restarts, lemma) => {
    const [result] = search({ views, cases: [liarLeads], restarts, rules: mutantNamed(mutant).rules })
    expect(result?.violation).toContain(lemma)
  })
})

test('fifty members in ten regions take what was published', { timeout: 120_000 }, (context) => {
  const result = measureWideArea()
  if (result === null) {
    console.log('SKIP sim/aws: the table aws-latency-p50-ms.json is not here')
    return context.skip()
  }
  expect(result).toMatchObject({ ok: true })
})
