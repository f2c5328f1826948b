import { Forked } from './forked.ts'
import type { Answer, Lists, Order } from './pair-main.ts'

const MAIN = new URL('pair-main.ts', import.meta.url)
/** Of what a peer does within seconds, on a machine that does much else. */
const WITHIN_MS = 240_000

export interface PlaceOptions {
  readonly name: string
  readonly dataDir: string
  readonly network: string
  /** Address of the sink; nothing where this is the sink itself. */
  readonly to: string
  /** Told of custom actions, over all lives. */
  readonly mailed: (id: string, k: number) => void
}

/** One of two peers of which the first tells the second what it is told. */
export class Place extends Forked<Order, Answer> {
  readonly #options: PlaceOptions

  constructor(options: PlaceOptions) {
    super({ name: options.name, main: MAIN, withinMs: WITHIN_MS })
    this.#options = options
  }

  /** Rejects where it is not there in time. */
  start(): Promise<NonNullable<Answer['up']>> {
    const { dataDir, network, to } = this.#options
    this.launch([dataDir, network, to])
    return this.said('up', ({ up }) => up)
  }

  protected override hear(answer: Answer): void {
    if (answer.mailed === undefined) super.hear(answer)
    else this.#options.mailed(answer.mailed.id, answer.mailed.k)
  }

  /** Resolves once it is connected there. */
  async dial(addresses: readonly string[]): Promise<void> {
    await this.asked({ dial: addresses }, 'dial')
  }

  /** Has this life said that this number was processed? */
  hasAcknowledged(k: number): boolean {
    return this.heard.some(({ go }) => go === k)
  }

  async acknowledged(k: number): Promise<void> {
    await this.said(`number ${k} processed`, ({ go }) => (go === k ? true : undefined))
  }

  read(): Promise<Lists> {
    return this.asked({ read: true }, 'read')
  }
}
