import { decodeBatch, encodeBatch } from '@brume/runtime/standby'

/** Numbers of events in the order in which they were processed: all the state there is. */
export type History = number[]

const bytesOf = (number: number): Uint8Array => {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, number)
  return bytes
}

const numberOf = (bytes: Uint8Array): number => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)

/** What a process has on its disk: the number of each event. What never happened stays there until someone takes it away. */
export class Disk {
  readonly #numbers = new Map<number, number>()
  mark: { readonly epoch: number; readonly seq: number; readonly hash: Uint8Array } | null = null

  write(kind: 'batch' | 'base', batch: Uint8Array, mark: NonNullable<Disk['mark']>): void {
    if (kind === 'base') this.#numbers.clear()
    for (const operation of decodeBatch(batch)) {
      if (operation.type === 'put') this.#numbers.set(numberOf(operation.key), numberOf(operation.value))
    }
    this.mark = mark
  }

  wipe(): void {
    this.#numbers.clear()
    this.mark = null
  }

  read(): History {
    return [...this.#numbers].sort(([, a], [, b]) => a - b).map(([event]) => event)
  }

  all(): Uint8Array {
    return batchOf(1, this.read())
  }
}

/** Events from this number on. */
export function batchOf(from: number, events: readonly number[]): Uint8Array {
  return encodeBatch(events.map((event, i) => ({ type: 'put', key: bytesOf(event), value: bytesOf(from + i) })))
}

/** In place of a kernel: processes at once, one batch under way, and tells only what was released. */
export class Actor {
  readonly history: History
  readonly #commit: (batch: Uint8Array) => void
  readonly #output: (number: number, event: number) => void
  /** What is told when the batch with this number is released. */
  readonly #held: { readonly batch: number; readonly run: () => void }[] = []
  readonly #numbers = new Map<number, number>()
  #open: number[] = []
  #batches = 0
  #released = 0

  constructor(history: History, commit: (batch: Uint8Array) => void, output: (number: number, event: number) => void) {
    this.history = history
    this.#commit = commit
    this.#output = output
    for (const [i, event] of history.entries()) this.#numbers.set(event, i + 1)
  }

  /** As a kernel begins: what it has is committed once more under the new epoch, and what was sent is sent again. */
  begin(): void {
    this.#batches += 1
    this.#commit(batchOf(1, []))
    for (const [i, event] of this.history.entries()) this.#when(() => this.#output(i + 1, event))
  }

  take(event: number, told: (number: number) => void): void {
    const known = this.#numbers.get(event)
    if (known !== undefined) return this.#when(() => told(known))
    this.history.push(event)
    const number = this.history.length
    this.#numbers.set(event, number)
    this.#open.push(event)
    this.#flush()
    this.#when(() => {
      this.#output(number, event)
      told(number)
    })
  }

  /** Once all that it depends on is released. */
  read(told: (found: number) => void): void {
    const found = this.history.length
    this.#when(() => told(found))
  }

  release(batches: number): void {
    this.#released = batches
    while (this.#held[0] !== undefined && this.#held[0].batch <= batches) this.#held.shift()?.run()
    this.#flush()
  }

  #flush(): void {
    if (this.#open.length === 0 || this.#released < this.#batches) return
    const events = this.#open
    this.#open = []
    this.#batches += 1
    this.#commit(batchOf(this.history.length - events.length + 1, events))
  }

  #when(run: () => void): void {
    const batch = this.#batches + (this.#open.length > 0 ? 1 : 0)
    if (batch <= this.#released) run()
    else this.#held.push({ batch, run })
  }
}
