import { Forked } from '../actors/forked.ts'
import type { Answer, Order } from './copy-main.ts'

const MAIN = new URL('copy-main.ts', import.meta.url)
/** Of what a peer does at once, on a machine that does much else. */
const WITHIN_MS = 90_000

/** A peer that holds or follows the counter. */
export class Copy extends Forked<Order, Answer> {
  readonly #dataDir: string
  readonly #network: string
  id = ''
  addresses: readonly string[] = []

  constructor(name: string, dataDir: string, network: string) {
    super({ name, main: MAIN, withinMs: WITHIN_MS })
    this.#dataDir = dataDir
    this.#network = network
  }

  async start(): Promise<void> {
    this.launch([this.#dataDir, this.#network])
    Object.assign(this, await this.said('up', ({ up }) => up))
  }

  /** Resolves with what is answered. */
  ask<K extends keyof Order & keyof Answer>(order: K, value: NonNullable<Order[K]>): Promise<NonNullable<Answer[K]>> {
    return this.asked({ [order]: value }, order)
  }
}
