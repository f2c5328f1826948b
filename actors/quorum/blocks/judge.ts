import type { Judge, Proposal } from '@brume/consensus'
import { bodyOf, type Command, EXPIRY_MAX_MS, type Manifest } from '@brume/protocols/quorum'
import type { Inspected, Program, Refusal } from '../ports.ts'

/** Answers of `inspect` remembered: commands of a full pool and of the unfinalized chain. */
const INSPECTED_MAX = 8_192

/** Asks the program about each command once, as long as it is in use: a signature costs about 0.1 ms. */
export class Inspector {
  readonly #program: Program
  readonly #known = new Map<string, Inspected | Refusal>()

  constructor(program: Program) {
    this.#program = program
  }

  inspect({ id, bytes }: Command): Inspected | Refusal {
    const known = this.#known.get(id)
    if (known !== undefined) return known
    const answer = this.#ask(bytes)
    this.#known.set(id, answer)
    if (this.#known.size > INSPECTED_MAX)
      for (const [oldest] of this.#known.entries().take(1)) this.#known.delete(oldest)
    return answer
  }

  #ask(bytes: Uint8Array): Inspected | Refusal {
    try {
      return this.#program.inspect(bytes)
    } catch {
      return { code: 'MALFORMED' }
    }
  }
}

export function isRefused(answer: Inspected | Refusal): answer is Refusal {
  return 'code' in answer
}

/** Where a block's payload is judged: limits, every command's form and time, nothing twice, and the program's own say. */
export function createJudge(manifest: Manifest, program: Program, inspector: Inspector): Judge {
  const { maxCommands, maxBlockBytes } = manifest.pace
  return (proposal, parent, ancestors, wallMs) => {
    const { commands, payload } = bodyOf(proposal)
    if (commands.length > maxCommands || payload.length > maxBlockBytes) return false
    const seen = new Set(ancestors.flatMap((block) => bodyOf(block).commands.map(({ id }) => id)))
    for (const command of commands) {
      const answer = inspector.inspect(command)
      if (isRefused(answer) || !isInTime(answer, proposal.timeMs) || seen.has(command.id)) return false
      seen.add(command.id)
    }
    return isWelcome(program, proposal, parent.timeMs, wallMs)
  }
}

function isInTime({ expiresMs }: Inspected, timeMs: number): boolean {
  return timeMs <= expiresMs && expiresMs <= timeMs + EXPIRY_MAX_MS
}

function isWelcome(program: Program, proposal: Proposal, parentMs: number, nowMs: number | null): boolean {
  const { height, timeMs } = proposal
  const commands = bodyOf(proposal).commands.map(({ bytes }) => bytes)
  try {
    return program.validate({ height, parentMs, timeMs, nowMs, commands })
  } catch {
    return false
  }
}
