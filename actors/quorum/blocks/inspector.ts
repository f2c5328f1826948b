import { admits, type Command, type Manifest } from '@brume/protocols/quorum'
import type { Inspected, Program, Refusal } from '../ports.ts'
import { inspectSystem } from '../record/system.ts'

/** Answers of `inspect` remembered: commands of a full pool and of the unfinalized chain. */
const INSPECTED_MAX = 8_192

/** Asks the quorum itself, or the program, about each command once, as long as it is in use: a signature costs about 0.1 ms. */
export class Inspector {
  readonly #groupId: Uint8Array
  readonly #manifest: Pick<Manifest, 'admit' | 'members'>
  readonly #program: Program
  readonly #known = new Map<string, Inspected | Refusal>()

  constructor(groupId: Uint8Array, manifest: Pick<Manifest, 'admit' | 'members'>, program: Program) {
    this.#groupId = groupId
    this.#manifest = manifest
    this.#program = program
  }

  inspect({ id, bytes }: Command): Inspected | Refusal {
    const known = this.#known.get(id)
    if (known !== undefined) return known
    const answer = inspectSystem(this.#groupId, bytes) ?? this.#ask(bytes)
    this.#known.set(id, answer)
    if (this.#known.size > INSPECTED_MAX)
      for (const [oldest] of this.#known.entries().take(1)) this.#known.delete(oldest)
    return answer
  }

  #ask(bytes: Uint8Array): Inspected | Refusal {
    try {
      const answer = this.#program.inspect(bytes)
      if (isRefused(answer)) return { code: answer.code }
      return admits(this.#manifest, answer.client) ? essence(answer) : { code: 'NOT_ADMITTED' }
    } catch {
      return { code: 'MALFORMED' }
    }
  }
}

/** A program may answer with the whole command it read, 64 KiB and more: remembered, that would be half a GiB. */
function essence({ client, session, sequence, expiresMs }: Inspected): Inspected {
  return { client: client.slice(), session, sequence, expiresMs }
}

export function isRefused(answer: Inspected | Refusal): answer is Refusal {
  return 'code' in answer
}
