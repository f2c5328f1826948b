import type { Outbound, Refusal } from '../kernel/port.ts'
import type { Json } from '../logic/port.ts'
import type { ControlLane } from './control-lane.ts'
import { Held } from './held.ts'
import {
  FRAME_BYTES_MAX,
  PAIR_IDLE_MS,
  PAUSE_MS_FIRST,
  PAUSE_MS_MAX,
  QUEUE_BYTES_MAX,
  QUEUE_MESSAGES_MAX,
  TTL_MS_MAX
} from './limits.ts'
import { MESSAGES_HEAD_BYTES, MESSAGES_MAX, type Message } from './messages.ts'
import type { OutPair } from './out-pair.ts'
import { keyOf, OutPairs } from './out-pairs.ts'
import type { LinkRules } from './rules.ts'
import { Turns } from './turns.ts'

const U32_MAX = 0xffff_ffff
/** Refusals that mean "not now": the pair goes back to the message and tries again. */
const PASSING: ReadonlySet<Refusal> = new Set(['full', 'overload', 'gap'])

/** A message that a link gives back, to be sent by another. */
export interface Taken {
  readonly source: Outbound
  readonly event: Uint8Array
  /** What is left of its time. */
  readonly ttlMs: number
}

/** What one side of a link sends: pairs, their queues, what settles them. Deterministic: time comes with each call. */
export class Outgoing {
  readonly #rules: LinkRules
  readonly #pairs: OutPairs
  readonly #turns = new Turns()
  readonly #asks = new Map<number, { readonly held: Held; readonly pair: OutPair }>()
  #messages = 0
  #bytes = 0
  #lastAsk = 0
  #sentBytes = 0
  #limitBytes = 0

  constructor(control: ControlLane, rules: LinkRules) {
    this.#pairs = new OutPairs(control)
    this.#rules = rules
  }

  /** Messages that are not settled. */
  get messages(): number {
    return this.#messages
  }

  get bytes(): number {
    return this.#bytes
  }

  get pairs(): number {
    return this.#pairs.size
  }

  /** When the next pause ends, ms; undefined: none is paused. */
  get pauseEndsMs(): number | undefined {
    return this.#turns.pauseEndsMs
  }

  /**
   * Durable messages of a sender come in order of `seq`, and again only where the sender was told that one was not
   * taken, or began anew.
   */
  push(source: Outbound, event: Uint8Array, nowMs: number, line = 0): 'accepted' | 'full' {
    const pair = this.#pairs.ofSource(source, nowMs, line)
    return pair === undefined ? 'full' : this.#enter(pair, source, event, nowMs, true)
  }

  /** As `push`, of what another link held: it has its place already, whatever the bounds of this one. */
  adopt({ source, event, ttlMs }: Taken, nowMs: number): void {
    const rest = { ...source, ttlMs }
    const key = keyOf(rest)
    this.#enter(this.#pairs.named(key) ?? this.#pairs.add(key, rest, nowMs), rest, event, nowMs, false)
  }

