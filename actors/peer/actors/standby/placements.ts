import type { Clock } from '@brume/ports'
import { addressOf } from '@brume/protocols/actors/proof'
import { parseAddress } from '@brume/runtime/address'
import {
  type Placement,
  type PlacementEvent,
  type PlacementReply,
  type Placements,
  placementsOf
} from '@brume/runtime/standby'
import type { Directory } from '../group/directory.ts'
import type { GroupRef } from '../group/ref.ts'

/** A group that is without its quorum for so long leaves an order open: it may take effect until then, and never later. */
const ORDER_MS = 5_000

/** Members that are asked for the same, each so much later than the one before. */
const TRIES = 3
const NEXT_AFTER_MS = 500

export interface PlacementGroupsOptions {
  readonly clock: Clock
  readonly directory: Pick<Directory, 'find'>
  readonly groupRef: (address: string) => Pick<GroupRef, 'ask' | 'snapshot'>
}

/** Placement groups, by what their members have proven: a single one that lies is not believed. */
export class PlacementGroups implements Placements {
  readonly #options: PlacementGroupsOptions

  constructor(options: PlacementGroupsOptions) {
    this.#options = options
  }

  async order(authority: string, event: PlacementEvent): Promise<PlacementReply> {
    const ref = await this.#ref(authority)
    return (await ref.ask({ ...event } as Parameters<GroupRef['ask']>[0], {
      timeoutMs: ORDER_MS
    })) as unknown as PlacementReply
  }

  async look(authority: string): Promise<ReadonlyMap<string, Placement>> {
    const ref = await this.#ref(authority)
    const { context } = await this.#soon(() => ref.snapshot({ read: 'certified' }))
    return placementsOf(context as Parameters<typeof placementsOf>[0])
  }

  /** A read begins at another member each time: one that is gone is not waited for. */
  async #soon<T>(read: () => Promise<T>): Promise<T> {
    let isOver = false
    const tries = Array.from({ length: TRIES }, async (_, n) => {
      await new Promise<void>((go) => this.#options.clock.after(n * NEXT_AFTER_MS, go))
      if (isOver) throw new Error('another one was answered')
      return read()
    })
    try {
      return await Promise.any(tries)
    } catch (error) {
      throw error instanceof AggregateError ? error.errors[0] : error
    } finally {
      isOver = true
    }
  }

  async #ref(authority: string): Promise<Pick<GroupRef, 'ask' | 'snapshot'>> {
    const { group } = parseAddress(`brume://${authority}/any`)
    const { manifest } = await this.#options.directory.find(group ?? new Uint8Array())
    return this.#options.groupRef(addressOf(manifest))
  }
}
