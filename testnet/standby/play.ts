import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { told } from '../actors/plays.ts'
import { type Verdict, verdict } from '../scenario/checks/check.ts'
import type { Judged } from '../scenario/checks/index.ts'
import { choice, defaulting, list, number, record } from '../scenario/fields.ts'
import { QUEUE_MAX } from '../scenario/load-meter.ts'
import { about, name } from '../scenario/manifest.ts'
import type { Play } from '../scenario/play.ts'
import { type Fault, type TakeoverOutcome, type TakeoverPlan, takeOver } from './takeover.ts'

const FAULTS_MAX = 1_000

const takeover = record<TakeoverPlan & { name: string; about: string; takeoverS: number }>('a scenario of standby', {
  ...{ name, about },
  faults: list(choice<Fault>('kill', 'pause'), 1, FAULTS_MAX),
  pauseS: defaulting(number(1, 3_600), 30),
  seconds: defaulting(number(1, 3_600), 5),
  takeoverS: defaulting(number(1, 600), 12)
})

/** An actor that follows its peer's failure, and whose peers fail. */
export function standbyPlay(value: unknown): Play {
  const read = takeover(value, 'scenario')
  return {
    ...read,
    play: (stage) =>
      told(read.name, stage, async (events) => {
        const folder = await mkdtemp(join(tmpdir(), 'brume-standby-'))
        try {
          const seen = await takeOver({ ...read, folder, events, aborted: stage.aborted })
          return { seen, verdicts: judgeTakeover(read, seen) }
        } finally {
          await rm(folder, { recursive: true, force: true })
        }
      })
  }
}

/** What is promised of an actor of mode `standby`, and whether it was kept. */
export function judgeTakeover({ takeoverS }: { readonly takeoverS: number }, seen: TakeoverOutcome): readonly Judged[] {
  const { answered, wrong, told: heard, rejoined, areLeft } = seen
  const judged = (check: string, ok: boolean, sentence: string): Judged => ({ check, ...verdict(ok, sentence) })
  const isOnce = heard.every((n, index) => n === index + 1) && heard.length >= answered
  return [
    judged(
      'nothing-lost',
      wrong === 0,
      `${answered} counts were answered, each one more than the one before but for ${wrong}`
    ),
    judged(
      'one-holder',
      isOnce,
      `${heard.length} numbers were told to an actor elsewhere, ${isOnce ? '' : 'not '}each once and in order`
    ),
    { check: 'takeover', ...inTime(seen, takeoverS) },
    judged(
      'rejoined',
      rejoined,
      rejoined ? 'each holder that failed followed again, in step' : 'a holder that failed did not come back in step'
    ),
    judged('no-orphans', !areLeft, areLeft ? 'a process is left' : 'every process of the run has ended')
  ]
}

/** What takes too long on a machine that has no time for it says nothing. */
function inTime({ takeoverMs, queue }: TakeoverOutcome, takeoverS: number): Verdict {
  const seconds = takeoverMs.map((ms) => (ms / 1_000).toFixed(1)).join(', ')
  const sentence = `answered again after ${seconds} s, at most ${takeoverS} s are allowed`
  const isSoon = Math.max(...takeoverMs) <= takeoverS * 1_000
  if (isSoon || queue <= QUEUE_MAX) return verdict(isSoon, sentence)
  return { result: 'inconclusive', sentence: `${sentence}; but the machine was too busy to tell` }
}
