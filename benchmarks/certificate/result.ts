import type { Calibration } from '../harness/calibration.ts'
import type { Machine } from '../harness/machine.ts'
import { bootstrapInterval, median } from '../harness/statistics.ts'
import { renderTable } from '../harness/table.ts'

/** Times of one round, ms, taken within a second of each other. */
export interface Round {
  /** The manifest read and the members' keys imported: once for a committee. */
  readonly trustMs: number
  /** The first bundle of that committee verified. */
  readonly coldMs: number
  /** One bare Ed25519 verification with a known key, the mean of as many as there are signers. */
  readonly verifyMs: number
}

/** What a certificate of so many signers takes. */
export interface CertificateResult {
  readonly signers: number
  readonly certificateBytes: number
  /** With one header and nothing else. */
  readonly bundleBytes: number
  readonly coldMs: number
  readonly verifyMs: number
  /** Cold, in bare verifications of the same run. */
  readonly ratio: number
  /** 95 %, bootstrap over rounds. */
  readonly ratioInterval: readonly [low: number, high: number]
  /** Reading the manifest and importing the keys, in the same unit. */
  readonly trustRatio: number
}

export interface CertificateFile {
  readonly machine: Machine
  readonly commit: string
  readonly at: string
  readonly calibration: { readonly start: Calibration; readonly end: Calibration; readonly drift: number }
  readonly verdict: 'pass' | 'fail' | 'inconclusive'
  readonly reasons: readonly string[]
  readonly results: readonly CertificateResult[]
}

export function resultOf(
  signers: number,
  sizes: { readonly certificateBytes: number; readonly bundleBytes: number },
  rounds: readonly Round[],
  random: () => number
): CertificateResult {
  const series = rounds.map(({ coldMs, verifyMs }) => [[coldMs], [verifyMs]])
  const ratio = ([cold = [], verify = []]: readonly (readonly number[])[]): number => median(cold) / median(verify)
  const cold = rounds.map(({ coldMs }) => coldMs)
  const bare = rounds.map(({ verifyMs }) => verifyMs)
  return {
    signers,
    ...sizes,
    coldMs: median(cold),
    verifyMs: median(bare),
    ratio: ratio([cold, bare]),
    ratioInterval: bootstrapInterval(series, ratio, random),
    trustRatio: median(rounds.map(({ trustMs }) => trustMs)) / median(bare)
  }
}

/** quorum.md 16.2: a certificate of 67, verified cold. */
const BAR = { signers: 67, verifies: 80 }

/** The bar, and what keeps it from being judged. */
export function judge(results: readonly CertificateResult[]): Pick<CertificateFile, 'verdict' | 'reasons'> {
  const judged = results.find(({ signers }) => signers === BAR.signers)
  if (judged === undefined) return { verdict: 'inconclusive', reasons: [`no run with ${BAR.signers} signers`] }
  const [low, high] = judged.ratioInterval
  const said = `${BAR.signers} signers take ${judged.ratio.toFixed(1)} verifications (${low.toFixed(1)} to ${high.toFixed(1)})`
  if (high <= BAR.verifies) return { verdict: 'pass', reasons: [] }
  if (low > BAR.verifies) return { verdict: 'fail', reasons: [`${said}, more than ${BAR.verifies}`] }
  return { verdict: 'inconclusive', reasons: [`${said}, and the bar is ${BAR.verifies}`] }
}

export function certificateTable(results: readonly CertificateResult[]): string {
  return renderTable(
    ['signers', 'certificate B', 'bundle B', 'cold ms', 'verify ms', 'cold / verify', '95 %', 'trust / verify'],
    results.map((one) => [
      String(one.signers),
      String(one.certificateBytes),
      String(one.bundleBytes),
      one.coldMs,
      one.verifyMs,
      one.ratio,
      one.ratioInterval.map((end) => end.toFixed(1)).join(' to '),
      one.trustRatio
    ])
  )
}
