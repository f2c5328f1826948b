import { equal } from '@brume/codec'
import type { Evidence } from '@brume/protocols/quorum'
import type { Core } from '../core.ts'
import { QuorumError } from '../errors.ts'
import type { Submission } from '../events.ts'
import { isKnown } from '../record/membership.ts'
import { accusation } from './accusation.ts'

/** What a group does about who is proven a liar. */
export class Charges {
  readonly #core: Core
  readonly #submit: (command: Uint8Array) => Submission

  constructor(core: Core, submit: (command: Uint8Array) => Submission) {
    this.#core = core
    this.#submit = submit
  }

  /** Of whom evidence is of use: it may still cost a member or candidate its place. */
  concerns(key: Uint8Array, epoch: number): boolean {
    const { current, loaded } = this.#core
    return Math.abs(epoch - current.epoch) <= 1 && isKnown(loaded.register.membership, key)
  }

  /** The reducer stops waiting for a liar, and the group is asked to form a committee without it. */
  bring(evidence: Evidence): void {
    const { current } = this.#core
    const { committee, self } = current
    const { key, epoch } = evidence
    const member = committee.members.findIndex((candidate) => equal(candidate.key, key))
    if (member !== -1 && epoch === committee.epoch) current.convict(member)
    if (self !== null) this.#accuse(evidence)
  }

  /** Until the record has it: commands expire where a group has halted. */
  #accuse(evidence: Evidence): void {
    const { loaded, state, host } = this.#core
    const { warrants } = loaded.register.membership
    if (state === 'halted' || warrants.some(({ key }) => equal(key, evidence.key))) return
    try {
      const { notarized, final } = this.#submit(accusation(evidence, host.identity, this.#core.wallMs()))
      notarized.catch(() => {})
      final.catch((error: unknown) => {
        if (error instanceof QuorumError && error.code === 'BRUME_QUORUM_EXPIRED') this.#accuse(evidence)
      })
    } catch (error) {
      if (!(error instanceof QuorumError)) throw error
      this.#core.dropped(error.code)
    }
  }
}
