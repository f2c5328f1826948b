import type { Archive, StoredStatement } from '../checkpoints/archive.ts'
import { STATEMENTS_KEPT } from './attestations.ts'

/** Own statements by height, in memory and in the store: those of the last 512 heights, and the newest. */
export class Statements {
  readonly #archive: Archive
  readonly #onFailure: (error: unknown) => void
  readonly #byHeight = new Map<number, StoredStatement>()

  constructor(archive: Archive, onFailure: (error: unknown) => void) {
    this.#archive = archive
    this.#onFailure = onFailure
  }

  async load(): Promise<void> {
    for (const statement of await this.#archive.statements()) this.#byHeight.set(statement.height, statement)
  }

  of(epoch: number): readonly StoredStatement[] {
    return [...this.#byHeight.values()].filter((statement) => statement.epoch === epoch)
  }

  at(height: number): StoredStatement | undefined {
    return this.#byHeight.get(height)
  }

  /** Heights rise, so that the oldest come first. */
  add(statement: StoredStatement): void {
    this.#byHeight.delete(statement.height)
    this.#byHeight.set(statement.height, statement)
    const gone: number[] = []
    for (const height of this.#byHeight.keys()) {
      if (height > statement.height - STATEMENTS_KEPT) break
      gone.push(height)
    }
    for (const height of gone) this.#byHeight.delete(height)
    this.#archive.addStatement(statement, gone).catch(this.#onFailure)
  }

  clear(): void {
    const heights = [...this.#byHeight.keys()]
    this.#byHeight.clear()
    this.#archive.dropStatements(heights).catch(this.#onFailure)
  }
}
