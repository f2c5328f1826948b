import type { Committee, Final } from '@brume/consensus'
import type { PeerId } from '@brume/ports'
import type { Core } from '../core.ts'
import type { Epoch } from '../epoch.ts'
import { catchUp } from './catch-up.ts'
import type { Finality } from './finality.ts'
import { fetchSkip, floorOf } from './skip.ts'

/** How often an observer asks for new blocks: as late as it may be. */
const FOLLOW_MS = 1_000

/** How often a member without a quorum asks whether its epoch is over. */
const SEEK_MS = 5_000

/** How a peer comes to where its group is, and an observer stays there. */
export class Pursuit {
  readonly #core: Core
  readonly #finality: Finality
  /** Who told an observer of more than it has, and how to wake it. */
  #informant: PeerId | null = null
  #wake: () => void = () => {}

  constructor(core: Core, finality: Finality) {
    this.#core = core
    this.#finality = finality
  }

  /** Until nobody is ahead and it is known whether this member may vote: with why not, if so. */
  async catchUp(): Promise<{ readonly muted: string | null }> {
    const core = this.#core
    const ahead = () => core.epochs?.ahead() ?? []
    for (;;) {
      await core.epochs?.told()
      await this.#fetch(ahead)
      await this.#finality.secured
      const epoch = core.current
      const muted = await epoch.mayVote()
      // While others were asked what this key has said, they may have told how far they are.
      const { digest } = epoch.engine.state.final
      if (core.epochs?.isLateBy(1) === true) await this.#fetch(ahead)
      if (core.isCurrent(epoch) && epoch.engine.state.final.digest === digest) return { muted }
    }
  }

  /**
   * An observer hears nobody's votes, and a member that finds no quorum may look for a committee that is long gone:
   * each asks one member after the other what is new.
   */
  async follow(signal: AbortSignal): Promise<void> {
    const core = this.#core
    for (let turn = 0; !signal.aborted && (core.state === 'joining' || core.current.self === null); turn++) {
      if (this.#informant === null) await this.#pause(core.state === 'joining' ? SEEK_MS : FOLLOW_MS, signal)
      if (core.state === 'joining' && !signal.aborted) core.gossip?.present(core.current)
      const peers = [...core.current.peers]
      const peer = peers[turn % peers.length]
      if (signal.aborted || peer === undefined) return
      const asked = this.#informant === null ? [peer] : [this.#informant, peer]
      this.#informant = null
      await this.#fetch(() => asked).catch((error: unknown) => {
        core.host.log.debug({ group: core.id, asked, error }, 'no blocks from these peers')
      })
    }
  }

  /** This peer has more than an observer. */
  news(from: PeerId): void {
    this.#informant = from
    this.#wake()
  }

  #fetch(servers: () => readonly PeerId[]): Promise<void> {
    const core = this.#core
    return catchUp({
      net: core.host.net,
      servers,
      floor: () => {
        const { committee, final } = this.#drained()
        return { committee, nextHash: core.loaded.register.nextHash, final }
      },
      adopt: ({ blocks, final }) => this.#finality.adopt(blocks, final),
      skip: (peer) => this.#skip(peer),
      lacks: () => core.current.engine.state.ahead !== null
    })
  }

  /** The floor, once everything that was heard has had its effect: what is fetched above it is then in nobody's hands. */
  #drained(): { readonly committee: Committee; readonly final: Final } {
    // An epoch that closes in this turn leaves what was heard of the next.
    for (let epoch: Epoch | null = null; epoch !== this.#core.current; ) {
      epoch = this.#core.current
      epoch.engine.run()
    }
    const { committee, engine } = this.#core.current
    return { committee, final: engine.state.final }
  }

  /** Where blocks are gone, from the newest checkpoint of a peer: the order at once, the program beside it. */
  async #skip(peer: PeerId): Promise<boolean> {
    const { committee, final: before } = this.#drained()
    const { host, manifest } = this.#core
    const skip = await fetchSkip({ net: host.net, peer, committee, policy: manifest.policy }, before.height)
    if (skip === null) return false
    const now = this.#drained()
    // Votes have come further meanwhile: there may be more to have by blocks.
    if (now.committee.epoch !== committee.epoch || now.final.height >= skip.record.height) return true
    const { place, finalization } = skip.checkpoint
    await this.#finality.leap(skip, floorOf(place, skip.record, finalization))
    return true
  }

  #pause(ms: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const cancel = this.#core.host.clock.after(ms, resolve)
    this.#wake = () => {
      cancel()
      resolve()
    }
    signal.addEventListener('abort', this.#wake)
    return promise
  }
}
