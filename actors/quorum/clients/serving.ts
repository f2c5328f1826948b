import { type Certificate, type Final, KIND, type Proposal, signedBytes, type Vote, viewAt } from '@brume/consensus'
import { verify } from '@brume/crypto'
import { BUNDLE_CLOSINGS_MAX, bodyOf, type Closing, decodeSignedBlock } from '@brume/protocols/quorum'
import type { Ledger } from '../blocks/ledger.ts'
import type { AppliedBlock, FinalBlock } from '../blocks/ledger-entries.ts'
import type { Epoch } from '../epoch.ts'
import type { GroupState, Submission } from '../events.ts'
import type { Host } from '../host.ts'
import type { Parts } from '../load.ts'
import { Desk } from './desk.ts'
import { GroupFences } from './fences.ts'
import type { Chapter, History, Outcomes } from './ports.ts'

/**
 * Members that agree have said so within a few Delta; an answer is worth waiting for a little longer, but not for all the
 * time that a client waits: there may be something older to show it.
 */
const ATTESTED_WITHIN_MS = 3_000

/** What serving clients needs of a group. */
export interface Served {
  readonly groupId: Uint8Array
  readonly manifestBytes: Uint8Array
  readonly host: Host
  readonly ledger: Ledger
  /** @throws QuorumError SYNCING before the group has read its past */
  readonly parts: () => Parts
  readonly epoch: () => Epoch
  readonly floor: () => Final
  readonly state: () => { readonly state: GroupState; readonly reason: string | null }
  readonly submit: (command: Uint8Array) => Submission
}

/** Clients of one group, served from what the group knows. */
export class Serving {
  readonly desk: Desk
  readonly #served: Served
  readonly #fences: GroupFences

  constructor(served: Served) {
    this.#served = served
    const { host, manifestBytes, submit, parts, epoch } = served
    this.#fences = new GroupFences({
      clock: host.clock,
      standing: () => {
        const { committee, memberPeers: peers, self, engine } = epoch()
        return { committee, peers, self, state: engine.state }
      },
      closedBy: (number) => this.#closed(number),
      ask: (peer, request, hear) => host.line.ask(peer, request, hear)
    })
    this.desk = new Desk({
      clock: host.clock,
      manifest: manifestBytes,
      refusal: () => this.#refusal(),
      mayFence: () => served.state().state === 'voting',
      floor: served.floor,
      inspect: (command) => parts().intake.inspect(command),
      submit,
      deltaMs: () => epoch().engine.state.deltaMs,
      finalizers: (view) => finalizersOf(epoch(), view),
      history: this.#history(),
      outcomes: this.#outcomes(),
      fences: this.#fences
    })
  }

  notarized({ engine }: Epoch, proposal: Proposal): void {
    const certificate = viewAt(engine.state, proposal.view)?.tallies[KIND.notarize].certificate
    this.desk.notarized(proposal, certificate ?? undefined)
  }

  /**
   * @param applied - final blocks that count, oldest first
   * @param tail - blocks above one that closed its epoch, up to the one with the finalization
   */
  finalized(applied: readonly AppliedBlock[], tail: readonly FinalBlock[], newest: Final): void {
    const blocks = applied.map(({ proposal, effective }) => {
      const { commands } = bodyOf(proposal)
      return { proposal, effective: new Set(effective.flatMap((index) => commands[index]?.id ?? [])) }
    })
    const above = tail.map(({ proposal }) => ({ proposal, effective: new Set<string>() }))
    this.desk.finalized([...blocks, ...above], newest)
  }

  /** The reducer stands at a new final block. */
  passed(): void {
    this.#fences.finalized()
  }

  #refusal(): { readonly code: 'BRUME_QUORUM_HALTED' | 'BRUME_QUORUM_SYNCING'; readonly message: string } | null {
    const { state, reason } = this.#served.state()
    if (state === 'voting' || state === 'observing') {
      const { execution } = this.#served.parts()
      if (execution.state === 'running') return null
      return { code: 'BRUME_QUORUM_HALTED', message: execution.reason ?? 'execution is halted on this member' }
    }
    if (state === 'halted') return { code: 'BRUME_QUORUM_HALTED', message: reason ?? 'the group is halted here' }
    return { code: 'BRUME_QUORUM_SYNCING', message: 'this member is catching up; ask another one' }
  }

  async #closed(epoch: number): Promise<Certificate> {
    const { parts, ledger } = this.#served
    await parts().delivery.written()
    return (await ledger.closing(epoch)).finalization
  }

  #history(): History {
    const { ledger, groupId, parts, epoch } = this.#served
    const written = () => parts().delivery.written()
    return {
      height: async (id) => {
        await written()
        return ledger.commands.height(id)
      },
      knownFromMs: () => ledger.commands.knownFromMs,
      chapter: async (height) => {
        await written()
        const { blocks, finalization } = await ledger.chapter(height, true)
        return finalization === null ? undefined : chapterOf(groupId, height, blocks, finalization)
      },
      closings: async (from) => {
        await written()
        const closings: Closing[] = []
        const end = Math.min(epoch().epoch, from + BUNDLE_CLOSINGS_MAX)
        for (let number = from; number < end; number++) closings.push(await ledger.closing(number))
        return closings
      }
    }
  }

  #outcomes(): Outcomes {
    const { parts } = this.#served
    return {
      read: (paths, atLeast, proof) => parts().execution.read(paths, atLeast, proof),
      attestation: async (height) => {
        const found = await parts().execution.attestation(height, ATTESTED_WITHIN_MS)
        return found?.certificate ?? null
      },
      checkpoint: (height) => {
        const { checkpoints } = parts().execution
        return checkpoints.find(({ certificate }) => certificate.height === height)?.certificate ?? null
      }
    }
  }
}

function chapterOf(
  groupId: Uint8Array,
  height: number,
  encoded: readonly Uint8Array[],
  finalization: Certificate
): Chapter | undefined {
  const proposals = encoded.map((bytes) => decodeSignedBlock(groupId, bytes).proposal)
  if (proposals[0]?.height !== height) return undefined
  return { blocks: proposals.map((proposal) => bodyOf(proposal)), finalization }
}

/** Finalize votes for a view whose signatures hold, those that came after their quorum among them. */
function finalizersOf({ engine, committee }: Epoch, view: number): readonly Vote[] {
  const slots = viewAt(engine.state, view)?.tallies[KIND.finalize].slots ?? []
  return slots.flatMap((slot) => {
    if (slot === undefined) return []
    const { vote, verified } = slot
    const key = committee.members[vote.signer]?.key
    const isSigned = verified || (key !== undefined && verify(key, signedBytes(committee, vote), vote.signature))
    return isSigned ? [vote] : []
  })
}
