import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'

const BIN = join(import.meta.dirname, 'brume.ts')

/** A `brume` process under test and what it has printed so far. */
export class BrumeProcess {
  readonly child: ChildProcess
  out = ''
  err = ''
  /** Exit status, or the signal's name. */
  readonly exited: Promise<number | string>

  constructor(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    this.child = spawn(process.execPath, [BIN, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...withoutOurs(process.env), ...environment }
    })
    this.child.stdout?.on('data', (data) => {
      this.out += data
    })
    this.child.stderr?.on('data', (data) => {
      this.err += data
    })
    this.exited = once(this.child, 'close').then(([code, signal]) => code ?? signal)
  }

  /** The JSON objects printed so far, one a line. */
  events(): readonly Record<string, unknown>[] {
    const lines = this.out.split('\n').slice(0, -1)
    return lines.map((line) => JSON.parse(line))
  }

  /** Resolves with the first event for which `fits` holds. Rejects when the process ends, or after the deadline. */
  async event(
    fits: (event: Record<string, unknown>) => boolean,
    deadlineMs = 30_000
  ): Promise<Record<string, unknown>> {
    const late = performance.now() + deadlineMs
    for (;;) {
      const found = this.events().find(fits)
      if (found !== undefined) return found
      if (this.child.exitCode !== null || performance.now() > late)
        throw new Error(`no such event; printed: ${this.out}\n${this.err}`)
      await new Promise((next) => setTimeout(next, 25))
    }
  }

  async kill(signal: NodeJS.Signals): Promise<number | string> {
    this.child.kill(signal)
    return this.exited
  }
}

/** Without the settings of whoever runs the tests, and with node's own flags left to brume. */
function withoutOurs(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !/^(BRUME_|NODE_OPTIONS|VITEST)/.test(name)))
}

/** A network of this test alone: others run beside it on the same loopback interface. */
export const ownNetwork = (): string => `test-${randomBytes(8).toString('hex')}`
