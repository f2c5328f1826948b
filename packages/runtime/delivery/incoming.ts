import type { Inbound, Inbox, Refusal } from '../kernel/port.ts'
import type { Json } from '../logic/port.ts'
import type { ControlLane } from './control-lane.ts'
import type { Control } from './controls.ts'
import { badFrame, DeliveryError } from './error.ts'
import type { Fence } from './fence.ts'
import { ACKS_MAX, type Ack } from './frames.ts'
import { InPair, type Taken } from './in-pair.ts'
import {
  ANSWER_BYTES_MAX,
  CREDIT_BYTES,
  CREDIT_SLACK_BYTES,
  CREDIT_STEP_BYTES,
  PAIR_TEXT_MAX,
  PAIRS_MAX
} from './limits.ts'
import { type Message, messageBytes } from './messages.ts'
import type { LinkRules } from './rules.ts'

/** The address of a sender, without and with its incarnation. */
export interface Sender {
  readonly sender: string
  readonly address: string
}

/** `ignored`: an answer nobody waits for, an ack of what was never sent. */
export type Counted = 'duplicate' | 'gap' | 'stale' | 'nack' | 'ignored'

/** What becomes of messages that arrive. */
export interface IncomingSink {
  /** Who speaks, or why it may not. */
  admit(from: string, incarnation: number, to: string): Sender | Refusal
  receive(message: Omit<Inbound, 'peer'>, inbox: Inbox): void
  /** What a reply holds, encoded; undefined where it cannot be. */
  encode(value: Json): Uint8Array | undefined
  count(what: Counted, code?: Refusal): void
  /** Acks, credit or controls wait to leave. */
  soon(): void
}

/** A sender that does not read its answers gets no more credit. */
const BACKLOG_BYTES_MAX = ANSWER_BYTES_MAX / 4

/** What one side of a link receives: pairs, their watermarks, acks that are due, credit. Deterministic. */
export class Incoming {
  readonly #control: ControlLane
  readonly #fence: Fence
  readonly #rules: LinkRules
  readonly #sink: IncomingSink
  readonly #pairs = new Map<number, InPair>()
  #dirty: InPair[] = []
  #lastNumber = 0
  #text = 0
  #heldBytes = 0
  #receivedBytes = 0
  #toldBytes = 0

  constructor(control: ControlLane, fence: Fence, rules: LinkRules, sink: IncomingSink) {
    this.#control = control
    this.#fence = fence
    this.#rules = rules
    this.#sink = sink
  }

  get pairs(): number {
    return this.#pairs.size
  }

  /** Of messages in mailboxes. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  /** The other side opened a stream: it counts its bytes from here. */
  begin(): void {
    this.#receivedBytes = 0
    this.#toldBytes = 0
  }

  /** The own stream is new: acks may be lost with the one before. */
  tellAgain(): void {
    for (const pair of this.#pairs.values()) this.#mark(pair)
  }

  /** The other side has lost its memory. */
  restart(): void {
    for (const pair of this.#pairs.values()) this.#forget(pair)
    this.#pairs.clear()
    this.#dirty = []
    this.#lastNumber = 0
    this.begin()
  }

  /** Bytes that the other side may have sent since its opening; taken for told. */
  takeLimit(): number {
    const room = this.#control.bytes > BACKLOG_BYTES_MAX ? 0 : Math.max(0, CREDIT_BYTES - this.#heldBytes)
    this.#toldBytes = Math.max(this.#toldBytes, this.#receivedBytes + room)
    return this.#toldBytes
  }

  /** Is there enough new credit to be worth a frame? */
  get owesCredit(): boolean {
    if (this.#control.bytes > BACKLOG_BYTES_MAX) return false
    return this.#receivedBytes + CREDIT_BYTES - this.#heldBytes - this.#toldBytes >= CREDIT_STEP_BYTES
  }

  /** Acks that are due, at most a frame's worth. */
  takeAcks(): readonly Ack[] {
    const acks: Ack[] = []
    while (acks.length + 2 <= ACKS_MAX) {
      const pair = this.#dirty.pop()
      if (pair === undefined) break
      pair.isDirty = false
      if (!pair.isOpen) continue
      if (pair.received > pair.committed) acks.push({ pair: pair.number, seq: pair.received, state: 0 })
      if (pair.committed > 0) acks.push({ pair: pair.number, seq: pair.committed, state: 1 })
    }
    return acks
  }

  /** @throws DeliveryError */
  open({ pair: number, from, incarnation, to }: Extract<Control, { type: 'pair' }>): void {
    if (number <= this.#lastNumber) throw badFrame(`the pair number ${number} was used before`)
    this.#lastNumber = number
    this.#text += from.length + to.length
    if (this.#pairs.size >= PAIRS_MAX || this.#text > PAIR_TEXT_MAX) {
      throw new DeliveryError('BRUME_DELIVERY_LIMIT', 'more pairs than a link may have')
    }
    const speaker = (): Sender | Refusal => this.#sink.admit(from, incarnation, to)
    const pair = new InPair(number, from.length + to.length, speaker, incarnation, to)
    this.#admit(pair)
    this.#pairs.set(number, pair)
  }

  close(number: number): void {
    const pair = this.#pairs.get(number)
    if (pair === undefined) return
    this.#pairs.delete(number)
    this.#forget(pair)
  }

  /** @throws DeliveryError */
  message(message: Message): void {
    const bytes = messageBytes(message)
    this.#receivedBytes += bytes
    if (this.#receivedBytes > this.#toldBytes + CREDIT_SLACK_BYTES) {
      throw new DeliveryError('BRUME_DELIVERY_LIMIT', 'more was sent than there was credit for')
    }
    const { pair: number, seq, delta } = message
    const pair = this.#pairs.get(number)
    if (pair === undefined) throw badFrame(`pair ${number} is not open`)
    if (pair.hasMoved) return
    if (this.#rules.isDuplicate(seq, pair.received)) {
      this.#sink.count('duplicate')
      return this.#mark(pair)
    }
    if (this.#rules.isGap(seq, delta, pair.received)) return this.#gap(pair, seq)
    this.#take(pair, message, bytes)
  }

  #gap(pair: InPair, seq: number): void {
    this.#sink.count('gap')
    if (pair.isRefusing) return
    pair.isRefusing = true
    this.#nack(pair.number, seq, 'gap', 0)
  }

  #take(pair: InPair, message: Message, bytes: number): void {
    const taken = pair.take(message.seq, bytes, message.ask)
    this.#heldBytes += bytes
    this.#mark(pair)
    const from = this.#judge(pair)
    if (typeof from === 'string') return this.#refuse(pair, taken, from, 0)
    const { event, key, ask, ttlMs, durable, seq, delta } = message
    const order = durable ? { seq, prev: delta === 0 ? 0 : seq - delta } : null
    const inbound = { from: from.address, to: pair.to, event, ask: ask !== 0, durable: order, key, ttlMs }
    this.#sink.receive(inbound, this.#inbox(pair, taken))
  }

  /** Who it is may be found out only now. */
  #admit(pair: InPair): void {
    pair.from = pair.speaker()
    if (typeof pair.from !== 'string') this.#fence.open(pair.from.sender, pair.incarnation)
  }

  #judge(pair: InPair): Sender | Refusal {
    if (pair.from === 'overload') this.#admit(pair)
    const { from, incarnation } = pair
    if (typeof from === 'string' || !this.#fence.isStale(from.sender, incarnation)) return from
    this.#sink.count('stale')
    return 'stale'
  }

  #inbox(pair: InPair, taken: Taken): Inbox {
    return {
      committed: () => this.#done(pair, taken),
      refused: (code, retryMs) => this.#refuse(pair, taken, code, retryMs),
      replied: (value) => this.#reply(pair, taken, value),
      moved: (address) => this.#moved(pair, taken, address)
    }
  }

  #done(pair: InPair, taken: Taken): void {
    if (taken.isDone) return
    taken.isDone = true
    this.#heldBytes -= taken.bytes
    pair.advance()
    this.#mark(pair)
    this.#sink.soon()
  }

