import type { Store } from '@brume/ports'
import { SimClock } from '@brume/testkit'
import { createDurable } from '../durable.ts'
import { quiet, SELF, someActor } from '../fixture.ts'
import type { Durable, DurableOptions, Persistent, StoredActor } from '../port.ts'

export const HOUR_MS = 3_600_000

/** A durable part over a store, and what it told. */
export interface Bench {
  readonly clock: SimClock
  readonly durable: Durable
  readonly confirmed: number[]
  readonly due: string[]
}

export function bench(store: Store, clock = new SimClock(), more: Partial<DurableOptions> = {}): Bench {
  const confirmed: number[] = []
  const due: string[] = []
  const durable: Durable = createDurable({
    store,
    authority: SELF,
    clock,
    log: quiet,
    onConfirmed: (batch) => confirmed.push(batch),
    onFatal: (error) => {
      throw error
    },
    onDue: (path) => {
      due.push(path)
      durable.load(path)
    },
    ...more
  })
  return { clock, durable, confirmed, due }
}

/** An actor whose fields a test sets, and that counts how often its record was taken. */
export class Puppet implements Persistent {
  readonly path: string
  taken = 0
  #actor: StoredActor

  constructor(path: string, fields: Partial<StoredActor> = {}) {
    this.path = path
    this.#actor = someActor(path, fields)
  }

  get durability() {
    return this.#actor.options.durability
  }

  set(fields: Partial<StoredActor>): this {
    this.#actor = { ...this.#actor, ...fields }
    return this
  }

  record(): StoredActor {
    this.taken += 1
    return this.#actor
  }
}

export const stateOf = (durable: Durable, path: string): unknown => {
  const loaded = durable.load(path)
  return loaded?.kind === 'actor' ? loaded.actor.state : loaded?.kind
}

export const timer = (clock: SimClock, inMs: number, id = 't') => ({
  id,
  dueMs: clock.wall() + inMs,
  delayMs: inMs,
  event: { type: 'ring' },
  to: null
})
