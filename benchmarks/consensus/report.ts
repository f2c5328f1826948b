import { type Cell, renderTable } from '../harness/table.ts'
import { type Bar, standingOf } from './bars.ts'
import type { ConsensusResult } from './result.ts'

const COLUMNS: readonly (readonly [head: string, cell: (result: ConsensusResult) => Cell])[] = [
  ['n', ({ n }) => String(n)],
  ['processes', ({ processes }) => String(processes)],
  ['binding', ({ binding }) => binding],
  ['journal', ({ journal }) => (journal ? 'yes' : 'no')],
  ['delta', ({ deltaMs }) => deltaMs],
  ['s', ({ journal, syncMs }) => (journal ? syncMs : null)],
  ['notarized p50', ({ notarizedMs }) => notarizedMs.p50],
  ['p99', ({ notarizedMs }) => notarizedMs.p99],
  ['final p50', ({ finalMs }) => finalMs.p50],
  ['p99', ({ finalMs }) => finalMs.p99],
  ['submit-final p50', ({ submitFinalMs }) => submitFinalMs.p50],
  ['p99', ({ submitFinalMs }) => submitFinalMs.p99],
  ['attested p50', ({ attestedMs }) => attestedMs?.p50 ?? null],
  ['R', ({ ratio }) => ratio.toFixed(2).padStart(5)],
  ['95 %', ({ ratioInterval: [low, high] }) => `${low.toFixed(2)}-${high.toFixed(2)}`],
  ['by round', ({ ratioByRound }) => ratioByRound.toFixed(2)],
  ['commands/s', ({ commandsPerS }) => commandsPerS],
  ['views/s', ({ viewsPerS }) => viewsPerS],
  ['CPU ms', ({ cpuMsPerViewMember }) => cpuMsPerViewMember],
  ['CPU ms/command', ({ cpuMsPerCommandMember }) => cpuMsPerCommandMember],
  ['bytes', ({ bytesPerViewMember }) => bytesPerViewMember],
  ['messages', ({ framesPerViewMember }) => framesPerViewMember],
  ['lag p99', ({ loopDelayMs }) => loopDelayMs],
  ['rest', ({ rested }) => (rested ? 'yes' : 'no')]
]

/** Milliseconds; CPU, bytes and messages per view and member. */
export function tableOf(results: readonly ConsensusResult[]): string {
  return renderTable(
    COLUMNS.map(([head]) => head),
    results.map((result) => COLUMNS.map(([, cell]) => cell(result)))
  )
}

/** One line for each bar of the run. */
export function barsTableOf(bars: readonly Bar[], drift: number): string {
  return renderTable(
    ['bar', 'measured', 'to be', 'verdict'],
    bars.map((bar) => [bar.name, bar.value.toFixed(2), `${bar.sense} ${bar.bar.toFixed(2)}`, standingOf(bar, drift)])
  )
}
