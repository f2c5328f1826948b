import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { poll } from '../actors/place.ts'
import { TestnetError } from '../errors.ts'
import { environmentOf, NODE_FLAGS } from '../runner/peer-process.ts'
import type { Character, MemberAnswer, MemberConfig, MemberOrder, MemberReport } from './member-main.ts'

const MAIN = fileURLToPath(new URL('member-main.ts', import.meta.url))
/** Of what a peer does within seconds, on a machine that does much else. */
const WITHIN_MS = 240_000

/** A member of a drill, from outside: started, told of others, killed, started again on the same folder. */
export class Member {
  readonly name: string
  readonly #dataDir: string
  readonly #network: string
  #child: ChildProcess | undefined
  #report: MemberReport | undefined
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

  /** Rejects with `TestnetError` where it is not there in time. */
  async start(character: Character = {}): Promise<void> {
    const config: MemberConfig = { dataDir: this.#dataDir, network: this.#network, character }
    const child = fork(MAIN, [JSON.stringify(config)], { execArgv: NODE_FLAGS, env: environmentOf(process.env) })
    this.#child = child
    let up: MemberAnswer['up']
    child.on('message', (message) => {
      const answer = message as MemberAnswer
      up ??= answer.up
      this.#report = answer.report ?? this.#report
    })
    child.once('exit', () => {
      if (this.#child === child) this.#child = undefined
    })
    await poll(WITHIN_MS, () => up ?? (this.isUp ? undefined : false))
    if (up === undefined) throw new TestnetError('BRUME_TESTNET_PEER_FAILED', `${this.name} did not come up`)
    this.id = up.id
    this.addresses = up.addresses
  }

  /** Keeps it connected to that one. */
  dial({ addresses }: Member): void {
    this.#say({ dial: addresses })
  }

  /** What it has seen by now; nothing of one that is down. */
  async report(): Promise<MemberReport | undefined> {
    this.#report = undefined
    this.#say({ report: true })
    await poll(WITHIN_MS, () => this.#report ?? (this.isUp ? undefined : false))
    return this.#report
  }

  /** SIGKILL: nothing is said or written any more. */
  async kill(): Promise<void> {
    const child = this.#child
    if (child === undefined) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }

  /** Ends by itself, as it does when whoever started it is gone. */
  async stop(): Promise<void> {
    const child = this.#child
    if (child === undefined) return
    const gone = once(child, 'exit')
    child.disconnect()
    await gone
  }

  #say(order: MemberOrder): void {
    this.#child?.send(order, () => undefined)
  }
}
