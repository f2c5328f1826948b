import { encode } from '@brume/codec'
import type { Json } from '../logic/port.ts'
import { CloneError, clone } from './clone.ts'
import { ReplicaError } from './errors.ts'
import { ANSWER_VALUE_BYTES_MAX, type OutcomeName } from './leaves.ts'
import { messageOf } from './realm.ts'
import { isExhausted } from './state.ts'

/** Why a step came to nothing; equal on all members. */
export class StepFailure extends Error {
  override readonly name = 'StepFailure'
  readonly outcome: OutcomeName
  readonly word: string

  constructor(outcome: OutcomeName, word: string, options?: ErrorOptions) {
    super(word, options)
    this.outcome = outcome
    this.word = word
  }
}

/** What the machine throws is an outcome; what only this process lacks is not. @throws StepFailure, ReplicaError EXHAUSTED */
export function guarded<T>(run: () => T): T {
  try {
    return run()
  } catch (error) {
    throw failureOf(error)
  }
}

function failureOf(error: unknown): Error {
  if (isExhausted(error)) return exhausted(error)
  if (/^Infinite loop detected/.test(messageOf(error))) return new StepFailure('iterations', 'iterations')
  return isUnfit(error)
    ? new StepFailure('unfit', 'plain', { cause: error })
    : new StepFailure('threw', 'threw', { cause: error })
}

/** What the adapter found in context, events or params; its class may be of another realm. */
function isUnfit(error: unknown): boolean {
  return typeof error === 'object' && error !== null && Reflect.get(error, 'code') === 'BRUME_RUNTIME_NOT_PLAIN'
}

export function exhausted(cause: unknown): ReplicaError {
  return new ReplicaError('BRUME_RUNTIME_EXHAUSTED', `a step ended this process's means: ${messageOf(cause)}`, {
    cause
  })
}

/** @throws StepFailure `unfit` for what cannot be replicated */
export function unfit<T>(make: () => T): T {
  try {
    return make()
  } catch (cause) {
    if (cause instanceof CloneError) throw new StepFailure('unfit', cause.fault, { cause })
    throw cause
  }
}

/** A copy that fits one leaf. @throws StepFailure `unfit` */
export function fitting(value: unknown, what: string): Json {
  const copied = unfit(() => clone(value ?? null))
  if (encode(copied).length > ANSWER_VALUE_BYTES_MAX) throw new StepFailure('unfit', what)
  return copied
}
