import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { TestnetError } from '../errors.ts'

const MAIN = fileURLToPath(new URL('member-main.ts', import.meta.url))

export interface MemberOptions {
  readonly dataDir: string
  readonly network: string
  readonly isLiar: boolean
}

/** A member of a drill, from outside: started, told of others, killed, started again on the same folder. */
export class Member {
  readonly options: MemberOptions
  #process: ChildProcess | null = null
  id = ''
  addresses: readonly string[] = []

  constructor(options: MemberOptions) {
    this.options = options
  }

  get isUp(): boolean {
    return this.#process !== null
  }

  async start(): Promise<void> {
    const { dataDir, network, isLiar } = this.options
    const args = [MAIN, dataDir, network, isLiar ? 'liar' : 'honest']
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#process = child
    const line = once(createInterface({ input: child.stdout }), 'line').then(([text]) => text as string)
    const ended = once(child, 'exit').then(([code]) => {
      throw new TestnetError('BRUME_TESTNET_DEADLINE', `a member ended with ${code} before it was there`)
    })
    const { id, addresses } = JSON.parse(await Promise.race([line, ended])) as Pick<Member, 'id' | 'addresses'>
    ended.catch(() => {})
    this.id = id
    this.addresses = addresses
  }

  /** Keeps it connected to that one. */
  dial({ addresses }: Member): void {
    this.#process?.stdin?.write(`${JSON.stringify({ dial: addresses })}\n`)
  }

  /** SIGKILL: nothing is said or written any more. */
  async kill(): Promise<void> {
    const child = this.#process
    this.#process = null
    if (child === null || child.exitCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }

  async stop(): Promise<void> {
    const child = this.#process
    this.#process = null
    if (child === null || child.exitCode !== null) return
    const gone = once(child, 'exit')
    child.stdin?.end()
    await gone
  }
}
