import { type ChildProcess, fork } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { BenchError } from '../harness/errors.ts'
import type { FromMember, FromProcess, ToMember } from './messages.ts'

const MEMBER_MAIN = fileURLToPath(new URL('member-main.ts', import.meta.url))
/** A member closes its store and journals in this time after SIGTERM, or is ended by SIGKILL. */
const END_GRACE_MS = 5_000

/** Answers to the questions a member is asked, one at a time each. */
type Answer = Exclude<FromMember, { type: 'failed' }>

/** A process of one member or several as the coordinator holds it. It also ends by itself when the coordinator is gone. */
export class MemberProcess {
  readonly #child: ChildProcess
  readonly #exited: Promise<void>
  readonly #logPath: string
  readonly #asked = new Map<number, PromiseWithResolvers<Answer>>()
  #failure: BenchError | undefined

  /** @param cache - folder of compiled code, shared: it halves the CPU of a start */
  constructor(logPath: string, cache: string) {
    this.#logPath = logPath
    const log = openSync(logPath, 'a', 0o600)
    try {
      this.#child = fork(MEMBER_MAIN, {
        execArgv: ['--disable-warning=ExperimentalWarning'],
        env: { ...process.env, NODE_COMPILE_CACHE: cache },
        stdio: ['ignore', log, log, 'ipc'],
        serialization: 'advanced'
      })
    } finally {
      closeSync(log)
    }
    this.#child.on('error', (cause) => this.#fail('cannot be talked to', cause))
    this.#child.on('message', (message) => this.#hear(message as FromProcess))
    this.#exited = new Promise((resolve) => {
      this.#child.once('exit', (code, signal) => {
        this.#fail(`ended (${code ?? signal})`)
        resolve()
      })
    })
  }

  /** Rejects with `BRUME_BENCH_MEMBER_FAILED`. */
  ask<T extends Answer['type']>(index: number, message: ToMember, answer: T): Promise<Extract<Answer, { type: T }>> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    const asked = Promise.withResolvers<Answer>()
    this.#asked.set(index, asked)
    this.#child.send({ ...message, index })
    return asked.promise.then((heard) => {
      if (heard.type !== answer) throw new BenchError('BRUME_BENCH_MEMBER_FAILED', `a member answered ${heard.type}`)
      return heard as Extract<Answer, { type: T }>
    })
  }

  /** At once, as a crash would end it. Nothing may be asked of it any more. */
  kill(): void {
    this.#child.kill('SIGKILL')
  }

  /** SIGTERM, then SIGKILL. Never rejects; safe to call again. */
  async end(): Promise<void> {
    this.#child.kill('SIGTERM')
    const kill = setTimeout(() => this.#child.kill('SIGKILL'), END_GRACE_MS)
    await this.#exited
    clearTimeout(kill)
  }

  #hear(message: FromProcess): void {
    if (message.type === 'failed') this.#fail(message.message)
    else this.#asked.get(message.index)?.resolve(message)
  }

  #fail(why: string, cause?: unknown): void {
    this.#failure ??= new BenchError('BRUME_BENCH_MEMBER_FAILED', `a member ${why}; see ${this.#logPath}`, { cause })
    for (const asked of this.#asked.values()) asked.reject(this.#failure)
  }
}
