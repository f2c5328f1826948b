import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { poll } from '../actors/place.ts'
import { TestnetError } from '../errors.ts'
import { environmentOf, NODE_FLAGS } from '../runner/peer-process.ts'
import type { Answer, Order } from './copy-main.ts'

const MAIN = fileURLToPath(new URL('copy-main.ts', import.meta.url))
/** Of what a peer does at once, on a machine that does much else. */
const WITHIN_MS = 90_000

/** One data folder, and the process that has it now. */
export class Copy {
  readonly name: string
  readonly #dataDir: string
  readonly #network: string
  #child: ChildProcess | undefined
  #heard: Answer[] = []
  id = ''
  addresses: readonly string[] = []

  constructor(name: string, dataDir: string, network: string) {
    this.name = name
    this.#dataDir = dataDir
    this.#network = network
  }

  get isUp(): boolean {
    return this.#child !== undefined
  }

  async start(): Promise<void> {
    const child = fork(MAIN, [this.#dataDir, this.#network], { execArgv: NODE_FLAGS, env: environmentOf(process.env) })
    this.#child = child
    this.#heard = []
    child.once('exit', () => {
      if (this.#child === child) this.#child = undefined
    })
    child.on('message', (message) => this.#heard.push(message as Answer))
    const { id, addresses } = await this.#hear('up')
    Object.assign(this, { id, addresses })
  }

  /** Resolves with what is answered. */
  ask<K extends keyof Order & keyof Answer>(order: K, value: NonNullable<Order[K]>): Promise<NonNullable<Answer[K]>> {
    this.#heard = this.#heard.filter((answer) => answer[order] === undefined)
    this.#child?.send({ [order]: value }, () => undefined)
    return this.#hear(order)
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
    const child = this.#child
    if (child === undefined) return
    const over = once(child, 'exit')
    child.kill('SIGKILL')
    await over
  }

  async #hear<K extends keyof Answer>(what: K): Promise<NonNullable<Answer[K]>> {
    const heard = () => this.#heard.map((answer) => answer[what]).findLast((one) => one !== undefined)
    const found = await poll(WITHIN_MS, () => heard() ?? (this.isUp ? undefined : null))
    if (found !== undefined && found !== null) return found as NonNullable<Answer[K]>
    const why = found === null ? 'ended instead' : `did not say it within ${WITHIN_MS} ms`
    throw new TestnetError('BRUME_TESTNET_PEER_FAILED', `${this.name} was to answer ${what}, and ${why}`)
  }
}
