import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EventLine } from '../runner/event-line.ts'
import type { Judged } from '../scenario/checks/index.ts'
import { choice, count, defaulting, list, number, record } from '../scenario/fields.ts'
import { about, name, seed } from '../scenario/manifest.ts'
import type { Play, Played, Stage } from '../scenario/play.ts'
import { floodOnce, judgeFlood } from './flood.ts'
import { OVERFLOWS } from './flood-policies.ts'
import { judgeKills, killPair } from './kill.ts'

const KILLS_MAX = 100_000

const killing = record<{ name: string; about: string; seed: string; kills: number }>('a scenario of killed actors', {
  ...{ name, about, seed },
  kills: count(1, KILLS_MAX)
})

/** Two peers with actors on disk, killed where their work can be cut in two. */
export function killPlay(value: unknown, cycles: number | undefined): Play {
  const read = killing(value, 'scenario')
  const kills = cycles ?? read.kills
  return {
    ...read,
    play: (stage) =>
      told(read.name, stage, async (events) => {
        const folder = await mkdtemp(join(tmpdir(), 'brume-actors-'))
        const drawn = read.seed === '' ? randomBytes(16).toString('hex') : read.seed
        try {
          const outcome = await killPair({ kills, seed: drawn, folder, events, aborted: stage.aborted })
          return { seen: { seed: drawn, ...outcome }, verdicts: judgeKills(outcome) }
        } finally {
          await rm(folder, { recursive: true, force: true })
        }
      })
  }
}

const flooding = record<{
  name: string
  about: string
  seconds: number
  times: number
  overflow: readonly (typeof OVERFLOWS)[number][]
  rssGrowthMiB: number
  stopMs: number
}>('a scenario of flooded actors', {
  ...{ name, about },
  seconds: number(1, 86_400),
  times: defaulting(number(2, 1_000), 10),
  overflow: defaulting(list(choice(...OVERFLOWS), 1, OVERFLOWS.length), OVERFLOWS),
  rssGrowthMiB: defaulting(number(1, 65_536), 64),
  stopMs: defaulting(number(1, 60_000), 100)
})

/** An actor under more than it can take, once under each policy of its mailbox. */
export function floodPlay(value: unknown): Play {
  const read = flooding(value, 'scenario')
  return {
    ...read,
    play: (stage) =>
      told(read.name, stage, async (events) => {
        const verdicts: Judged[] = []
        const seen: object[] = []
        for (const overflow of read.overflow) {
          const flood = { overflow, seconds: read.seconds, times: read.times }
          events.emit('flood.begins', undefined, flood)
          const flooded = await floodOnce(flood, stage.aborted)
          seen.push({ ...flood, ...flooded })
          verdicts.push(...judgeFlood(flood, read, flooded))
        }
        return { seen, verdicts }
      })
  }
}

/** Carries it out with a time line, and leaves what was seen in one file. */
export async function told(
  name: string,
  { directory, began }: Stage,
  carryOut: (events: EventLine) => Promise<{ readonly seen: object; readonly verdicts: readonly Judged[] }>
): Promise<Played> {
  const startMs = performance.now()
  const events = new EventLine(() => performance.now() - startMs)
  began(events)
  const { seen, verdicts } = await carryOut(events)
  mkdirSync(directory, { recursive: true })
  const report = join(directory, `${name}.json`)
  const plain = (_: string, inner: unknown): unknown =>
    inner instanceof Map ? Object.fromEntries(inner) : inner instanceof Set ? [...inner] : inner
  writeFileSync(report, `${JSON.stringify({ version: 1, seen, verdicts }, plain, 1)}\n`)
  return { verdicts, report }
}
