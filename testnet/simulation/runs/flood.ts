import { drawWholeOptions } from '../whole/options.ts'
import type { WholeResult } from '../whole/run.ts'
import { flooded } from '../whole/stages.ts'
import { seedOf, streamsOf } from '../world/streams.ts'
import { runAlone } from './swarm.ts'
import { WHOLE } from './tiers.ts'

/** The bar of quorum.md 16.1: beside a flood honest commands are final within so many times what they take without. */
const SLOWER_MOST = 3

export interface Flooded {
  readonly ok: boolean
  /** What was broken, in words; null where nothing was. */
  readonly violation: string | null
  /** From handing a line in until it is known to be final, 99th percentile, ms. */
  readonly p99Ms: number
  readonly p99CalmMs: number
  /** What four groups and the simulation around them came to hold more, at most. */
  readonly heldBytes: number
}

/** One seed twice: with so many frames to each member from a member and from a stranger, and with none. */
export async function measureFlood(frames: number): Promise<Flooded> {
  const seed = seedOf(0)
  const drawn = { ...drawWholeOptions(streamsOf(seed)), minViewMs: 0 }
  const hex = Buffer.from(seed).toString('hex')
  const run = async (count: number) => {
    const { violation, more } = await runAlone(WHOLE, { seed: hex, options: { ...drawn, ...flooded(count) } })
    const { finalP99Ms, heldBytes } = more as WholeResult
    return { what: violation === null ? null : `${violation.check}: ${violation.what}`, finalP99Ms, heldBytes }
  }
  const [loud, calm] = await Promise.all([run(frames), run(0)])
  const violation = loud.what ?? calm.what
  const ok = violation === null && loud.finalP99Ms < SLOWER_MOST * calm.finalP99Ms
  const { finalP99Ms: p99Ms, heldBytes } = loud
  return { ok, violation, p99Ms, p99CalmMs: calm.finalP99Ms, heldBytes: heldBytes ?? 0 }
}
