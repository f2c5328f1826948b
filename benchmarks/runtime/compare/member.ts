import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface, type Interface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { monotonicMs } from '../../harness/clock.ts'
import { BenchError } from '../../harness/errors.ts'
import { usageOf } from '../../idle/proc.ts'

const MAIN = fileURLToPath(new URL('member-main.ts', import.meta.url))
const ANSWER_MS = 120_000

export type Operation = 'tell' | 'ask' | 'idle' | 'rest'

export interface Done {
  readonly answer: number
  readonly wallMs: number
  /** Of all its threads, in steps of 10 ms. */
  readonly cpuMs: number
}

/** A contender's process; the system says what it used, so all are measured alike. */
export class Member {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>
  readonly #reader: Interface

  private constructor(child: ChildProcess) {
    this.#child = child
    this.#reader = createInterface({ input: child.stdout as NonNullable<ChildProcess['stdout']> })
    this.#lines = this.#reader[Symbol.asyncIterator]()
  }

  static async node(name: string, folder: string): Promise<Member> {
    return Member.#started(process.execPath, ['--expose-gc', MAIN, name, folder])
  }

  static async erlang(folder: string): Promise<Member> {
    return Member.#started('erl', ['-noshell', '-pa', folder, '-s', 'counter', 'main'])
  }

  static async #started(command: string, args: readonly string[]): Promise<Member> {
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    const member = new Member(child)
    const line = await member.#line()
    if (line === 'ready') return member
    throw new BenchError('BRUME_BENCH_MEMBER_FAILED', `${command} said ${line} instead of ready`)
  }

  get rssBytes(): number {
    return usageOf(this.#pid).rssKib * 1_024
  }

  async run(operation: Operation, count: number): Promise<Done> {
    const [startMs, before] = [monotonicMs(), usageOf(this.#pid).cpuMs]
    this.#child.stdin?.write(`${operation} ${count}\n`)
    const answer = Number(await this.#line())
    return { answer, wallMs: monotonicMs() - startMs, cpuMs: usageOf(this.#pid).cpuMs - before }
  }

  async stop(): Promise<void> {
    const gone = once(this.#child, 'exit')
    this.#child.stdin?.end()
    await gone
    this.#reader.close()
  }

  get #pid(): number {
    return this.#child.pid ?? 0
  }

  async #line(): Promise<string> {
    const late = Promise.withResolvers<never>()
    const timer = setTimeout(() => {
      this.#child.kill('SIGKILL')
      late.reject(new BenchError('BRUME_BENCH_DEADLINE', `a process that is compared said nothing in ${ANSWER_MS} ms`))
    }, ANSWER_MS)
    const { value, done } = await Promise.race([this.#lines.next(), late.promise]).finally(() => clearTimeout(timer))
    if (!done) return value
    throw new BenchError('BRUME_BENCH_MEMBER_FAILED', 'a process that is compared ended early')
  }
}
