import { identityFromSeed, sha256, verify } from '@brume/crypto'
import { monotonicMs } from './clock.ts'
import { median } from './statistics.ts'

/** How fast this machine was: operations a second of one core. */
export interface Calibration {
  /** SHA-256 of 200 bytes. */
  readonly hashesPerS: number
  /** Ed25519, cached key, 120 bytes. */
  readonly verifiesPerS: number
}

/** Batches short enough to fall between a neighbor's bursts; their median is what the machine can do. */
const BATCHES = 15
const BATCH_MS = 10

/** Takes about 0.3 s of one core. */
export function calibrate(): Calibration {
  const identity = identityFromSeed(sha256(Uint8Array.of(0)))
  const message = new Uint8Array(120)
  const signature = identity.sign(message)
  const bytes = new Uint8Array(200)
  return {
    hashesPerS: rate(100, () => sha256(bytes)),
    verifiesPerS: rate(10, () => verify(identity.publicKey, message, signature))
  }
}

function rate(chunk: number, operation: () => unknown): number {
  const batches = Array.from({ length: BATCHES }, () => {
    const startMs = monotonicMs()
    let done = 0
    for (; monotonicMs() - startMs < BATCH_MS; done += chunk) for (let i = 0; i < chunk; i++) operation()
    return (done / (monotonicMs() - startMs)) * 1_000
  })
  return median(batches)
}

/** By how much two calibrations differ at most, as a share: 0.1 is 10 %. */
export function drift(a: Calibration, b: Calibration): number {
  const ratios = [a.hashesPerS / b.hashesPerS, a.verifiesPerS / b.verifiesPerS]
  return Math.max(...ratios.map((ratio) => Math.max(ratio, 1 / ratio))) - 1
}
