export interface Stage {
  readonly name: string
  /** Run by npm, so that a developer can run the same: `npm run <script> -- <args>`. */
  readonly script: string
  readonly args: readonly string[]
  /** Past this a stage hangs: it is ended with all it started, and fails. */
  readonly limitMs: number
}

const MINUTE_MS = 60_000
/** Seconds in practice; a busy two-core machine may take ten times as long. */
const CHECK_LIMIT_MS = 3 * MINUTE_MS
/** The gate is to take 15 minutes at most, install included; these leave three for the rest when all are used up by one. */
const TESTS_LIMIT_MS = 12 * MINUTE_MS

const check = (name: string): Stage => ({ name, script: name, args: [], limitMs: CHECK_LIMIT_MS })

const tests = (report: string, filters: readonly string[]): Stage => ({
  name: 'vitest',
  script: 'test:vitest',
  args: [...filters, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
  limitMs: TESTS_LIMIT_MS
})

/**
 * What the gate runs, in order: the cheap and certain first. `vitestReport` is a path for vitest's counts. Filters are
 * vitest's, as typed after `npm test --`: then nothing else is run than the tests they choose.
 */
export const stages = (vitestReport: string, filters: readonly string[] = []): readonly Stage[] =>
  filters.length > 0 ? [tests(vitestReport, filters)] : everything(vitestReport)

const everything = (vitestReport: string): readonly Stage[] => [
  check('lint'),
  check('types'),
  check('layers'),
  check('dead'),
  check('docs'),
  tests(vitestReport, []),
  { name: 'sim', script: 'sim', args: ['--seeds', '300', '--json'], limitMs: TESTS_LIMIT_MS },
  { name: 'actors', script: 'sim', args: ['--actors', '--json'], limitMs: TESTS_LIMIT_MS },
  { name: 'explore', script: 'sim', args: ['--explore'], limitMs: CHECK_LIMIT_MS },
  { name: 'twins', script: 'soak', args: ['twins', '--scenarios', '200'], limitMs: CHECK_LIMIT_MS },
  { name: 'wide', script: 'sim', args: ['--latency', 'aws'], limitMs: CHECK_LIMIT_MS },
  { name: 'bench', script: 'bench', args: ['consensus', '--smoke'], limitMs: CHECK_LIMIT_MS },
  { name: 'install', script: 'test:install', args: ['--borrow'], limitMs: TESTS_LIMIT_MS },
  { name: 'netns', script: 'test:netns', args: [], limitMs: CHECK_LIMIT_MS }
]