  #refuse(pair: InPair, taken: Taken, code: Refusal, retryMs: number): void {
    if (taken.isDone) return this.#answerLate(pair, taken, code)
    if (code === 'full' || code === 'overload' || code === 'gap') return this.#putBack(pair, taken, code, retryMs)
    taken.isAnswered = true
    if (pair.isOpen) this.#nack(pair.number, taken.seq, code, 0)
    this.#done(pair, taken)
  }

  /** Not now: it and what follows it in this pair come again. */
  #putBack(pair: InPair, taken: Taken, code: Refusal, retryMs: number): void {
    taken.isDone = true
    this.#heldBytes -= taken.bytes
    if (!pair.isOpen) return
    const wasRefusing = pair.isRefusing
    pair.putBack(taken)
    if (!wasRefusing) this.#nack(pair.number, taken.seq, code, retryMs)
    this.#sink.soon()
  }

  /** The sender takes it back, and all that follows. */
  #moved(pair: InPair, taken: Taken, address: string): void {
    if (taken.isDone) return this.#answerLate(pair, taken, 'moved')
    taken.isDone = true
    this.#heldBytes -= taken.bytes
    if (!pair.isOpen) return
    pair.putBack(taken)
    this.#sink.soon()
    if (pair.hasMoved) return
    pair.hasMoved = true
    this.#sink.count('nack', 'moved')
    this.#control.push({ type: 'moved', pair: pair.number, taken: taken.before, address })
  }

  #reply(pair: InPair, { ask, ...taken }: Taken, value: Json): void {
    if (ask === 0 || taken.isAnswered || !pair.isOpen) return
    const bytes = this.#control.bytes > ANSWER_BYTES_MAX ? null : this.#sink.encode(value)
    const none = new Uint8Array(0)
    if (bytes === null) this.#control.push({ type: 'reply', ask, code: 'overload', value: none })
    else this.#control.push({ type: 'reply', ask, code: bytes === undefined ? 'failed' : 'ok', value: bytes ?? none })
    this.#sink.soon()
  }

  /** It was processed, and then no reply will come. */
  #answerLate(pair: InPair, taken: Taken, code: Refusal): void {
    if (taken.ask === 0 || taken.isAnswered || !pair.isOpen) return
    taken.isAnswered = true
    this.#control.push({ type: 'reply', ask: taken.ask, code, value: new Uint8Array(0) })
    this.#sink.soon()
  }

  #nack(pair: number, seq: number, code: Refusal, retryMs: number): void {
    this.#sink.count('nack', code)
    this.#control.push({ type: 'nack', pair, seq, code, retryMs })
    this.#sink.soon()
  }

  #mark(pair: InPair): void {
    if (pair.isDirty || !pair.isOpen) return
    pair.isDirty = true
    this.#dirty.push(pair)
    this.#sink.soon()
  }

  #forget(pair: InPair): void {
    pair.isOpen = false
    this.#text -= pair.textLength
    if (typeof pair.from !== 'string') this.#fence.close(pair.from.sender)
  }
}
