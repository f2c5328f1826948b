import { RuntimeError, type RuntimeErrorCode } from '../error.ts'
import type { Json } from '../logic/port.ts'
import type { Refusal } from './port.ts'

/** A thrown value as an event can carry it: no stack, no class. */
export function plainError(error: unknown): Json {
  if (!(error instanceof Error)) return { name: 'Error', message: wellFormed(String(error)) }
  const code: unknown = 'code' in error ? error.code : undefined
  const plain = { name: wellFormed(error.name), message: wellFormed(error.message) }
  return typeof code === 'string' ? { ...plain, code: wellFormed(code) } : plain
}

/** Of a message that a machine made, of what strangers sent perhaps: enough to find the mistake. */
const FAILURE_CHARACTERS_MAX = 300

/** Why an actor failed, as one line for people: cut, and nothing in it that a terminal obeys. */
export function failureOf(error: unknown): string {
  const said = error instanceof RuntimeError ? error.message : error instanceof Error ? `${error}` : plainText(error)
  const line = said.slice(0, 2 * FAILURE_CHARACTERS_MAX).replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ')
  return wellFormed(line.slice(0, FAILURE_CHARACTERS_MAX))
}

/** Anything can be thrown, also what cannot be written as text. */
const plainText = (thrown: unknown): string =>
  typeof thrown === 'object' ? 'it threw an object that is no Error' : String(thrown)

const REASONS: Record<Refusal | 'unreachable' | 'timeout' | 'aborted', string> = {
  full: 'its mailbox is full; slow down, or try again later',
  noactor: 'nobody lives there',
  stopped: 'it has stopped',
  stale: 'another incarnation lives there now',
  invalid: 'the event is not of the form it takes',
  forbidden: 'the sender may not',
  expired: 'the event waited longer than its time to live',
  gap: 'an earlier event is missing',
  failed: 'it failed while it processed the event, or had failed before',
  damaged: 'its record, or the store that it lies in, is damaged; the bytes are kept',
  unmigrated: 'its record is of a version that no migration leads from; register it',
  rejected: 'it was refused there',
  overload: 'the peer has too much to do',
  moved: 'it moved to another peer',
  unreachable: 'the peer was not reachable in time',
  timeout: 'no answer came in time; does the machine reply to this event?',
  aborted: 'the caller gave up'
}

/** @param why - what is known of it beyond the reason */
export function refusalError(reason: keyof typeof REASONS, to: string, why?: string): RuntimeError {
  const code: RuntimeErrorCode = `BRUME_RUNTIME_${reason.toUpperCase() as Uppercase<keyof typeof REASONS>}`
  return new RuntimeError(code, `${to}: ${why ?? REASONS[reason]}`)
}

/** What is said in an event travels as UTF-8. */
function wellFormed(text: string): string {
  return text.toWellFormed()
}
