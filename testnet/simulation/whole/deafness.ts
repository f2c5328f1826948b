import type { Net } from '@brume/ports'
import { QUORUM_PROTOCOL } from '@brume/protocols/quorum'
import { readTapped } from '../../checkers/frames.ts'
import { interpose, muffled } from '../../peer/interpose.ts'

/** Type of frames with a certificate (quorum.md 7). */
const CERTIFICATE = 3
const TOPICS = 'brume/quorum/'

/**
 * What a process does not hear: gossip, and votes of some kinds, if any, with the proof of them: how members come to leave a
 * view for different reasons, and to learn of a liar at different times.
 */
export class Deafness {
  readonly #kinds = new Set<number>()
  #isDeaf = false

  /** @param kinds - of votes (quorum.md 3) */
  begin(kinds: readonly number[]): void {
    this.#isDeaf = true
    for (const kind of kinds) this.#kinds.add(kind)
  }

  end(): void {
    this.#isDeaf = false
    this.#kinds.clear()
  }

  around(net: Net): Net {
    const heard = interpose(net, QUORUM_PROTOCOL.id, {
      frame: (_, body, pass) => {
        if (!this.#misses(body)) pass(body)
      }
    })
    return muffled(heard, TOPICS, { mayLeave: () => true, mayArrive: () => !this.#isDeaf })
  }

  #misses(body: Uint8Array): boolean {
    if (this.#kinds.size === 0) return false
    if (body[0] === CERTIFICATE) return true
    const votes = readTapped(Buffer.from(body))?.votes ?? []
    return votes.some(({ kind }) => this.#kinds.has(kind))
  }
}
