import type { PeerId } from '@brume/ports'
import { BEACON_EVERY_MS, BEACONS_OPEN_MAX } from './limits.ts'

interface Line {
  /** Of beacons that are not acknowledged, by number: when they left. */
  readonly open: Map<number, number>
  lastSentMs: number
  /** When the newest acknowledged one left, and when that was heard. */
  ackedSentMs: number
  ackedMs: number
  /** The last beacon from there, and the last one that was answered. */
  heardMs: number
  answeredMs: number
}

/** Who was heard when: one line for each other peer, for all actors. Times are of the clock that counts sleep. */
export class Beacons {
  readonly #lines = new Map<PeerId, Line>()
  readonly #beganMs: number
  #last = 0
  #awakeMs: number

  constructor(nowMs: number) {
    this.#beganMs = nowMs
    this.#awakeMs = nowMs
  }

  /** This peer did not run for a while: what others said meanwhile is still to be heard. */
  woke(nowMs: number): void {
    this.#awakeMs = nowMs
  }

  /** Numbers of beacons that are to leave now. */
  due(peers: Iterable<PeerId>, nowMs: number): readonly (readonly [peer: PeerId, n: number])[] {
    const due: [PeerId, number][] = []
    for (const peer of peers) {
      const line = this.#line(peer)
      if (nowMs - line.lastSentMs < BEACON_EVERY_MS) continue
      this.#last += 1
      line.lastSentMs = nowMs
      line.open.set(this.#last, nowMs)
      for (const oldest of line.open.keys()) if (line.open.size > BEACONS_OPEN_MAX) line.open.delete(oldest)
      due.push([peer, this.#last])
    }
    return due
  }

  acked(peer: PeerId, n: number, nowMs: number): void {
    const line = this.#lines.get(peer)
    const sentMs = line?.open.get(n)
    if (line === undefined || sentMs === undefined) return
    for (const older of line.open.keys()) if (older <= n) line.open.delete(older)
    line.ackedSentMs = Math.max(line.ackedSentMs, sentMs)
    line.ackedMs = nowMs
  }

  heard(peer: PeerId, nowMs: number): void {
    this.#line(peer).heardMs = nowMs
  }

  answered(peer: PeerId, nowMs: number): void {
    this.#line(peer).answeredMs = nowMs
  }

  /** Since the newest beacon left that this follower acknowledged, and since that was heard. */
  window(peer: PeerId, nowMs: number): { readonly sentMs: number; readonly ackedMs: number } {
    const { ackedSentMs, ackedMs } = this.#line(peer)
    return { sentMs: nowMs - ackedSentMs, ackedMs: nowMs - ackedMs }
  }

  /** How long this follower has acknowledged nothing; counted from when it became one. */
  unackedMs(peer: PeerId, sinceMs: number, nowMs: number): number {
    return nowMs - Math.max(this.#line(peer).ackedMs, sinceMs, this.#awakeMs)
  }

  /** How long this holder was not heard; counted from when it was known to be one. */
  unheardMs(peer: PeerId, sinceMs: number, nowMs: number): number {
    return nowMs - Math.max(this.#line(peer).heardMs, sinceMs, this.#awakeMs)
  }

  /** How long this peer was given no answer on which its reads may rest; before the start, one may have been. */
  unansweredMs(peer: PeerId, nowMs: number): number {
    return nowMs - Math.max(this.#line(peer).answeredMs, this.#beganMs)
  }

  #line(peer: PeerId): Line {
    const known = this.#lines.get(peer)
    if (known !== undefined) return known
    const never = Number.NEGATIVE_INFINITY
    const line: Line = {
      open: new Map(),
      ...{ lastSentMs: never, ackedSentMs: never, ackedMs: never, heardMs: never, answeredMs: never }
    }
    this.#lines.set(peer, line)
    return line
  }
}
