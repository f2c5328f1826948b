import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { TestnetError } from '../errors.ts'
import { environmentOf, NODE_FLAGS } from '../runner/peer-process.ts'

const POLL_MS = 5

export interface ForkedOptions {
  readonly name: string
  /** What is run. */
  readonly main: URL
  /** So long an answer is waited for. */
  readonly withinMs: number
}

/**
 * One data folder, from outside: the process that has it now is started, told, heard and killed, and another one started.
 * Answers are told apart by their fields.
 */
export class Forked<Order extends object, Answer extends object> {
  readonly #options: ForkedOptions
  #child: ChildProcess | undefined
  #heard: Answer[] = []

  constructor(options: ForkedOptions) {
    this.#options = options
  }

  get name(): string {
    return this.#options.name
  }

  get isUp(): boolean {
    return this.#child !== undefined
  }

  /** SIGSTOP: it does nothing, and its connections stay. */
  pause(): void {
    this.#child?.kill('SIGSTOP')
  }

  resume(): void {
    this.#child?.kill('SIGCONT')
  }

  /** SIGKILL: nothing is said or written any more. */
  async kill(): Promise<void> {
    await this.#gone((child) => child.kill('SIGKILL'))
  }

  /** Ends by itself, as it does when whoever started it is gone. */
  async stop(): Promise<void> {
    await this.#gone((child) => child.disconnect())
  }

  /** Resolves when its process has ended by itself: false where it has not after so long. */
  async ended(withinMs: number): Promise<boolean> {
    return (await poll(withinMs, () => (this.isUp ? undefined : true))) ?? false
  }

  /** Whatever an earlier life said is forgotten. */
  protected launch(args: readonly string[]): void {
    const flags = { execArgv: NODE_FLAGS, env: environmentOf(process.env) }
    const child = fork(fileURLToPath(this.#options.main), args, flags)
    this.#child = child
    this.#heard = []
    child.once('exit', () => {
      if (this.#child === child) this.#child = undefined
    })
    child.on('message', (message) => this.hear(message as Answer))
  }

  say(order: Order): void {
    this.#child?.send(order, () => undefined)
  }

  protected hear(answer: Answer): void {
    this.#heard.push(answer)
  }

  protected get heard(): readonly Answer[] {
    return this.#heard
  }

  /** Resolves with what this life answers to it, in that field. @throws TestnetError */
  protected async asked<K extends keyof Answer>(order: Order, field: K): Promise<NonNullable<Answer[K]>> {
    this.#heard = this.#heard.filter((answer) => answer[field] === undefined)
    this.say(order)
    return this.said(String(field), (answer) => answer[field] ?? undefined)
  }

  /** Resolves with the last that this life has said of it. @throws TestnetError PEER_FAILED where it ends instead; DEADLINE */
  protected async said<T>(what: string, find: (answer: Answer) => T | undefined): Promise<NonNullable<T>> {
    const { name, withinMs } = this.#options
    const heard = () => this.#heard.map(find).findLast((one) => one !== undefined)
    const found = await poll(withinMs, () => heard() ?? (this.isUp ? undefined : null))
    if (found !== undefined && found !== null) return found
    if (found === null) throw new TestnetError('BRUME_TESTNET_PEER_FAILED', `${name} ended instead of: ${what}`)
    throw new TestnetError('BRUME_TESTNET_DEADLINE', `${name}: ${what}: not within ${withinMs} ms`)
  }

  async #gone(end: (child: ChildProcess) => void): Promise<void> {
    const child = this.#child
    if (child === undefined) return
    const over = once(child, 'exit')
    end(child)
    await over
  }
}

/** What `look` finds, at the latest after so long; undefined where it is nothing. */
export async function poll<T>(withinMs: number, look: () => T | undefined): Promise<T | undefined> {
  for (const endMs = performance.now() + withinMs; ; await sleep(POLL_MS)) {
    const found = look()
    if (found !== undefined || performance.now() > endMs) return found
  }
}
