import type { Vote } from '@brume/consensus'
import type { Log } from '@brume/ports'
import type { GroupEvent } from '../events.ts'
import type { QuorumMeters } from '../meters.ts'

export interface EvidenceOptions {
  readonly group: string
  readonly label: { readonly group: string }
  readonly log: Log
  readonly meters: QuorumMeters
  readonly emit: (event: GroupEvent) => void
}

/** What becomes of a proven contradiction. */
export class Evidence {
  readonly #options: EvidenceOptions

  constructor(options: EvidenceOptions) {
    this.#options = options
  }

  /** Two statements by one signer that exclude each other, both signatures valid. */
  conflict(a: Vote, b: Vote): void {
    const { group, label, log, meters, emit } = this.#options
    const { signer, view } = a
    meters.evidence.inc(label)
    log.warn({ group, signer, view, kinds: [a.kind, b.kind] }, 'a member contradicted itself under its signature')
    emit({ type: 'equivocated', signer, view })
  }
}
