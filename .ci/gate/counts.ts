import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { stripVTControlCharacters } from 'node:util'

/** Tests of one vitest run. A file that failed before its first test counts as one failed. */
export interface Counts {
  readonly passed: number
  readonly failed: number
  /** A line for each that failed: its file, its name, and the first line of why. */
  readonly failures: readonly string[]
  readonly skipped: readonly string[]
}

/** The part of vitest's JSON report, which follows Jest's, that is read here. */
interface Report {
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    readonly message?: string
    readonly assertionResults: readonly {
      readonly fullName: string
      readonly status: string
      readonly failureMessages?: readonly string[]
    }[]
  }[]
}

/** Reads the report vitest wrote to `path`; no report, or half of one, is one failure. */
export function readCounts(path: string): Counts {
  try {
    return count(JSON.parse(readFileSync(path, 'utf8')) as Report)
  } catch (error) {
    console.error(`vitest left no report: ${error instanceof Error ? error.message : String(error)}`)
    return { passed: 0, failed: 1, failures: ['vitest: no report'], skipped: [] }
  }
}

function count({ testResults }: Report): Counts {
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults)
  const having = (status: string) => tests.filter((test) => test.status === status).length
  const brokenFiles = testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((assertion) => assertion.status === 'failed')
  )
  const passed = having('passed')
  const failed = having('failed')
  return {
    passed,
    // A run without tests is not a run in which all passed.
    failed: failed + brokenFiles.length + (tests.length === 0 ? 1 : 0),
    failures: [
      ...testResults.flatMap(({ name, assertionResults }) =>
        assertionResults
          .filter(({ status }) => status === 'failed')
          .map(({ fullName, failureMessages }) => line(name, fullName, failureMessages?.[0]))
      ),
      ...brokenFiles.map(({ name, message }) => line(name, 'does not load', message))
    ],
    skipped: tests.filter(({ status }) => status !== 'passed' && status !== 'failed').map(({ fullName }) => fullName)
  }
}

function line(file: string, test: string, why = ''): string {
  const [first = ''] = stripVTControlCharacters(why).split('\n')
  return `${relative(process.cwd(), file)}: ${test}: ${first}`
}
