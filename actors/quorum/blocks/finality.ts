import type { Final } from '@brume/consensus'
import { bodyOf } from '@brume/protocols/quorum'
import type { Serving } from '../clients/serving.ts'
import type { Supply } from '../commands/supply.ts'
import { type Core, messageOf } from '../core.ts'
import type { Epoch } from '../epoch.ts'
import type { Proceedings } from '../evidence/proceedings.ts'
import type { Applied } from '../record/register.ts'
import type { Delivered } from './delivery.ts'
import type { FinalBlock } from './ledger-entries.ts'
import type { Skip } from './skip.ts'

type Turnover = NonNullable<Applied['turn']>

/** What else hears of final blocks, and must outlive the records they end. */
export interface Hearers {
  readonly supply: Supply
  readonly serving: Serving
  readonly proceedings: Proceedings
}

/**
 * Final blocks, however they came: to the ledger, the program, those who wait, and those who watch. What they end,
 * an epoch or the need for journal records, ends when they are on disk.
 */
export class Finality {
  readonly #core: Core
  readonly #hearers: Hearers
  /** The beginning of the epoch at hand is on disk: nothing is said in it before. */
  #secured: Promise<void> = Promise.resolve()

  constructor(core: Core, hearers: Hearers) {
    this.#core = core
    this.#hearers = hearers
  }

  /** Resolves when the beginning of the epoch at hand is on disk. */
  get secured(): Promise<void> {
    return this.#secured
  }

  /** Blocks that a committee's reducer found final. */
  finalized(epoch: Epoch, blocks: readonly FinalBlock[]): void {
    const { final } = epoch.engine.state
    this.take(epoch, blocks, final)
    this.#hearers.serving.passed()
    if (!this.#core.isCurrent(epoch)) return
    const passed = epoch.persistence.passed(final.view, () => this.#beforeRelease(final))
    passed.catch((error: unknown) => this.#core.failed(error))
  }

  /** Blocks that were fetched, up to this floor. */
  adopt(blocks: readonly FinalBlock[], final: Final): void {
    const epoch = this.#core.current
    this.take(epoch, blocks, final)
    epoch.adopt(final)
    this.#hearers.serving.passed()
  }

  take(epoch: Epoch, all: readonly FinalBlock[], newest: Final): void {
    const { host, label, loaded, timings } = this.#core
    const { meters, clock } = host
    const { supply, serving, proceedings } = this.#hearers
    const delivered = this.#deliver(() => loaded.delivery.final(all, newest))
    if (delivered === null) return
    const { blocks, final, warranted, turn } = delivered
    const expired = loaded.intake.final(blocks)
    meters.height.set(label, final.height)
    meters.commands.inc({ ...label, result: 'expired' }, expired)
    // All that listens hears of these blocks before anything runs that may make the next ones final.
    for (const { proposal, effective } of blocks) {
      const { view, height, digest } = proposal
      const commands = bodyOf(proposal).commands.map(({ id }) => id)
      meters.commands.inc({ ...label, result: 'final' }, effective.length)
      if (effective.length < commands.length)
        meters.commands.inc({ ...label, result: 'skipped' }, commands.length - effective.length)
      timings.passed(digest, 'final', clock.now())
      this.#core.emit({ type: 'final', view, height, digest, commands, leader: epoch.leaderOf(view) })
    }
    serving.finalized(blocks, all.slice(blocks.length), newest)
    for (const evidence of warranted) proceedings.ordered(evidence)
    if (turn !== null) {
      this.#turn(final, turn)
      this.#began(final)
    }
    supply.changed()
  }

  /** Goes on above blocks that nobody keeps; resolves when that survives a power cut. */
  async leap(skip: Skip, final: Final): Promise<void> {
    const { current, epochs, loaded, host, label } = this.#core
    epochs?.remember(skip.committees)
    this.#secured = loaded.delivery.skip(skip, final)
    if (skip.record.membership.epoch === current.epoch) {
      current.adopt(final)
    } else {
      epochs?.turn(final, false)
      this.#began(final)
    }
    host.meters.height.set(label, final.height)
    this.#hearers.supply.changed()
    await this.#secured
  }

  /** Other groups fill the journal: what this one still needs is written anew, or they could let nothing go. */
  async restate(): Promise<void> {
    const epoch = this.#core.current
    const { self, engine } = epoch
    if (self === null) return this.#core.host.journal?.letGo()
    try {
      const { final } = engine.state
      await this.#beforeRelease(final)
      // What became final meanwhile is not durable yet, and a group that finalizes lets go by itself.
      if (engine.state.final === final && epoch === this.#core.current) await epoch.restate()
    } catch (error) {
      this.#core.failed(error)
    }
  }

  /** Blocks that do not follow are a fault of this program: nothing more is done, and nothing was written. */
  #deliver(deliver: () => Delivered): Delivered | null {
    try {
      return deliver()
    } catch (error) {
      this.#core.current.engine.stop()
      this.#core.tell({ type: 'store.failed', reason: `blocks in the wrong order: ${messageOf(error)}` })
      return null
    }
  }

  /** An epoch has closed. Votes of the next wait until its beginning is on disk, or a restart would not know of it. */
  #turn(genesis: Final, { failure }: Turnover): void {
    const { state, epochs, loaded, host, label, id } = this.#core
    const saw = state === 'voting' || state === 'observing'
    epochs?.turn(genesis, saw).due(loaded.execution.dueMs)
    this.#secured = this.#secure(genesis)
    if (failure === null) return
    host.meters.formations.inc({ ...label, reason: failure.reason })
    host.log.error({ group: id, ...failure }, 'formation failed: the committee goes on as it is')
  }

  #began({ height }: Final): void {
    const { epoch, self } = this.#core.current
    const isMember = self !== null
    this.#core.emit({ type: 'epoch', epoch, height, isMember })
    this.#core.epochs?.resume()
    this.#secured
      .then(() => {
        this.#core.tell({ type: 'epoch.opened', isMember })
        return this.#release()
      })
      .catch((error: unknown) => this.#core.failed(error))
  }

  /** The epoch before is over for good: what was said in it will never be asked for again. */
  async #release(): Promise<void> {
    const { persistence } = this.#core.current
    await this.#hearers.proceedings.restate()
    persistence.began()
  }

  /** Records of what is final are about to go: what outlives them must be elsewhere. */
  async #beforeRelease(final: Final): Promise<void> {
    await this.#secure(final)
    await this.#hearers.proceedings.restate()
  }

  #secure(final: Final): Promise<void> {
    const { loaded, ledger } = this.#core
    return loaded.delivery.written().then(() => ledger.secure(final))
  }
}
