import type { Outbound } from '../kernel/port.ts'
import type { ControlLane } from './control-lane.ts'
import { CONTROL_BYTES_MAX, PAIR_TEXT_MAX, PAIRS_MAX } from './limits.ts'
import { OutPair } from './out-pair.ts'

/** Names a pair. */
export const keyOf = ({ from, to, durable }: Outbound, line = 0): string =>
  `${durable === null ? 'v' : `d${line}`} ${from} ${to}`

interface Latest {
  readonly source: Outbound
  readonly line: number
  readonly pair: OutPair
}

function isSamePair({ source, line }: Latest, other: Outbound, onLine: number): boolean {
  const isAlike = (source.durable === null) === (other.durable === null) && line === onLine
  return isAlike && source.to === other.to && source.from === other.from
}

/** The pairs of one side of a link, by name and by the number that the other side knows them under. */
export class OutPairs {
  readonly #control: ControlLane
  readonly #byKey = new Map<string, OutPair>()
  readonly #numbered = new Map<number, OutPair>()
  /** Whoever sends often sends to the same: putting a key together costs as much as all else here. */
  #latest: Latest | undefined
  #text = 0
  #lastNumber = 0

  constructor(control: ControlLane) {
    this.#control = control
  }

  get size(): number {
    return this.#byKey.size
  }

  /** As they are now: closing one does not disturb who goes through them. */
  all(): readonly OutPair[] {
    return [...this.#byKey.values()]
  }

  named(key: string): OutPair | undefined {
    return this.#byKey.get(key)
  }

  numbered(number: number): OutPair | undefined {
    return this.#numbered.get(number)
  }

  /** Some pair has or had this number. */
  wasGiven(number: number): boolean {
    return number <= this.#lastNumber
  }

  /** The pair of this sender and receiver, a new one where there is room. */
  ofSource(source: Outbound, nowMs: number, line: number): OutPair | undefined {
    const latest = this.#latest
    if (latest !== undefined && isSamePair(latest, source, line)) return latest.pair
    const key = keyOf(source, line)
    const known = this.#byKey.get(key)
    if (known !== undefined) {
      this.#latest = { source, line, pair: known }
      return known
    }
    const text = source.from.length + source.to.length
    if (this.#byKey.size >= PAIRS_MAX || this.#text + text > PAIR_TEXT_MAX) return undefined
    return this.#control.bytes > CONTROL_BYTES_MAX ? undefined : this.add(key, source, nowMs)
  }

  /** Whatever the bounds. */
  add(key: string, { from, incarnation, to }: Outbound, nowMs: number): OutPair {
    const pair = new OutPair(key, from, incarnation, to, nowMs)
    this.#text += from.length + to.length
    this.#byKey.set(key, pair)
    return pair
  }

  /** The other side learns under which number it comes from now on. */
  announce(pair: OutPair, incarnation: number): void {
    this.retire(pair)
    this.#lastNumber += 1
    pair.number = this.#lastNumber
    pair.incarnation = incarnation
    this.#numbered.set(pair.number, pair)
    this.#control.push({ type: 'pair', pair: pair.number, from: pair.from, incarnation, to: pair.to })
  }

  /** Its number is not used any more. */
  retire(pair: OutPair): void {
    if (pair.number === 0) return
    this.#numbered.delete(pair.number)
    this.#control.push({ type: 'close', pair: pair.number })
    pair.number = 0
    pair.toldSeq = 0
    pair.queuedSeq = 0
  }

  close(pair: OutPair): void {
    this.retire(pair)
    this.#byKey.delete(pair.key)
    if (this.#latest?.pair === pair) this.#latest = undefined
    this.#text -= pair.from.length + pair.to.length
  }

  /** The other side has forgotten all of them. */
  forgetNumbers(): void {
    this.#numbered.clear()
  }
}
