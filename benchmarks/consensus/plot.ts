import { type Panel, renderChart, type Series } from '../harness/chart.ts'
import { BINDINGS, type Binding } from './plan.ts'
import type { ConsensusResult } from './result.ts'

/** Told apart by the colour-blind as well (Okabe and Ito). */
const COLOURS: Readonly<Record<Binding, string>> = {
  streams: '#0072b2',
  plain: '#cc79a7',
  gossip: '#d55e00',
  'gossip-direct': '#009e73'
}

interface Curve {
  readonly what: string
  readonly dashed: boolean
  readonly faint: boolean
  readonly of: (result: ConsensusResult) => number
}

const CURVES: readonly Curve[] = [
  { what: 'final p50', dashed: false, faint: false, of: ({ finalMs }) => finalMs.p50 },
  { what: 'final p99', dashed: false, faint: true, of: ({ finalMs }) => finalMs.p99 },
  { what: 'notarized p50', dashed: true, faint: false, of: ({ notarizedMs }) => notarizedMs.p50 },
  { what: 'notarized p99', dashed: true, faint: true, of: ({ notarizedMs }) => notarizedMs.p99 }
]

/** Latencies over the number of members, one panel without and one with journal, as SVG text. */
export function plotConsensus(results: readonly ConsensusResult[], subtitle: string): string {
  const panels = [false, true].flatMap((journal) => {
    const shown = results.filter((result) => result.journal === journal && !result.attests).sort((a, b) => a.n - b.n)
    return shown.length === 0 ? [] : [panelOf(shown, journal)]
  })
  const title = 'From proposal to decision, at the slowest member'
  return renderChart({ title, subtitle, xLabel: 'members, one process each', yLabel: 'ms', panels })
}

function panelOf(results: readonly ConsensusResult[], journal: boolean): Panel {
  const floors = new Map(results.map(({ n, deltaMs, syncMs }) => [n, 3 * deltaMs + (journal ? 3 * syncMs : 0)]))
  return {
    title: journal ? 'with journal' : 'without journal',
    series: BINDINGS.flatMap((binding) =>
      seriesOf(
        results.filter((result) => result.binding === binding),
        binding
      )
    ),
    floor: { label: 'floor: 3 delta + k s', points: [...floors] }
  }
}

function seriesOf(results: readonly ConsensusResult[], binding: Binding): readonly Series[] {
  if (results.length === 0) return []
  return CURVES.map(({ what, of, ...look }) => ({
    ...look,
    label: `${binding}, ${what}`,
    colour: COLOURS[binding],
    points: results.map((result) => [result.n, of(result)] as const)
  }))
}
