import { fork } from 'node:child_process'
import { availableParallelism, loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import { TestnetError } from '../errors.ts'
import { environmentOf, NODE_FLAGS } from '../runner/peer-process.ts'
import { type Verdict, verdict } from '../scenario/checks/check.ts'
import type { Judged } from '../scenario/checks/index.ts'
import type { Flood, Flooded } from './flood-main.ts'

const MAIN = fileURLToPath(new URL('flood-main.ts', import.meta.url))
const MIB = 1_048_576
/** Processes that want to run, for each core: above it, what takes long says nothing. */
const QUEUE_MAX = 2

export interface FloodBars {
  readonly rssGrowthMiB: number
  readonly stopMs: number
}

/** One policy's flood in a process of its own. Rejects with `BRUME_TESTNET_PEER_FAILED` where it ends without a word. */
export function floodOnce(flood: Flood, aborted: AbortSignal): Promise<Flooded> {
  const options = { execArgv: NODE_FLAGS, env: environmentOf(process.env), signal: aborted }
  const child = fork(MAIN, [JSON.stringify(flood)], options)
  const { promise, resolve, reject } = Promise.withResolvers<Flooded>()
  child.once('message', (message) => resolve(message as Flooded))
  child.once('error', reject)
  child.once('exit', (code, signal) =>
    reject(new TestnetError('BRUME_TESTNET_PEER_FAILED', `the flooded peer ended with ${signal ?? code}`))
  )
  return promise
}

/** What is promised of a flood of `times` what the actor can take, and whether it was kept. */
export function judgeFlood(
  { overflow, times }: Flood,
  { rssGrowthMiB, stopMs }: FloodBars,
  seen: Flooded
): readonly Judged[] {
  const { sent, timesSent, handled, dropped, tells, submits, control } = seen
  const answered = submits.processed + submits.refused
  const isTold =
    answered === submits.asked && (overflow === 'block' ? submits.refused === 0 : tells.refused + submits.refused > 0)
  const grownMiB = seen.rssGrowthBytes / MIB
  const judged = (check: string, found: Verdict): Judged => ({ check: `${check} (${overflow})`, ...found })
  return [
    judged(
      'accounted',
      verdict(
        timesSent >= times && sent === handled + dropped,
        `${sent} events sent, ${timesSent.toFixed(1)} times what was handled meanwhile; ${handled} handled, ${dropped} dropped and counted`
      )
    ),
    judged(
      'told',
      verdict(
        isTold,
        `${tells.refused} of ${tells.asked} tells refused; of ${submits.asked} submits ${submits.processed} processed, ${submits.refused} refused`
      )
    ),
    judged(
      'control',
      verdict(
        control.timers === control.due && control.results === control.due,
        `${control.timers} of ${control.due} timers and ${control.results} results of effects came`
      )
    ),
    judged(
      'memory',
      verdict(grownMiB <= rssGrowthMiB, `RSS grew by ${grownMiB.toFixed(1)} MiB, of ${rssGrowthMiB} it may`)
    ),
    judged('stop', soon(seen.stopMs <= stopMs, `stopped in ${seen.stopMs.toFixed(1)} ms, of ${stopMs} it may take`))
  ]
}

function soon(ok: boolean, sentence: string): Verdict {
  const isBusy = (loadavg()[0] ?? 0) > QUEUE_MAX * availableParallelism()
  if (ok || !isBusy) return verdict(ok, sentence)
  return { result: 'inconclusive', sentence: `${sentence}; but the machine was too busy to tell` }
}
