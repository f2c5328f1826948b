import type { Block, Program, ProgramEvent } from '../ports.ts'

export interface ExecutionOptions {
  readonly program: Program
  readonly onFailure: (error: unknown) => void
}

/** Between final blocks and the program: what is replicated hears of blocks through here alone. */
export class Execution {
  readonly #program: Program
  readonly #onFailure: (error: unknown) => void

  constructor({ program, onFailure }: ExecutionOptions) {
    this.#program = program
    this.#onFailure = onFailure
  }

  /** The height of the program's durable state: blocks above it are delivered anew. */
  open(group: { readonly groupId: Uint8Array; readonly manifest: Uint8Array }): Promise<number> {
    return this.#program.open(group, (event) => this.#heard(event))
  }

  deliver(block: Block): void {
    try {
      this.#program.deliver(block)
    } catch (error) {
      this.#onFailure(error)
    }
  }

  #heard(event: ProgramEvent): void {
    if (event.type === 'failed') this.#onFailure(event.reason)
  }
}
