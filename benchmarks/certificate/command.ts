import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { verify } from '@brume/crypto'
import { trustManifest, verifyFinal } from '@brume/protocols/quorum'
import { calibrate, drift } from '../harness/calibration.ts'
import { monotonicMs } from '../harness/clock.ts'
import { describeCommit, describeMachine } from '../harness/machine.ts'
import {
  type CertificateFile,
  type CertificateResult,
  certificateTable,
  judge,
  type Round,
  resultOf
} from './result.ts'
import { makeSample } from './sample.ts'

export interface CertificateOptions {
  readonly sizes: readonly number[]
  readonly rounds: number
  readonly out: string
  /** Default `certificate.json` in `out`. */
  readonly json: string | undefined
  readonly say: (line: string) => void
  readonly progress: (line: string) => void
}

/** Until V8 has compiled what is measured; its own time is no part of a certificate's. */
const WARM_UP_ROUNDS = 20

/** How large a certificate is, and how long somebody who has never seen its committee's signatures takes to check it. */
export async function benchCertificate(options: CertificateOptions): Promise<CertificateFile> {
  const { sizes, rounds, say, progress } = options
  const machine = describeMachine()
  const start = calibrate()
  measure(4, WARM_UP_ROUNDS)
  const results = sizes.map((signers) => {
    progress(`${signers} signers`)
    return measure(signers, rounds)
  })
  const end = calibrate()
  const file: CertificateFile = {
    machine,
    commit: describeCommit(),
    at: new Date().toISOString(),
    calibration: { start, end, drift: drift(start, end) },
    ...judge(results),
    results
  }
  const path = resolve(options.json ?? join(options.out, 'certificate.json'))
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, `${JSON.stringify(file, null, 2)}\n`)
  say(`${certificateTable(results)}\n`)
  say(`written: ${path}\nverdict: ${[file.verdict, ...file.reasons].join('; ')}`)
  return file
}

function measure(signers: number, count: number): CertificateResult {
  const sizes = sizesOf(signers)
  const rounds = Array.from({ length: count }, () => measureRound(signers))
  return resultOf(signers, sizes, rounds, Math.random)
}

function sizesOf(signers: number): { readonly certificateBytes: number; readonly bundleBytes: number } {
  const { certificateBytes, bundle } = makeSample(signers, randomBytes(32))
  return { certificateBytes, bundleBytes: bundle.length }
}

/** With keys of its own, which no cache has seen. */
function measureRound(signers: number): Round {
  const { manifest, bundle, one } = makeSample(signers, randomBytes(32))
  const beforeMs = monotonicMs()
  const trusted = trustManifest(manifest)
  const trustedMs = monotonicMs()
  verifyFinal(bundle, trusted)
  const verifiedMs = monotonicMs()
  for (let i = 0; i < signers; i++) verify(one.key, one.message, one.signature)
  const verifyMs = (monotonicMs() - verifiedMs) / signers
  return { trustMs: trustedMs - beforeMs, coldMs: verifiedMs - trustedMs, verifyMs }
}
