import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { endProcesses } from '../runner/end-processes.ts'
import { identifyProcess, type ProcessId } from '../runner/process-table.ts'
import type { FromProxy, ToProxy } from './messages.ts'
import type { Shape } from './profiles.ts'

const PROXY_MAIN = fileURLToPath(new URL('proxy-main.ts', import.meta.url))
/** Node starts in half a second on an idle machine. */
const START_DEADLINE_MS = 20_000

/** Connections seen where they came in, and how many had gone round the proxy. */
export interface Carriage {
  readonly seen: number
  readonly around: number
}

/** The runner's side of the proxy. */
export class LinkNetwork {
  readonly #child: ChildProcess
  readonly #port: Promise<number>
  #answered = Promise.withResolvers<Extract<FromProxy, { type: 'carried' }>>()

  constructor(shapes: ReadonlyMap<string, Shape>) {
    this.#child = fork(PROXY_MAIN, { serialization: 'advanced', stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    this.#port = promise
    const late = setTimeout(() => reject(new Error('the link proxy did not start')), START_DEADLINE_MS)
    this.#child.on('error', reject)
    this.#child.on('message', (message: FromProxy) => {
      if (message.type === 'carried') return this.#answered.resolve(message)
      clearTimeout(late)
      resolve(message.port)
    })
    this.#say({ type: 'shapes', shapes })
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Where peers have to dial. */
  port(): Promise<number> {
    return this.#port
  }

  /** Names by the port on which each peer really listens now. */
  setPeers(ports: ReadonlyMap<number, string>): void {
    this.#say({ type: 'peers', ports })
  }

  setFault(between: readonly [readonly string[], readonly string[]], how: 'cut' | 'block' | null): void {
    this.#say({ type: 'fault', between, how })
  }

  /** Which of these remote ports, seen where connections came in, are the proxy's own? */
  async judge(inbound: readonly number[]): Promise<Carriage> {
    this.#answered = Promise.withResolvers()
    this.#say({ type: 'ask' })
    const carried = new Set((await this.#answered.promise).ports)
    return { seen: inbound.length, around: inbound.filter((port) => !carried.has(port)).length }
  }

  /** Ends its process; answers it if it does not end. */
  async end(): Promise<readonly ProcessId[]> {
    const process = this.#child.pid === undefined ? undefined : identifyProcess(this.#child.pid)
    return process === undefined ? [] : endProcesses([process])
  }

  #say(message: ToProxy): void {
    if (this.#child.connected) this.#child.send(message, () => undefined)
  }
}
