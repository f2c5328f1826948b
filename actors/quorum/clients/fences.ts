import {
  type Certificate,
  type Committee,
  isWellFormed,
  KIND,
  type State,
  signedBytes,
  viewAt,
  votesOf,
  weightOf
} from '@brume/consensus'
import { verify } from '@brume/crypto'
import type { Cancel, Clock, PeerId } from '@brume/ports'
import type { ClientAnswer } from '@brume/protocols/quorum'
import { QuorumError } from '../errors.ts'
import type { WithoutNumber } from './line.ts'
import type { Fence, Fences } from './ports.ts'

/** A member that is up answers within a round trip. */
const GATHER_WITHIN_MS = 5_000

/** Reads that wait for a view to be passed. */
const WAITING_MAX = 1_024

/** One epoch as this member sees it. */
export interface Standing {
  readonly committee: Committee
  /** Peer of each member, by index. */
  readonly peers: readonly PeerId[]
  readonly self: number | null
  readonly state: State
}

export interface FencesOptions {
  readonly clock: Clock
  readonly standing: () => Standing
  /** What made the end of the epoch before this one final. @throws QuorumError where that is not kept */
  readonly closedBy: (epoch: number) => Promise<Certificate>
  readonly ask: (peer: PeerId, request: WithoutNumber, hear: (answer: ClientAnswer) => void) => Cancel
}

interface Waiting {
  readonly fence: Fence
  readonly go: (height: number) => void
}

/**
 * What a linearizable read waits for. Every final view has an honest finalizer in every quorum, so the highest
 * view that a quorum has sent finalize votes in is not below what was final before they were asked; and a view is
 * shown by its certificate, so that a liar cannot name one that never comes.
 */
export class GroupFences implements Fences {
  readonly #options: FencesOptions
  #waiting: Waiting[] = []

  constructor(options: FencesOptions) {
    this.#options = options
  }

  async own(): Promise<Certificate | null> {
    const { state, committee } = this.#options.standing()
    const { final } = state
    for (let view = final.view + state.views.length; view > final.view; view--) {
      const known = viewAt(state, view)
      const certificate = known?.tallies[KIND.notarize].certificate
      if (known?.said[KIND.finalize] !== undefined && certificate) return certificate
    }
    if (final.certificate !== null || committee.epoch === 0) return final.certificate
    // Whoever is still in the epoch before must not take silence for nothing said.
    return this.#options.closedBy(committee.epoch - 1)
  }

  gather(): Promise<Fence> {
    const { clock, ask, standing } = this.#options
    const { committee, peers, self } = standing()
    const { promise, resolve, reject } = Promise.withResolvers<Fence>()
    const heard = new Map<number, Fence>()
    const cancels: Cancel[] = []
    const take = (member: number, fence: Fence): void => {
      heard.set(member, fence)
      if (weightOf(committee, heard.keys()) >= committee.quorum) resolve(highest([...heard.values()]))
    }
    peers.forEach((peer, member) => {
      if (member === self) {
        this.own().then((own) => take(member, fenceOf(own, committee)), reject)
        return
      }
      const request = { type: 'fence', groupId: committee.groupId } as const
      cancels.push(
        ask(peer, request, (answer) => {
          if (answer.type !== 'fenced') return
          const shown = answer.certificate
          if (shown === null || isShown(committee, shown)) take(member, fenceOf(shown, committee))
        })
      )
    })
    cancels.push(clock.after(GATHER_WITHIN_MS, () => reject(unreachable())))
    return promise.finally(() => {
      for (const cancel of cancels) cancel()
    })
  }

  passed(fence: Fence): Promise<number> {
    const { state, committee } = this.#options.standing()
    if (isPassed(fence, committee.epoch, state.final.view)) return Promise.resolve(state.final.height)
    if (this.#waiting.length >= WAITING_MAX) {
      throw new QuorumError('BRUME_QUORUM_RATE', 'too many reads wait here; ask another member')
    }
    const { promise, resolve } = Promise.withResolvers<number>()
    this.#waiting.push({ fence, go: resolve })
    return promise
  }

  /** A block became final. */
  finalized(): void {
    if (this.#waiting.length === 0) return
    const { state, committee } = this.#options.standing()
    const { view, height } = state.final
    const due = this.#waiting.filter(({ fence }) => isPassed(fence, committee.epoch, view))
    this.#waiting = this.#waiting.filter((waiting) => !due.includes(waiting))
    for (const { go } of due) go(height)
  }
}

function isPassed(fence: Fence, epoch: number, view: number): boolean {
  return epoch > fence.epoch || (epoch === fence.epoch && view >= fence.view)
}

function fenceOf(certificate: Certificate | null, { epoch }: Committee): Fence {
  return { epoch: certificate?.epoch ?? epoch, view: certificate?.view ?? 0 }
}

function highest(fences: readonly Fence[]): Fence {
  return fences.reduce((a, b) => (isPassed(b, a.epoch, a.view) ? a : b))
}

/** One of the epoch before is passed already; one of a later epoch waits until that epoch is here. */
function isShown(committee: Committee, certificate: Certificate): boolean {
  if (certificate.epoch < committee.epoch) return true
  if (certificate.kind === KIND.nullify || !isWellFormed(committee, certificate)) return false
  return votesOf(certificate).every((vote) => {
    const key = committee.members[vote.signer]?.key
    return key !== undefined && verify(key, signedBytes(committee, vote), vote.signature)
  })
}

function unreachable(): QuorumError {
  return new QuorumError('BRUME_QUORUM_UNANSWERED', 'members of quorum weight did not answer in time: read again')
}
