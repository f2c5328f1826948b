import { LOOK_EVERY_MS } from './limits.ts'

interface Line {
  isWanted: boolean
  /** Number of the look that is under way. */
  open: number | null
  beganMs: number
  wasTold: boolean
}

/** When each placement group is looked at: one look at a time, and not too often. */
export class Looks {
  readonly #lines = new Map<string, Line>()
  #last = 0

  get last(): number {
    return this.#last
  }

  /** Was each group that there is heard at least once? Before that, nobody here knows what this peer is. */
  get isWhole(): boolean {
    return [...this.#lines.values()].every(({ wasTold }) => wasTold)
  }

  knows(authority: string): boolean {
    return this.#lines.has(authority)
  }

  want(authority: string): void {
    const line = this.#lines.get(authority)
    if (line !== undefined) line.isWanted = true
    else this.#lines.set(authority, { isWanted: true, open: null, beganMs: Number.NEGATIVE_INFINITY, wasTold: false })
  }

  wantAll(): void {
    for (const line of this.#lines.values()) line.isWanted = true
  }

  /** Those that are to begin now. */
  due(nowMs: number): readonly { readonly authority: string; readonly look: number }[] {
    const due: { readonly authority: string; readonly look: number }[] = []
    for (const [authority, line] of this.#lines) {
      if (!line.isWanted || line.open !== null || nowMs - line.beganMs < LOOK_EVERY_MS) continue
      this.#last += 1
      line.isWanted = false
      line.open = this.#last
      line.beganMs = nowMs
      due.push({ authority, look: this.#last })
    }
    return due
  }

  /** False where it is not the one that is waited for. */
  told(authority: string, look: number, isTold: boolean): boolean {
    const line = this.#lines.get(authority)
    if (line?.open !== look) return false
    line.open = null
    if (isTold) line.wasTold = true
    else line.isWanted = true
    return isTold
  }
}
