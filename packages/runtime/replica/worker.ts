import { createRequire } from 'node:module'
import { Worker, type WorkerOptions } from 'node:worker_threads'
import type { Cancel, Clock } from '@brume/ports'
import type { Bundle } from './bundle.ts'
import { ReplicaError } from './errors.ts'
import type { Assignment, Executor, StateRef } from './port.ts'

/** Deep recursion of one machine must not be another member's stack overflow: all have the same, and much. */
const STACK_MB = 8

/** Of one machine: a state has at most 256 KiB, a block some thousand of them in passing. */
const HEAP_MB = 512

/** A block whose execution takes longer is executed nowhere in time. */
const WATCHDOG_MS = 5_000

/** To load the thread and the bundle, beside whatever else a small machine does. */
const LOAD_WITHIN_MS = 60_000

/** What the process was started with is not for them: they need no loader, and `--input-type` takes no file. */
export const THREAD_OPTIONS = {
  execArgv: [],
  resourceLimits: { stackSizeMb: STACK_MB, maxOldGenerationSizeMb: HEAP_MB },
  stdout: true,
  stderr: true
} satisfies WorkerOptions

/** By name, for the file has another ending where this is installed from a registry. */
export function threadOf(name: 'thread' | 'check-thread'): string {
  return createRequire(import.meta.url).resolve(`@brume/runtime/replica/${name}`)
}

export type Call =
  | { readonly kind: 'execute'; readonly args: Parameters<Executor['execute']> }
  | { readonly kind: 'query'; readonly args: Parameters<Executor['query']> }
  | { readonly kind: 'leaves'; readonly args: Parameters<Executor['leaves']> }
  | { readonly kind: 'restore'; readonly args: Parameters<Executor['restore']> }
  | { readonly kind: 'drop'; readonly args: readonly [state: StateRef] }

export type Request = Call & { readonly number: number }
export type Answer =
  | { readonly number: number; readonly value: unknown }
  | { readonly number: number; readonly code: string | null; readonly error: string }

export interface WorkerData {
  readonly code: string
  readonly assignment: Assignment
}

interface Pending {
  readonly resolve: (value: never) => void
  readonly reject: (error: Error) => void
  readonly done: Cancel
}

/**
 * Executes in a thread of its own, so that what is replicated costs the votes nothing. A call that takes 5 s, and
 * a thread that ends, reject everything under way with `ReplicaError` EXHAUSTED; the next call begins a new thread
 * that knows no states.
 */
export class WorkerExecutor implements Executor {
  readonly #data: WorkerData
  readonly #clock: Clock
  readonly #pending = new Map<number, Pending>()
  #worker: Worker | null = null
  #isLoaded = false
  #last = 0

  constructor({ code }: Pick<Bundle, 'code'>, assignment: Assignment, clock: Clock) {
    this.#data = { code, assignment }
    this.#clock = clock
  }

  execute(...args: Parameters<Executor['execute']>): ReturnType<Executor['execute']> {
    return this.#call({ kind: 'execute', args })
  }

  query(...args: Parameters<Executor['query']>): ReturnType<Executor['query']> {
    return this.#call({ kind: 'query', args })
  }

  leaves(...args: Parameters<Executor['leaves']>): ReturnType<Executor['leaves']> {
    return this.#call({ kind: 'leaves', args })
  }

  restore(...args: Parameters<Executor['restore']>): ReturnType<Executor['restore']> {
    return this.#call({ kind: 'restore', args })
  }

  drop(state: StateRef): void {
    this.#worker?.postMessage({ kind: 'drop', args: [state], number: 0 } satisfies Request)
  }

  async stop(): Promise<void> {
    await this.#end('the executor was stopped')
  }

  #call<T>(call: Call): Promise<T> {
    const worker = this.#worker ?? this.#begin()
    this.#last += 1
    const number = this.#last
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const withinMs = this.#isLoaded ? WATCHDOG_MS : LOAD_WITHIN_MS
    const late = () => void this.#end(`execution took more than ${withinMs} ms`)
    this.#pending.set(number, { resolve, reject, done: this.#clock.after(withinMs, late) })
    worker.postMessage({ ...call, number } satisfies Request)
    return promise
  }

  #begin(): Worker {
    this.#isLoaded = false
    const worker = new Worker(threadOf('thread'), { workerData: this.#data, ...THREAD_OPTIONS })
    worker.unref()
    worker.on('message', (answer: Answer) => this.#heard(answer))
    worker.on('error', (error: Error) => void this.#end(error.message, worker))
    worker.on('exit', () => void this.#end('the thread of the executor ended', worker))
    this.#worker = worker
    return worker
  }

  #heard(answer: Answer): void {
    this.#isLoaded = true
    const pending = this.#pending.get(answer.number)
    this.#pending.delete(answer.number)
    pending?.done()
    if ('value' in answer) return pending?.resolve(answer.value as never)
    const isOwn = answer.code === 'BRUME_RUNTIME_BUNDLE'
    pending?.reject(new ReplicaError(isOwn ? 'BRUME_RUNTIME_BUNDLE' : 'BRUME_RUNTIME_EXHAUSTED', answer.error))
  }

  async #end(reason: string, worker = this.#worker): Promise<void> {
    if (worker === null || worker !== this.#worker) return
    this.#worker = null
    const pending = [...this.#pending.values()]
    this.#pending.clear()
    for (const { done, reject } of pending) {
      done()
      reject(new ReplicaError('BRUME_RUNTIME_EXHAUSTED', reason))
    }
    await worker.terminate()
  }
}
