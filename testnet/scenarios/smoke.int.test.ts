import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Manifest, readManifest } from '../scenario/manifest.ts'
import { runScenario } from '../scenario/run-scenario.ts'

/**
 * The two shortest ways through most of the machinery: liars on the wire, clients, a fault, checks. What takes
 * long is measured by the scenario files; here no speed is asserted, for the gate's machine may be slow.
 */
const SAFETY = ['agreement', 'acked-durable', 'exactly-once', 'no-double-vote', 'no-orphans'].map((name) => ({ name }))

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'brume-scenario-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

async function judged(manifest: Manifest): Promise<readonly string[]> {
  const aborted = new AbortController().signal
  const { verdicts } = await runScenario(manifest, { directory, aborted, began: () => undefined })
  return verdicts.filter(({ result }) => result !== 'passed').map(({ check, sentence }) => `${check}: ${sentence}`)
}

test('an equivocating leader is survived, proven, and nobody else is blamed', async () => {
  const manifest = readManifest({
    name: 'equivocating-leader',
    durationS: 5,
    groups: [
      { name: 'honest', count: 3 },
      { name: 'liar', count: 1, byzantine: { behaviour: 'equivocate' } }
    ],
    workload: [{ ratePerS: 10, clients: 2 }],
    checks: [{ name: 'attacked' }, ...SAFETY, { name: 'evidence-names-only', args: { peers: 'liar:*', atLeast: 1 } }]
  })
  expect(await judged(manifest)).toEqual([])
}, 240_000)

test('with a third silent the group goes on; a killed member besides halts it until it is back', async () => {
  const manifest = readManifest({
    name: 'third-silent',
    durationS: 8,
    groups: [
      { name: 'honest', count: 3 },
      { name: 'silent', count: 1, byzantine: { behaviour: 'silent' } }
    ],
    workload: [{ ratePerS: 8, clients: 2 }],
    perturb: [{ atS: 2, target: 'random:1', action: 'kill', forS: 4, expect: 'halt', backWithinS: 120 }],
    checks: [
      { name: 'attacked' },
      ...SAFETY,
      { name: 'halted' },
      { name: 'recovered-within', args: { withinS: 120 } },
      { name: 'evidence-names-only', args: { peers: 'none:*' } }
    ]
  })
  expect(await judged(manifest)).toEqual([])
}, 240_000)
