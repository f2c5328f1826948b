import { readFile, writeFile } from 'node:fs/promises'
import { BenchError } from '../harness/errors.ts'
import { plotConsensus, subtitleOf } from './plot.ts'
import type { ConsensusFile, ConsensusResult } from './result.ts'

export interface RedrawOptions {
  /** JSON of runs, of which a later one counts where two measured the same. */
  readonly files: readonly string[]
  /** Where the plot goes. */
  readonly svg: string
  readonly say: (line: string) => void
}

/** Draws several runs in one plot. Rejects with `BRUME_BENCH_USAGE` where a file is not of a run. */
export async function redraw({ files, svg, say }: RedrawOptions): Promise<void> {
  const runs = await Promise.all(files.map(readRun))
  const results = newestOf(runs.flatMap((run) => run.results))
  await writeFile(svg, plotConsensus(results, subtitleOf(runs)))
  say(`written: ${svg}, n = ${[...new Set(results.map(({ n }) => n))].sort((a, b) => a - b).join(', ')}`)
}

/** Of what was measured more than once, the last. */
export function newestOf(results: readonly ConsensusResult[]): readonly ConsensusResult[] {
  const keyOf = ({ n, binding, journal, attests }: ConsensusResult) => `${n} ${binding} ${journal} ${attests}`
  return [...new Map(results.map((result) => [keyOf(result), result])).values()]
}

async function readRun(path: string): Promise<ConsensusFile> {
  const run: unknown = await readFile(path, 'utf8')
    .then(JSON.parse)
    .catch((cause: unknown) => {
      throw new BenchError('BRUME_BENCH_USAGE', `${path} cannot be read: ${String(cause)}`, { cause })
    })
  if (isRun(run)) return run
  throw new BenchError('BRUME_BENCH_USAGE', `${path} is not what \`bench consensus --json\` writes`)
}

/** What is drawn; the rest of the file is as the run that wrote it saw fit. */
function isRun(run: unknown): run is ConsensusFile {
  if (!isObject(run) || !isObject(run.machine) || !Array.isArray(run.results)) return false
  return run.results.every((result: unknown) => isObject(result) && DRAWN.every((name) => isFigure(result[name])))
}

const DRAWN = ['n', 'deltaMs', 'syncMs', 'finalMs', 'notarizedMs'] as const

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null
const isFigure = (value: unknown): boolean =>
  Number.isFinite(value) || (isObject(value) && Number.isFinite(value.p50) && Number.isFinite(value.p99))
