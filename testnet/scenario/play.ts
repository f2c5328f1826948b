import { readFileSync } from 'node:fs'
import { floodPlay, killPlay } from '../actors/plays.ts'
import { drillPlay } from '../drills/play.ts'
import { TestnetError } from '../errors.ts'
import type { EventLine } from '../runner/event-line.ts'
import type { Testnet } from '../runner/testnet.ts'
import { standbyPlay } from '../standby/play.ts'
import type { Judged } from './checks/index.ts'
import { choice } from './fields.ts'
import { quorumPlay } from './run-scenario.ts'

/** Where a scenario is carried out. */
export interface Stage {
  /** Where runs are kept. */
  readonly directory: string
  /** Hears of it as soon as something can happen, and of the peers where they make a run. */
  readonly began: (events: EventLine, testnet?: Testnet) => void
  /** Ends it early, as failed. */
  readonly aborted: AbortSignal
}

export interface Played {
  readonly verdicts: readonly Judged[]
  /** The file with all that was seen. */
  readonly report: string
}

/** A scenario that was read, ready to be carried out. */
export interface Play {
  readonly name: string
  /** One sentence for whoever runs it. */
  readonly about: string
  /** From the first process to the last, and what is to be said of it. Rejects with `TestnetError`. */
  readonly play: (stage: Stage) => Promise<Played>
}

/** By the field `kind` of their files. */
const KINDS: Readonly<Record<string, (value: object, cycles: number | undefined) => Play>> = {
  quorum: quorumPlay,
  'actors-kill': killPlay,
  'actors-flood': floodPlay,
  machine: drillPlay,
  standby: standbyPlay
}

/**
 * Reads a scenario file.
 *
 * @param cycles - in place of the count of every fault that is repeated
 * @throws TestnetError `BRUME_TESTNET_MANIFEST`, naming the field
 */
export function readPlay(path: string, cycles?: number): Play {
  const { kind = 'quorum', ...fields } = readObject(path)
  return KINDS[choice(...Object.keys(KINDS))(kind, 'scenario.kind')]?.(fields, cycles) as Play
}

function readObject(path: string): { readonly kind?: unknown } {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'))
    if (typeof value === 'object' && value !== null) return value
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new TestnetError('BRUME_TESTNET_MANIFEST', `${path} cannot be read as JSON: ${why}`, { cause })
  }
  throw new TestnetError('BRUME_TESTNET_MANIFEST', `${path} holds no object`)
}