  /** Is something of this pair under way, which what follows must not overtake? */
  holds(source: Outbound): boolean {
    return (this.#pairs.named(keyOf(source))?.queue.length ?? 0) > 0
  }

  /**
   * The receiver lives elsewhere, and has not taken what is given back, in order. `taken`: of the volatile ones what was
   * in its mailbox before. Undefined for a pair that is not open.
   */
  moved(number: number, taken: number, nowMs: number): { readonly to: string; readonly messages: Taken[] } | undefined {
    const pair = this.#pairs.numbered(number)
    if (pair === undefined) return undefined
    const messages: Taken[] = []
    for (let held = pair.take(0); held !== undefined; held = pair.take(0)) {
      const { wasSent, seq, needsCommit, source, event } = held
      const ttlMs = this.#remainingMs(held, nowMs)
      if (wasSent && seq <= taken && !needsCommit) this.#settle(held, () => held.commit())
      else this.#settle(held, () => messages.push({ source, event, ttlMs }))
    }
    this.#pairs.retire(pair)
    if (pair.isIdle) this.#close(pair)
    return { to: pair.to, messages }
  }

  #enter(pair: OutPair, source: Outbound, event: Uint8Array, nowMs: number, isBounded: boolean): 'accepted' | 'full' {
    const seq = source.durable?.seq ?? pair.lastSeq + 1
    if (seq <= pair.lastSeq) return this.#again(pair, source, seq)
    const ttlMs = Math.min(Math.max(0, Math.ceil(source.ttlMs)), TTL_MS_MAX)
    const held = new Held(source, event, source.ask ? this.#nextAsk() : 0, ttlMs, nowMs, seq)
    const isFull = this.#messages >= QUEUE_MESSAGES_MAX || this.#bytes + held.bytes > QUEUE_BYTES_MAX
    if (isBounded && isFull) return 'full'
    this.#messages += 1
    this.#bytes += held.bytes
    if (held.ask !== 0) this.#asks.set(held.ask, { held, pair })
    pair.lastSeq = seq
    pair.usedMs = nowMs
    pair.queue.push(held)
    this.#turns.add(pair)
    return 'accepted'
  }

  /** A new stream, heard by the other side: all that is not settled is sent again. */
  begin(limitBytes: number): void {
    this.#sentBytes = 0
    this.#limitBytes = limitBytes
    this.#turns.endPauses()
    for (const pair of this.#pairs.all()) {
      pair.sent = 0
      pair.pausedUntilMs = 0
      this.#turns.add(pair)
    }
  }

  /** Bytes that may be sent since the opening; they only grow. */
  allow(limitBytes: number): void {
    this.#limitBytes = Math.max(this.#limitBytes, limitBytes)
  }

  /** The other side has lost its memory: what it may have taken is not sent again, unless it can tell. */
  restart(nowMs: number): void {
    const delivered = new Map<OutPair, Held[]>()
    for (const { held, pair } of this.#asks.values()) {
      if (!held.isDelivered) continue
      held.isDelivered = false
      pair.waiting -= 1
      delivered.set(pair, [...(delivered.get(pair) ?? []), held])
    }
    this.#pairs.forgetNumbers()
    for (const pair of this.#pairs.all()) {
      this.#restartPair(pair, [...(delivered.get(pair) ?? []), ...pair.queue], nowMs)
    }
  }

  /** Messages for one frame, in turn from all pairs; empty where nothing may leave. */
  fill(nowMs: number): Message[] {
    const messages: Message[] = []
    let room = FRAME_BYTES_MAX - MESSAGES_HEAD_BYTES
    while (messages.length < MESSAGES_MAX) {
      const pair = this.#nextPair(nowMs)
      const held = pair?.next
      if (pair === undefined || held === undefined) break
      if (held.bytes > room || this.#sentBytes + held.bytes > this.#limitBytes) break
      room -= held.bytes
      messages.push(this.#send(pair, held, nowMs))
    }
    return messages
  }

  /** False for an ack of what was never sent. */
  acked(number: number, seq: number, state: 0 | 1): boolean {
    const pair = this.#pairs.numbered(number)
    // Closed here while its last ack was under way.
    if (pair === undefined) return this.#pairs.wasGiven(number)
    if (seq > pair.toldSeq) return false
    if (seq > pair.queuedSeq) pair.pauseMs = 0
    pair.queuedSeq = Math.max(pair.queuedSeq, seq)
    const settled: Held[] = []
    for (let head = pair.queue.at(0); head?.wasSent === true && head.seq <= seq; head = pair.queue.at(0)) {
      if (!this.#rules.releases(state, head.needsCommit)) break
      pair.take(0)
      settled.push(head)
    }
    for (const held of settled) this.#delivered(pair, held)
    this.#turns.add(pair)
    return true
  }

  nacked(number: number, seq: number, code: Refusal, retryMs: number, nowMs: number): void {
    const pair = this.#pairs.numbered(number)
    const index = pair?.indexOf(seq) ?? -1
    if (pair === undefined || index === -1) return
    if (PASSING.has(code)) {
      // On this stream it comes again anyway.
      if (index < pair.sent) this.#goBack(pair, index, code, retryMs, nowMs)
      return
    }
    const held = pair.take(index)
    this.#turns.add(pair)
    if (held !== undefined) this.#settle(held, () => held.refuse(code))
  }

  /** False where nobody asked. */
  replied(ask: number, code: Refusal | 'ok', value: Json): boolean {
    const asked = this.#asks.get(ask)
    if (asked === undefined) return false
    const { held, pair } = asked
    this.#asks.delete(ask)
    if (held.isDelivered) this.#leave(held, pair)
    if (code === 'ok') held.reply(value)
    else held.refuse(code)
    return true
  }

  /** Expiry, idle pairs, and asks to a peer that is unreachable. Sends nothing, so pauses are not its to end. */
  sweep(nowMs: number, link: { readonly isReady: boolean; readonly isUnreachable: boolean }): void {
    for (const pair of this.#pairs.all()) {
      // With a stream, what was sent is the other side's to let expire.
      for (let index = link.isReady ? pair.sent : 0; index < pair.queue.length; ) {
        const held = pair.queue.at(index)
        const code = held === undefined ? undefined : this.#lost(held, nowMs, link.isUnreachable)
        if (held === undefined || code === undefined) index += 1
        else this.#drop(pair, index, held, code)
      }
      if (pair.isIdle && nowMs - pair.usedMs >= PAIR_IDLE_MS) this.#close(pair)
    }
    for (const { held, pair } of [...this.#asks.values()]) {
      const code = held.isDelivered ? this.#lost(held, nowMs, link.isUnreachable) : undefined
      if (code === undefined) continue
      this.#asks.delete(held.ask)
      this.#leave(held, pair)
      held.refuse(code)
    }
  }

  /** Pairs whose pause is over get their turn again. Nothing wakes the link for them any more: for who sends at once. */
  resume(nowMs: number): void {
    this.#turns.resume(nowMs)
  }

  /** A durable message that was given before: of one that is settled the sender was told. */
  #again(pair: OutPair, source: Outbound, seq: number): 'accepted' {
    for (const held of pair.queue) if (held.seq === seq) return 'accepted'
    source.committed?.()
    return 'accepted'
  }

  #nextAsk(): number {
    do this.#lastAsk = this.#lastAsk === U32_MAX ? 1 : this.#lastAsk + 1
    while (this.#asks.has(this.#lastAsk))
    return this.#lastAsk
  }

  /** The pair whose turn it is, with a message that may leave. */
  #nextPair(nowMs: number): OutPair | undefined {
    for (let pair = this.#turns.first; pair !== undefined; pair = this.#turns.first) {
      const next = pair.next
      if (next === undefined || pair.holdsBack(next)) this.#turns.leave(pair)
      else if (pair.pausedUntilMs > nowMs) this.#turns.pause(pair)
      else if (this.#remainingMs(next, nowMs) <= 0) this.#drop(pair, pair.sent, next, 'expired')
      else return pair
    }
    return undefined
  }

  #send(pair: OutPair, held: Held, nowMs: number): Message {
    const { source, seq, ask, event } = held
    const delta = pair.delta(held) ?? 0
    if (pair.number === 0 || pair.incarnation !== source.incarnation) this.#pairs.announce(pair, source.incarnation)
    pair.sent += 1
    pair.toldSeq = Math.max(pair.toldSeq, seq)
    pair.usedMs = nowMs
    held.wasSent = true
    this.#sentBytes += held.bytes
    this.#turns.leave(pair)
    this.#turns.add(pair)
    const ttlMs = Math.ceil(this.#remainingMs(held, nowMs))
    return { pair: pair.number, seq, delta, ttlMs, ask, durable: held.isDurable, key: source.key, event }
  }

  #close(pair: OutPair): void {
    this.#pairs.close(pair)
    this.#turns.forget(pair)
  }

  #goBack(pair: OutPair, index: number, code: Refusal, retryMs: number, nowMs: number): void {
    // After a gap all that is unsettled is sent again; the first of it needs nothing before it.
    pair.sent = code === 'gap' ? 0 : index
    if (code === 'gap') return this.#turns.add(pair)
    pair.pauseMs = Math.min(Math.max(PAUSE_MS_FIRST, 2 * pair.pauseMs), PAUSE_MS_MAX)
    pair.pausedUntilMs = nowMs + Math.min(Math.max(retryMs, pair.pauseMs), PAUSE_MS_MAX)
    this.#turns.add(pair)
  }

  #remainingMs(held: Held, nowMs: number): number {
    return this.#rules.remainingMs(held.ttlMs, held.sinceMs, nowMs)
  }

  #lost(held: Held, nowMs: number, isUnreachable: boolean): 'expired' | 'unreachable' | undefined {
    if (this.#remainingMs(held, nowMs) <= 0) return 'expired'
    return isUnreachable && !held.isDurable && held.needsCommit ? 'unreachable' : undefined
  }

  #drop(pair: OutPair, index: number, held: Held, code: Refusal | 'unreachable'): void {
    pair.take(index)
    this.#settle(held, () => held.refuse(code))
  }

