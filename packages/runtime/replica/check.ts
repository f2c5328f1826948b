import { Worker } from 'node:worker_threads'
import type { Clock } from '@brume/ports'
import type { Json } from '../logic/port.ts'
import { type Bundle, bundleLogic } from './bundle.ts'
import type { Samples, Surface } from './check-run.ts'
import { type Finding, ReplicaError } from './errors.ts'
import { THREAD_OPTIONS, threadOf } from './worker.ts'

/** 64 realms and 10,000 steps, on a slow machine beside other work. */
const CHECK_WITHIN_MS = 120_000

export interface CheckOptions {
  readonly clock: Clock
  /** Payloads by type of event, without `type`; what has none is sent bare. */
  readonly samples?: Samples
  /** With which the machine is started. Default null. */
  readonly input?: Json
}

/** A machine that does the same everywhere, as far as 3,200 events can tell. */
export interface Checked extends Surface {
  readonly bundle: Bundle
}

/**
 * Bundles a machine and tries whether members could replicate it.
 *
 * @param url - of a module whose default export is an XState 5 machine
 * @throws ReplicaError BUNDLE; NONDETERMINISTIC with the `finding`
 */
export async function checkLogic(
  url: URL | string,
  { clock, samples = {}, input = null }: CheckOptions
): Promise<Checked> {
  const bundle = await bundleLogic(url)
  const { code } = bundle
  const worker = new Worker(threadOf('check-thread'), { workerData: { code, samples, input }, ...THREAD_OPTIONS })
  const { promise, resolve } = Promise.withResolvers<Told>()
  worker.once('message', resolve)
  worker.once('error', (error) => resolve({ error: error.message }))
  const late = clock.after(CHECK_WITHIN_MS, () => resolve(TOO_SLOW))
  const told = await promise
  late()
  await worker.terminate()
  if ('error' in told) throw new ReplicaError('BRUME_RUNTIME_BUNDLE', told.error)
  if ('cause' in told) throw nondeterministic(told, samples)
  return { bundle, ...told }
}

export type Told = Surface | Finding | { readonly error: string }

const TOO_SLOW: Finding = { cause: 'endless', state: '', event: '', path: '' }

function nondeterministic(finding: Finding, samples: Samples): ReplicaError {
  const { cause, state, event, path } = finding
  const where = [event && `at event ${event}`, state && `in state ${state}`, path]
    .filter((part) => part !== '')
    .join(', ')
  const bare = event !== '' && samples[event] === undefined ? '; it was sent bare: give samples of its payload' : ''
  return new ReplicaError('BRUME_RUNTIME_NONDETERMINISTIC', `members would differ: ${cause}: ${where}${bare}`, {
    finding
  })
}
