import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { EventLine } from '../runner/event-line.ts'
import { judgeKills, killPair } from './kill.ts'

/** Each costs the start of a peer; `testnet/scenarios/actors-kill.json` has the 200. */
const KILLS = 4
const folders: string[] = []

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true })
})

test(
  'two peers with a durable pair of actors, one or the other killed with kill -9: every event once, in order',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'brume-pair-'))
    folders.push(folder)
    const events = new EventLine(() => performance.now())
    const seed = '000102030405060708090a0b0c0d0e0f'
    const outcome = await killPair({ kills: KILLS, seed, folder, events, aborted: new AbortController().signal })
    expect(judgeKills(outcome).filter(({ result }) => result !== 'passed')).toEqual([])
    expect(outcome.kills).toBe(KILLS)
    expect([...outcome.hits.values()].reduce((sum, times) => sum + times, 0)).toBeGreaterThan(0)
  },
  120_000 + KILLS * 45_000
)
