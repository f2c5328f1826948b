import { calm } from '../faults/calm.ts'
import { seedOf } from '../world/streams.ts'
import { SimGroup } from './group.ts'
import { Workload } from './workload.ts'

const S = 1_000_000
const MEMBERS = 7
const SILENT = 3
/** The bar of quorum.md 16.2, submit to final at the 99.9th percentile. */
const WITHIN_MS = 5_000

export interface Lossy {
  readonly ok: boolean
  readonly commands: number
  /** From submitting until every living member has it final, ms. */
  readonly p50Ms: number
  readonly p999Ms: number
}

/** Seven members 50 ms apart, a tenth of all frames lost, one member silent: one command after the other. */
export function measureLossy(commands: number): Lossy {
  const delay = { meanUs: 50_000, spreadUs: 0, jitterUs: 5_000, aws: false }
  const options = { ...calm(MEMBERS), deltaMs: 250, loss: 0.1, delay, scenario: null }
  const group = new SimGroup({ seed: seedOf(0), options })
  const workload = new Workload(group)
  const { world, oracle, nodes } = group
  group.start()
  group.crash(SILENT)
  world.runUntil(5 * S)
  const waits = Array.from({ length: commands }, () => {
    const startUs = world.nowUs
    const { id } = workload.submit(1)
    const isDone = () =>
      oracle.isEffective(id) && nodes.every((node) => !node.isAlive || node.state.final.height === oracle.top)
    if (!world.runWhile(() => !isDone(), startUs + 60 * S))
      oracle.fail('liveness', 'a command is not final in a minute')
    return (world.nowUs - startUs) / 1_000
  }).sort((a, b) => a - b)
  const at = (share: number) => waits[Math.min(waits.length - 1, Math.floor(share * waits.length))] ?? 0
  const p999Ms = at(0.999)
  return { ok: p999Ms < WITHIN_MS, commands, p50Ms: at(0.5), p999Ms }
}
