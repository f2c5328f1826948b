import type { Clock, PeerId } from '@brume/ports'
import { RuntimeError, type RuntimeErrorCode } from '@brume/runtime'
import { parseAddress, withoutIncarnation } from '@brume/runtime/address'
import type { Remote } from '@brume/runtime/kernel'
import type { Json } from '@brume/runtime/replica'
import { type HeldView, StandbyError, type StandbyErrorCode } from '@brume/runtime/standby'
import { refusal } from '../group/refusals.ts'
import type { Holders } from './holders.ts'

/** Who held it last may hold it no more: so long the next one is looked for. */
const WITHIN_MS = 15_000
const AGAIN_MS = 500

/** What only the holder of an actor can do. */
export type Wanted = { readonly do: 'stop' | 'resurrect' } | { readonly do: 'move'; readonly peer: PeerId }

export interface AtHolderOptions {
  readonly clock: Clock
  readonly holders: Holders
  /** To the holder, where that is another peer. */
  readonly peers: Pick<Remote, 'command'>
  /** Peers that may want it besides the copies, which trust each other. */
  readonly admins: readonly PeerId[]
  readonly held: () => readonly HeldView[]
  /** Of an actor that is held here. */
  readonly carryOut: (address: string, wanted: Wanted) => Promise<void>
}

/** An actor is stopped, and given away, by its holder: whoever else wants that tells it. */
export class AtHolder {
  readonly #options: AtHolderOptions

  constructor(options: AtHolderOptions) {
    this.#options = options
  }

  /** @throws RuntimeError FORBIDDEN, NOACTOR where its group places no such actor, UNREACHABLE; StandbyError */
  async want(target: string, wanted: Wanted): Promise<void> {
    const { clock, holders, peers, carryOut } = this.#options
    const address = withoutIncarnation(target)
    for (const endMs = clock.now() + WITHIN_MS; ; ) {
      if (this.#heldHere(address) !== undefined) return carryOut(address, wanted)
      await holders.look(parseAddress(address).authority)
      if (!holders.find(address)) throw refusal('noactor', `${address}: its group has no such actor`)
      try {
        return readAnswer(address, await peers.command(address, wanted))
      } catch (error) {
        if (!isNobody(error) || clock.now() + AGAIN_MS >= endMs) throw error
      }
      await new Promise<void>((go) => clock.after(AGAIN_MS, go))
    }
  }

  /** Of another peer's. @throws RuntimeError with a refusal; other errors are part of the answer */
  async obey(peer: PeerId, target: string, body: Json): Promise<Json> {
    const address = withoutIncarnation(target)
    const wanted = readWanted(body)
    const here = this.#heldHere(address)
    if (here === undefined) throw refusal('noactor', `${address} is not held here`)
    const isTrusted = here.placement.copies.includes(peer) || this.#options.admins.includes(peer)
    if (!isTrusted) throw refusal('forbidden', `${address}: neither a copy nor an admin of its holder wants that`)
    try {
      await this.#options.carryOut(address, wanted)
      return { value: null }
    } catch (error) {
      if (!(error instanceof StandbyError)) throw error
      return { code: error.code, message: error.message }
    }
  }

  #heldHere(address: string): HeldView | undefined {
    return this.#options.held().find((one) => one.address === address)
  }
}

/** Is it one of those that the holder carries out itself? */
export function isWanted(body: Json): boolean {
  const { do: what } = (body ?? {}) as { readonly do?: unknown }
  return what === 'stop' || what === 'resurrect' || what === 'move'
}

/** @throws RuntimeError INVALID */
function readWanted(body: Json): Wanted {
  const { do: what, peer } = body as { readonly [field: string]: Json }
  if (what === 'stop' || what === 'resurrect') return { do: what }
  if (what === 'move' && typeof peer === 'string') return { do: 'move', peer }
  throw refusal('invalid', 'a command')
}

/** @throws StandbyError, RuntimeError: as it was thrown there */
function readAnswer(address: string, answer: Json): void {
  const { code, message } = (answer ?? {}) as { readonly code?: unknown; readonly message?: unknown }
  if (typeof code !== 'string') return
  const text = `${address}: ${String(message)}`
  if (STANDBY_CODES.has(code)) throw new StandbyError(code as StandbyErrorCode, text)
  if (/^BRUME_RUNTIME_[A-Z_]{1,32}$/.test(code)) throw new RuntimeError(code as RuntimeErrorCode, text)
  throw refusal('invalid', text)
}

const STANDBY_CODES: ReadonlySet<string> = new Set<StandbyErrorCode>([
  'BRUME_STANDBY_REFUSED',
  'BRUME_STANDBY_TIMEOUT',
  'BRUME_STANDBY_STOPPED'
])

/** It was not held where this went. */
const isNobody = (error: unknown): boolean => error instanceof RuntimeError && error.code === 'BRUME_RUNTIME_NOACTOR'
