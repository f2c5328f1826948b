/**
 * `npm run test:netns`: several machines on one kernel. Each case makes its own network namespaces, runs
 * peers in them with the profile `lan`, and removes them whatever happens. The machine's own interfaces
 * are never used: no peer runs outside a namespace. What cannot run here is skipped, and says why;
 * with `netns` in BRUME_REQUIRE a skip is a failure.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkRun } from '../checkers/check-run.ts'
import { prepareRun } from '../runner/prepare.ts'
import { Testnet } from '../runner/testnet.ts'
import { plainLine } from '../view/describe.ts'
import { addMulticastRoute, makeLan, removalCommand, whyNoNamespaces } from './namespaces.ts'

/** One peer on each host. */
interface Case {
  readonly name: string
  readonly hosts: number
  readonly multicastRoute: boolean
}

const CASES: readonly Case[] = [
  { name: 'two-hosts-without-multicast-route', hosts: 2, multicastRoute: false },
  { name: 'two-hosts', hosts: 2, multicastRoute: true },
  { name: 'four-hosts', hosts: 4, multicastRoute: false }
]
/** Discovery itself is to take 2 s; the rest is four Node processes starting on a busy machine. */
const MESH_DEADLINE_MS = 30_000
const HEIGHT_DEADLINE_MS = 60_000
const HEIGHT = 10
const RATE_PER_S = 10

const verbose = process.argv.includes('--verbose')

async function runCase(test: Case, directory: string): Promise<string> {
  const folder = prepareRun({ directory, peers: test.hosts, program: 'counter', discovery: 'mdns', votes: true })
  const lan = makeLan(folder.runId, test.hosts)
  if (test.multicastRoute) lan.hosts.forEach(addMulticastRoute)
  const testnet = new Testnet({
    folder,
    ratePerS: RATE_PER_S,
    profile: 'lan',
    prefix: (index) => ['ip', 'netns', 'exec', lan.hosts[index] ?? ''],
    guardAfter: removalCommand(lan.all)
  })
  if (verbose) testnet.events.listen((event) => process.stdout.write(`${plainLine(event)}\n`))
  try {
    await testnet.start()
    const startedMs = testnet.state().elapsedMs
    const { meshedMs = 0 } = await testnet.until(
      'a full mesh',
      MESH_DEADLINE_MS,
      (state) => state.meshedMs !== undefined
    )
    const state = await testnet.until(`height ${HEIGHT}`, HEIGHT_DEADLINE_MS, ({ heightMin }) => heightMin >= HEIGHT)
    await testnet.stop('done')
    const report = await checkRun(folder)
    if (!report.ok) throw new Error(report.violations[0]?.message ?? 'the checker found no votes')
    const after = Math.max(0, Math.round(meshedMs - startedMs))
    return `meshed ${after} ms after the last peer was ready, height ${state.heightMin}, final p50 ${Math.round(state.finalP50Ms ?? 0)} ms`
  } finally {
    await testnet.stop('the end of the case')
    lan.remove()
  }
}

async function main(): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'brume-netns-'))
  const why = whyNoNamespaces(`${process.pid}`)
  let failed = 0
  let passed = 0
  for (const test of CASES) {
    if (why !== undefined) {
      process.stdout.write(`SKIP netns/${test.name}: ${why}\n`)
      continue
    }
    try {
      process.stdout.write(`ok   netns/${test.name}: ${await runCase(test, directory)}\n`)
      passed++
    } catch (error) {
      failed++
      process.stdout.write(`FAIL netns/${test.name}: ${error instanceof Error ? error.message : String(error)}\n`)
    }
  }
  const skipped = CASES.length - passed - failed
  process.stdout.write(`netns: ${passed} passed, ${failed} failed, ${skipped} skipped\n`)
  if (failed === 0) rmSync(directory, { recursive: true, force: true })
  const required = (process.env.BRUME_REQUIRE ?? '').split(',').includes('netns')
  return failed > 0 || (required && skipped > 0) ? 1 : 0
}

process.exitCode = await main()
