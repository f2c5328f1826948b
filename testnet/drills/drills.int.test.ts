import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { drillPlay } from './play.ts'

/** Four processes, one of which starts twice, on a machine that is five times slower than a laptop. */
const LIMIT_MS = 300_000

test(
  'a machine replicated by four processes, one of which lies: every answer is right and every proof holds',
  async () => {
    const directory = await mkdtemp(join(tmpdir(), 'brume-drill-'))
    onTestFinished(() => rm(directory, { recursive: true, force: true }))
    const play = drillPlay({ name: 'small', members: 4, liars: 1, seconds: 2 })
    const { verdicts } = await play.play({ directory, began: () => undefined, aborted: new AbortController().signal })
    expect(verdicts.filter(({ result }) => result !== 'passed')).toEqual([])
    expect(verdicts.map(({ check }) => check)).toContain('counted')
  },
  LIMIT_MS
)
