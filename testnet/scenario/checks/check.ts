import type { Reader } from '../fields.ts'
import type { Outcome } from '../outcome.ts'

/** `inconclusive`: the machine was too busy for the figure to mean anything. */
export interface Verdict {
  readonly result: 'passed' | 'failed' | 'inconclusive'
  /** What was found, for somebody who has not read the scenario. */
  readonly sentence: string
}

/** One question to a run that is over. */
export interface Check<T extends object> {
  readonly args: Reader<T>
  judge(outcome: Outcome, args: T): Promise<Verdict> | Verdict
}

export const passed = (sentence: string): Verdict => ({ result: 'passed', sentence })
export const failed = (sentence: string): Verdict => ({ result: 'failed', sentence })
export const verdict = (ok: boolean, sentence: string): Verdict => (ok ? passed(sentence) : failed(sentence))

/** What took too long on a machine that had no time for it says nothing. */
export function timed(outcome: Outcome, ok: boolean, sentence: string): Verdict {
  if (ok || !outcome.overloaded) return verdict(ok, sentence)
  return { result: 'inconclusive', sentence: `${sentence}; but the machine was too busy to tell` }
}
