import { expect, test } from 'vitest'
import { drillCounter } from './replicated-counter.ts'

/** Four processes on a machine that is five times slower than a laptop. */
const LIMIT_MS = 240_000

test(
  'a machine replicated by four processes, one of which lies: every answer is right and every proof holds',
  async () => {
    const lines: string[] = []
    const result = await drillCounter({ members: 4, liars: 1, killed: 0, seconds: 2, say: (line) => lines.push(line) })
    expect(lines.filter((line) => line.startsWith('WRONG'))).toEqual([])
    expect(result).toMatchObject({ ok: true, wrong: 0, faults: 1 })
    expect(result.finalizersMin).toBeGreaterThanOrEqual(3)
    expect(result.attestersMin).toBeGreaterThanOrEqual(2)
  },
  LIMIT_MS
)
