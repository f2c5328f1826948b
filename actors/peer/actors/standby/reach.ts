import type { Cancel, Clock } from '@brume/ports'
import { RuntimeError } from '@brume/runtime'
import { parseAddress } from '@brume/runtime/address'
import type { Down, HistoryEntry, Kernel, Outbound, Remote, Snapshot } from '@brume/runtime/kernel'
import type { Event, Json } from '@brume/runtime/replica'
import { refusal } from '../group/refusals.ts'
import type { Holders } from './holders.ts'
import type { Route } from './route.ts'

/** A read that found nobody is tried again at whoever holds the actor then. */
const AGAIN_MS = 500
/** So long one try of a read may take: a holder that is paused answers nothing, and keeps its connection. */
const TRY_MS = 2_000
/** So often it is looked whether what is followed has another holder. */
const LOOK_EVERY_MS = 3_000

export interface ReachOptions {
  readonly holders: Holders
  readonly route: Route
  readonly clock: Clock
  /** The kernel of one that is held here. */
  readonly find: (target: string) => Kernel | undefined
  /** Of one that is held here. Rejects with OVERLOAD where another peer may hold it by now. */
  readonly readHere: (target: string, read: 'local' | 'final') => Promise<Snapshot>
  /** To the holder, where that is another peer. */
  readonly peers: Remote
}

type Ended = (code: string) => void

/** Actors of mode `standby`, wherever they are: what is followed goes on at the next holder. */
export class Reach implements Remote {
  readonly #options: ReachOptions
  readonly #kept = new Set<Cancel>()

  constructor(options: ReachOptions) {
    this.#options = options
  }

  stop(): void {
    for (const cancel of [...this.#kept]) cancel()
  }

  send(message: Outbound): 'accepted' | 'full' {
    return this.#options.route.send(message)
  }

  watch(target: string, down: (down: Down) => void): Cancel {
    let isOver = false
    let cancel: Cancel = () => undefined
    const told = (why: Down): void => {
      if (isOver) return
      isOver = true
      down(why)
    }
    const missing = (): void => told({ address: target, reason: 'noactor', incarnation: 0 })
    const open = (at: Kernel | Remote): void => {
      if (!isOver) cancel = at.watch(target, told)
    }
    this.#at(target).then(open, missing)
    return () => {
      isOver = true
      cancel()
    }
  }

  async snapshot(target: string, timeoutMs: number, read: 'local' | 'final' = 'local'): Promise<Snapshot> {
    const endMs = this.#options.clock.now() + timeoutMs
    for (;;) {
      try {
        const at = await this.#at(target)
        const leftMs = Math.max(1, Math.min(TRY_MS, endMs - this.#options.clock.now()))
        return await ('receive' in at ? this.#options.readHere(target, read) : at.snapshot(target, leftMs, read))
      } catch (error) {
        if (!isPassing(error) || this.#options.clock.now() + AGAIN_MS >= endMs) throw error
      }
      await this.#wait(AGAIN_MS)
      await this.#look(target)
    }
  }

  subscribe(target: string, type: string, emitted: (event: Event) => void): Cancel {
    return this.#keep(target, (at) =>
      'receive' in at ? at.on(target, type, emitted) : at.subscribe(target, type, emitted)
    )
  }

  follow(target: string, changed: (snapshot: Snapshot) => void): Cancel {
    return this.#keep(target, (at, ended) => at.follow(target, changed, ended))
  }

  async *history(target: string, from: number): AsyncIterable<HistoryEntry> {
    yield* (await this.#at(target)).history(target, from)
  }

  async command(target: string, body: Json): Promise<Json> {
    const at = await this.#at(target)
    if ('receive' in at) throw refusal('forbidden', `${target} is held here: it is told so by its own peer`)
    return at.command(target, body)
  }

  /** Where it is. @throws RuntimeError NOACTOR, UNREACHABLE */
  async #at(target: string): Promise<Kernel | Remote> {
    const { holders, find, peers } = this.#options
    const here = find(target)
    if (here !== undefined) return here
    if (!holders.find(target)) await holders.look(parseAddress(target).authority)
    if (!holders.find(target)) throw refusal('noactor', `${target}: its group has no such actor`)
    return find(target) ?? peers
  }

  /** Opens it at the holder, and again at each next one. */
  #keep(target: string, open: (at: Kernel | Remote, ended: Ended) => Cancel): Cancel {
    const { clock, holders, find, peers } = this.#options
    let at = ''
    let cancel: Cancel = () => undefined
    let cancelTick: Cancel = () => undefined
    const turn = (): void => {
      const found = holders.find(target)
      const here = find(target)
      if (!found && here === undefined) return
      const now = here === undefined ? `${found?.placement.holder} ${found?.placement.epoch}` : 'here'
      if (now === at) return
      at = now
      cancel()
      cancel = open(here ?? peers, () => {
        if (at === now) at = ''
      })
    }
    const tick = (delayMs: number): void => {
      cancelTick = clock.after(delayMs, () => {
        void this.#look(target).then(turn)
        tick(LOOK_EVERY_MS)
      })
    }
    turn()
    tick(0)
    const end = (): void => {
      at = 'over'
      cancelTick()
      cancel()
      this.#kept.delete(end)
    }
    this.#kept.add(end)
    return end
  }

  async #look(target: string): Promise<void> {
    // A look that fails is followed by another one.
    await this.#options.holders.look(parseAddress(target).authority).catch(() => undefined)
  }

  #wait(ms: number): Promise<void> {
    return new Promise((go) => this.#options.clock.after(ms, go))
  }
}

const PASSING: ReadonlySet<string> = new Set(['NOACTOR', 'STALE', 'UNREACHABLE', 'TIMEOUT', 'OVERLOAD'])

function isPassing(error: unknown): boolean {
  return error instanceof RuntimeError && PASSING.has(error.code.slice('BRUME_RUNTIME_'.length))
}
