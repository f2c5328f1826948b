import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { TestnetError } from '../errors.ts'
import { environmentOf, NODE_FLAGS } from '../runner/peer-process.ts'
import type { Answer, Lists, Order } from './pair-main.ts'

const MAIN = fileURLToPath(new URL('pair-main.ts', import.meta.url))
/** Of what a peer does within seconds, on a machine that does much else. */
const WITHIN_MS = 240_000
const POLL_MS = 5

export interface PlaceOptions {
  readonly name: string
  readonly dataDir: string
  readonly network: string
  /** Address of the sink; nothing where this is the sink itself. */
  readonly to: string
  /** Told of custom actions, over all lives. */
  readonly mailed: (id: string, k: number) => void
}

/** One data folder, and the process that has it now. */
export class Place {
  readonly #options: PlaceOptions
  #child: ChildProcess | undefined
  #heard: Answer[] = []

  constructor(options: PlaceOptions) {
    this.#options = options
  }

  get name(): string {
    return this.#options.name
  }

  get isUp(): boolean {
    return this.#child !== undefined
  }

  /** Rejects where it is not there in time. */
  async start(): Promise<NonNullable<Answer['up']>> {
    const { dataDir, network, to, mailed } = this.#options
    const child = fork(MAIN, [dataDir, network, to], { execArgv: NODE_FLAGS, env: environmentOf(process.env) })
    this.#child = child
    this.#heard = []
    child.once('exit', () => {
      if (this.#child === child) this.#child = undefined
    })
    child.on('message', (message) => {
      const answer = message as Answer
      if (answer.mailed !== undefined) mailed(answer.mailed.id, answer.mailed.k)
      else this.#heard.push(answer)
    })
    return (await this.#until(`the ${this.name} up`, ({ up }) => up)) ?? { id: '', addresses: [] }
  }

  say(order: Order): void {
    this.#child?.send(order, () => undefined)
  }

  /** Resolves once it is connected there. */
  async dial(addresses: readonly string[]): Promise<void> {
    this.#heard = this.#heard.filter(({ dial }) => dial === undefined)
    this.say({ dial: addresses })
    await this.#until(`the ${this.name} connected`, ({ dial }) => dial)
  }

  /** Has this life said that this number was processed? */
  hasAcknowledged(k: number): boolean {
    return this.#heard.some(({ go }) => go === k)
  }

  async acknowledged(k: number): Promise<void> {
    await this.#until(`number ${k} processed`, ({ go }) => (go === k ? true : undefined))
  }

  async read(): Promise<Lists> {
    this.#heard = this.#heard.filter(({ read }) => read === undefined)
    this.say({ read: true })
    return (await this.#until(`what the ${this.name} has`, ({ read }) => read)) ?? {}
  }

  /** Resolves when its process has ended by itself: false where it has not after so long. */
  async ended(withinMs: number): Promise<boolean> {
    return (await poll(withinMs, () => (this.isUp ? undefined : true))) ?? false
  }

  async kill(): Promise<void> {
    const child = this.#child
    if (child === undefined) return
    const over = once(child, 'exit')
    child.kill('SIGKILL')
    await over
  }

  async #until<T>(what: string, find: (answer: Answer) => T | undefined): Promise<T> {
    const heard = () => this.#heard.map(find).findLast((one) => one !== undefined)
    const found = await poll(WITHIN_MS, () => heard() ?? (this.isUp ? undefined : null))
    if (found !== undefined && found !== null) return found
    if (found === null)
      throw new TestnetError('BRUME_TESTNET_PEER_FAILED', `the ${this.name} ended instead of: ${what}`)
    throw new TestnetError('BRUME_TESTNET_DEADLINE', `${what}: not within ${WITHIN_MS} ms`)
  }
}

/** What `look` finds, at the latest after so long; undefined where it is nothing. */
export async function poll<T>(withinMs: number, look: () => T | undefined): Promise<T | undefined> {
  for (const endMs = performance.now() + withinMs; ; await sleep(POLL_MS)) {
    const found = look()
    if (found !== undefined || performance.now() > endMs) return found
  }
}
