import type { Json } from '../logic/port.ts'

export interface Asker {
  /** The reply is stored under it. */
  readonly key: Uint8Array | null
  replied(value: Json): void
}

/** Asks that wait for an answer. A token names one; machines may keep it in their context. */
export class Asks {
  readonly #waiting = new Map<string, Asker>()
  /** Differs from boot to boot: a token that outlived its ask is nobody's. */
  #prefix: string
  #next = 1

  constructor(boot: number) {
    this.#prefix = `${boot.toString(36)}.`
  }

  begin(boot: number): void {
    this.#prefix = `${boot.toString(36)}.`
  }

  open(asker: Asker): string {
    const token = this.#prefix + (this.#next++).toString(36)
    this.#waiting.set(token, asker)
    return token
  }

  close(token: string): void {
    this.#waiting.delete(token)
  }

  /** The first answer counts. Undefined: nobody waits any more. */
  take(token: string): Asker | undefined {
    const asker = this.#waiting.get(token)
    this.#waiting.delete(token)
    return asker
  }
}
