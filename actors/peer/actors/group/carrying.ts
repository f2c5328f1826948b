import type { Clock } from '@brume/ports'
import { type Answer, decodeAnswer, readLeaf } from '@brume/runtime/replica'
import type { SendOptions } from './commands.ts'
import type { GroupAccess } from './directory.ts'
import { fromQuorum, refusal } from './refusals.ts'

/** For so long an actor that takes no more events is asked where it went on: its successor is being founded. */
const MOVING_WITHIN_MS = 10_000
const AGAIN_AFTER_MS = 250

export interface CarryOptions {
  readonly clock: Clock
  /** The group that the actor is in now. */
  readonly group: () => Promise<GroupAccess>
  /** Of a command to this group, which may not be the first that gets it. */
  readonly optionsFor: (group: GroupAccess) => Promise<SendOptions>
}

/** A command on its way to an actor, through as many groups as it moves to. */
export interface Carried {
  readonly group: GroupAccess
  readonly height: number
  /** Attested; null: it is final, and what became of it was not shown in time. */
  readonly answer: Answer | null
}

/**
 * Carries a command to where the actor takes it. An answer `moved` says that it took no effect there, and, once it is
 * known, where it will: all of it attested, so that nobody can lead it astray.
 *
 * @param ordered - told of each block that made it final, before it is known what became of it
 * @throws RuntimeError; STOPPED where the actor takes no more events and nothing goes on from it
 */
export async function carry(
  body: Uint8Array,
  { clock, group: current, optionsFor }: CarryOptions,
  ordered: (group: GroupAccess, height: number) => void = () => {}
): Promise<Carried> {
  for (const endMs = clock.now() + MOVING_WITHIN_MS; ; ) {
    const group = await current()
    const options = await optionsFor(group)
    options.signal?.throwIfAborted()
    const sent = group.commands.send(body, options)
    const { height } = await sent.final.catch(rethrown)
    group.atLeast = Math.max(group.atLeast, height)
    ordered(group, height)
    const answer = await sent.attested.then(({ answer: leaf }) => decodeAnswer(readLeaf(leaf).bytes)).catch(() => null)
    if (answer?.outcome !== 'moved') {
      group.isTaking ||= answer !== null
      return { group, height, answer }
    }
    if (isAddress(answer.value)) group.successor = answer.value
    else if (clock.now() >= endMs) throw refusal('stopped', 'the actor takes no more events')
    else await new Promise<void>((go) => clock.after(AGAIN_AFTER_MS, go))
  }
}

const isAddress = (value: Answer['value']): value is string => typeof value === 'string' && value.startsWith('brume://')

function rethrown(error: unknown): never {
  throw fromQuorum(error)
}
