import type { Checker, Letter } from './checker.ts'
import type { Change, Entry } from './disk.ts'
import type { Process } from './process.ts'

/** Until the queue of a link has room again. */
const RETRY_MS = 100
const DAY_MS = 24 * 3_600_000

/** The sending side of a process: letters of actors in memory, of callers, and of those whose outbox is on disk. */
export class Sender {
  readonly process: Process
  readonly #checker: Checker
  readonly #nowMs: () => number
  #watches = 0

  constructor(process: Process, checker: Checker, nowMs: () => number) {
    this.process = process
    this.#checker = checker
    this.#nowMs = nowMs
    for (const path of ['d0', 'd1']) this.#deliver(path, [...(process.actor(path).kept?.outbox.values() ?? [])])
  }

  tell(letter: Letter, path: string, to: string, padBytes = 0): void {
    this.send({ ...letter, incarnation: this.process.actor(path).incarnation }, path, to, padBytes)
  }

  send(letter: Letter, from: string, to: string, padBytes = 0): void {
    const { id, incarnation, ttlMs } = letter
    this.#checker.sent(letter, this.#nowMs())
    const event = { type: 'note', n: id, ...(padBytes === 0 ? {} : { pad: new Uint8Array(padBytes) }) }
    const plain = { ask: false, durable: null, key: null }
    const refused = (code: string): void => this.#told(id, code)
    const result = this.process.delivery.send({ ...plain, from, incarnation, to, event, ttlMs, refused })
    if (result === 'full') refused('full')
  }

  ask(letter: Letter, to: string): void {
    const { id, ttlMs } = letter
    this.#checker.sent(letter, this.#nowMs())
    const key = new Uint8Array(16)
    new DataView(key.buffer).setUint32(0, id)
    const result = this.process.delivery.send({
      ...{ from: '~client', incarnation: this.process.boot, to, event: { type: 'note', n: id } },
      ...{ ask: true, durable: null, key, ttlMs },
      committed: () => this.#told(id, 'committed'),
      replied: () => this.#told(id, 'replied'),
      refused: (code) => this.#told(id, code)
    })
    if (result === 'full') this.#told(id, 'full')
  }

  durable(letter: Letter, path: string, to: string): void {
    const { id } = letter
    this.#checker.sent(letter, this.#nowMs())
    const { outNext: seq = 1, lastTo } = this.process.actor(path).kept ?? {}
    const entry: Entry = { id, seq, prev: lastTo?.get(to) ?? 0, to }
    const put: Change = (kept) => {
      kept.outNext = seq + 1
      kept.lastTo.set(to, seq)
      kept.outbox.set(seq, entry)
    }
    this.process.change(path, put, () => this.#checker.left(id))
    this.process.release(() => this.#deliver(path, [entry]))
  }

  watch(target: string): void {
    this.#watches += 1
    const name = `${this.process.peer}@${this.process.boot}/${this.#watches}`
    this.process.delivery.watch(target, ({ incarnation }) => this.#checker.down(name, incarnation))
  }

  /** In order: what is behind one that found no room waits too. */
  #deliver(path: string, entries: readonly Entry[]): void {
    for (const [index, entry] of entries.entries()) {
      if (this.#dispatch(path, entry) === 'accepted') continue
      this.process.clock.after(RETRY_MS, () => this.#deliver(path, entries.slice(index)))
      return
    }
  }

  #dispatch(path: string, { id, seq, prev, to }: Entry): 'accepted' | 'full' {
    const drop = (outcome: string): void => {
      this.#told(id, outcome)
      this.process.change(path, (kept) => void kept.outbox.delete(seq))
    }
    return this.process.delivery.send({
      ...{ from: path, incarnation: this.process.actor(path).incarnation, to, event: { type: 'note', n: id } },
      ...{ ask: false, durable: { seq, prev }, key: null, ttlMs: DAY_MS },
      committed: () => drop('committed'),
      refused: drop
    })
  }

  #told(id: number, outcome: string): void {
    this.#checker.told(id, outcome, this.process.boot, this.#nowMs())
  }
}
