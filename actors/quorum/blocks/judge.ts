import type { Judge, Proposal } from '@brume/consensus'
import { bodyOf, type Command, EXPIRY_MAX_MS, type Manifest } from '@brume/protocols/quorum'
import type { Inspected, Program } from '../ports.ts'
import type { Draws } from '../record/draws.ts'
import { dueOf, meets } from '../record/due.ts'
import type { Register } from '../record/register.ts'
import { SystemCall } from '../record/system.ts'
import { type Inspector, isRefused } from './inspector.ts'

export interface JudgeOptions {
  readonly manifest: Manifest
  readonly program: Program
  readonly inspector: Inspector
  readonly register: Register
  readonly draws: Draws
}

/**
 * Where a block is judged: limits, the turn of epochs, every command's form and time, nothing twice, and the
 * program's own say.
 */
export function createJudge({ manifest, program, inspector, register, draws }: JudgeOptions): Judge {
  const { pace } = manifest
  /** Found to follow from their ancestors: before an own vote only the clock is new. */
  const sound = new WeakSet<Proposal>()
  return (proposal, parent, ancestors, wallMs) => {
    const { commands, payload } = bodyOf(proposal)
    if (commands.length > pace.maxCommands || payload.length > pace.maxBlockBytes) return false
    // An epoch that has closed is over: what still comes of it is nothing.
    if (proposal.epoch !== register.membership.epoch) return false
    if (wallMs !== null && repeats(commands, ancestors)) return false
    if (sound.has(proposal)) return isWelcome(program, inspector, proposal, parent.timeMs, wallMs)
    const due = dueOf(register, pace, { ...proposal, parentMs: parent.timeMs })
    if (due === undefined || !meets(due, proposal, register, draws)) return false
    const seen = new Set<string>()
    for (const command of commands) {
      const answer = inspector.inspect(command)
      if (isRefused(answer) || !isInTime(answer, proposal.timeMs) || seen.has(command.id)) return false
      seen.add(command.id)
    }
    if (!isWelcome(program, inspector, proposal, parent.timeMs, wallMs)) return false
    register.foresee(proposal)
    sound.add(proposal)
    return true
  }
}

/**
 * What its unfinalized ancestors carry already is not voted for. Which ancestors those are depends on how much is final
 * here, so it is no question of validity: a member with an older floor would refuse for ever what others notarized. A
 * command that is in two blocks takes effect once.
 */
function repeats(commands: readonly Command[], ancestors: readonly Proposal[]): boolean {
  if (ancestors.length === 0 || commands.length === 0) return false
  const carried = new Set(ancestors.flatMap((block) => bodyOf(block).commands.map(({ id }) => id)))
  return commands.some(({ id }) => carried.has(id))
}

function isInTime({ expiresMs }: Inspected, timeMs: number): boolean {
  return timeMs <= expiresMs && expiresMs <= timeMs + EXPIRY_MAX_MS
}

function isWelcome(
  program: Program,
  inspector: Inspector,
  proposal: Proposal,
  parentMs: number,
  nowMs: number | null
): boolean {
  const { height, timeMs } = proposal
  const isOwn = (command: Command) => !(inspector.inspect(command) instanceof SystemCall)
  const commands = bodyOf(proposal)
    .commands.filter(isOwn)
    .map(({ bytes }) => bytes)
  try {
    return program.validate({ height, parentMs, timeMs, nowMs, commands })
  } catch {
    return false
  }
}
