import { type ChildProcess, fork } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { BenchError } from '../harness/errors.ts'
import type { FromMember, ToMember } from './messages.ts'

const MEMBER_MAIN = fileURLToPath(new URL('member-main.ts', import.meta.url))
/** A member closes its store and journals in this time after SIGTERM, or is ended by SIGKILL. */
const END_GRACE_MS = 5_000

/** Answers to the questions a member is asked, one at a time. */
type Answer = Exclude<FromMember, { type: 'failed' }>

/** One member's process as the coordinator holds it. It also ends by itself when the coordinator is gone. */
export class MemberProcess {
  readonly #child: ChildProcess
  readonly #exited: Promise<void>
  readonly #logPath: string
  #asked: PromiseWithResolvers<Answer> | undefined
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
    this.#child.on('message', (message) => this.#hear(message as FromMember))
    this.#exited = new Promise((resolve) => {
      this.#child.once('exit', (code, signal) => {
        this.#fail(`ended (${code ?? signal})`)
        resolve()
      })
    })
  }

  /** Rejects with `BRUME_BENCH_MEMBER_FAILED`. */
  ask<T extends Answer['type']>(message: ToMember, answer: T): Promise<Extract<Answer, { type: T }>> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    this.#asked = Promise.withResolvers<Answer>()
    this.#child.send(message)
    return this.#asked.promise.then((heard) => {
      if (heard.type !== answer) throw new BenchError('BRUME_BENCH_MEMBER_FAILED', `a member answered ${heard.type}`)
      return heard as Extract<Answer, { type: T }>
    })
  }

  /** SIGTERM, then SIGKILL. Never rejects; safe to call again. */
  async end(): Promise<void> {
    this.#child.kill('SIGTERM')
    const kill = setTimeout(() => this.#child.kill('SIGKILL'), END_GRACE_MS)
    await this.#exited
    clearTimeout(kill)
  }

  #hear(message: FromMember): void {
    if (message.type === 'failed') this.#fail(message.message)
    else this.#asked?.resolve(message)
  }

  #fail(why: string, cause?: unknown): void {
    this.#failure ??= new BenchError('BRUME_BENCH_MEMBER_FAILED', `a member ${why}; see ${this.#logPath}`, { cause })
    this.#asked?.reject(this.#failure)
  }
}