  /** Taken by the other side: what asked goes on waiting for its reply. */
  #delivered(pair: OutPair, held: Held): void {
    if (held.ask === 0 || held.isSettled) return this.#settle(held, () => held.commit())
    pair.waiting += 1
    held.commit()
  }

  #settle(held: Held, tell: () => void): void {
    this.#messages -= 1
    this.#bytes -= held.bytes
    this.#asks.delete(held.ask)
    tell()
  }

  /** An ask that had been delivered needs no place any more. */
  #leave(held: Held, pair: OutPair): void {
    pair.waiting -= 1
    this.#messages -= 1
    this.#bytes -= held.bytes
  }

  #restartPair(pair: OutPair, messages: readonly Held[], nowMs: number): void {
    const { queuedSeq } = pair
    pair.queue.clear()
    pair.number = 0
    pair.sent = 0
    pair.toldSeq = 0
    pair.queuedSeq = 0
    pair.usedMs = nowMs
    const lost: Held[] = []
    let seq = 0
    for (const held of messages) {
      const { isDurable, wasSent, source } = held
      const taken =
        held.isSettled || !this.#rules.mayRepeat({ durable: isDurable, keyed: source.key !== null, wasSent })
      if (taken) {
        if (held.seq <= queuedSeq) held.isSettled = true
        lost.push(held)
        continue
      }
      seq += 1
      if (!isDurable) held.seq = seq
      held.wasSent = false
      pair.queue.push(held)
    }
    if (messages.every(({ isDurable }) => !isDurable)) pair.lastSeq = seq
    for (const held of lost) this.#settle(held, () => held.refuse('unreachable'))
    this.#turns.add(pair)
  }
}
