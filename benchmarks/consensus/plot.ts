import { type Panel, renderChart, type Series } from '../harness/chart.ts'
import { BINDINGS, type Binding } from './plan.ts'
import type { ConsensusFile, ConsensusResult } from './result.ts'

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
  return renderChart({ title, subtitle, xLabel: xLabelOf(results), yLabel: 'ms', panels })
}

/** Under what the runs were measured; of several, each thing once. */
export function subtitleOf(runs: readonly Pick<ConsensusFile, 'machine' | 'profile' | 'commit'>[]): string {
  const of = (what: (run: (typeof runs)[number]) => string) => [...new Set(runs.map(what))].join(' / ')
  return [
    of(({ profile }) => profile),
    of(({ machine: { cpu } }) => cpu),
    `${of(({ machine: { cores } }) => String(cores))} cores`,
    of(({ machine: { kernel } }) => kernel),
    `Node ${of(({ machine: { node } }) => node)}`,
    `commit ${of(({ commit }) => commit)}`
  ].join(', ')
}

/** Where members share processes their latencies are no continuation of the others'. */
function xLabelOf(results: readonly ConsensusResult[]): string {
  const sharing = results.filter(({ n, processes }) => processes < n)
  if (sharing.length === 0) return 'members, one process each'
  const least = Math.min(...sharing.map(({ n }) => n))
  const processes = [...new Set(sharing.map((result) => result.processes))]
  return `members, one process each; from ${least} on ${processes.join(' or ')} for all`
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
