import { equal } from '@brume/codec'
import type { Refusal } from '../kernel/port.ts'
import type { Json } from '../logic/port.ts'
import { ControlLane } from './control-lane.ts'
import type { Control } from './controls.ts'
import { badFrame } from './error.ts'
import type { Fence } from './fence.ts'
import { decodeFrame, encodeFrame, type Frame, type Hello, type Opening } from './frames.ts'
import { type Counted, Incoming, type IncomingSink } from './incoming.ts'
import { FORGET_MS, UNREACHABLE_MS } from './limits.ts'
import { Outgoing, type Taken } from './outgoing.ts'
import { Requests } from './requests.ts'
import type { LinkRules } from './rules.ts'
import { Serving, type ServingSink } from './serving.ts'

export interface LinkSink extends IncomingSink, ServingSink {
  /** A value another peer sent; undefined where it is none. */
  decode(bytes: Uint8Array): Json | undefined
  /** The actor at `to` lives at this address; its messages are to be sent there, in this order. */
  moved(to: string, address: string, messages: readonly Taken[]): void
  count(what: Counted, code?: Refusal): void
}

export interface LinkOptions {
  /** 8 bytes, another each time. */
  readonly session: Uint8Array
  readonly fence: Fence
  readonly rules: LinkRules
  readonly sink: LinkSink
  readonly nowMs: number
}

/**
 * All that this peer and one other have going on, as one deterministic state machine: time comes with each call, frames
 * are pulled by `flush`. Its memory ends when the other side loses its own: then numbers begin anew.
 */
export class Link {
  readonly outgoing: Outgoing
  readonly incoming: Incoming
  readonly requests: Requests
  readonly #session: Uint8Array
  readonly #sink: LinkSink
  readonly #control = new ControlLane()
  readonly #serving: Serving
  /** Frames that the stream did not take. */
  #stuck: Uint8Array[] = []
  /** How often the own stream was opened. */
  #opening = 0
  #isOpen = false
  /** What the other side said of itself last. */
  #peer: Opening | undefined
  /** The other side has heard of the own stream, and is known by its present memory. */
  #isReady = false
  #owesHello = false
  #downSinceMs: number
  #heardMs: number
  #isUnreachable = false
  #controlReceived = 0
  #owesControlAck = false

  constructor({ session, fence, rules, sink, nowMs }: LinkOptions) {
    this.#session = session
    this.#sink = sink
    this.#downSinceMs = nowMs
    this.#heardMs = nowMs
    this.outgoing = new Outgoing(this.#control, rules)
    this.incoming = new Incoming(this.#control, fence, rules, sink)
    this.requests = new Requests(this.#control, sink.decode)
    this.#serving = new Serving(this.#control, sink)
  }

  get isReady(): boolean {
    return this.#isReady
  }

  /** Away for longer than anybody waits. */
  get isUnreachable(): boolean {
    return this.#isUnreachable
  }

  /** When something may leave that cannot now, ms; undefined: what comes next is an event. */
  get wakeMs(): number | undefined {
    return this.#isReady ? this.outgoing.pauseEndsMs : undefined
  }

  /** Something waits that may leave. */
  wantsTurn(nowMs: number): boolean {
    if (!this.#isReady) return false
    return this.#stuck.length > 0 || !this.#control.isIdle || (this.wakeMs ?? Number.POSITIVE_INFINITY) <= nowMs
  }

  /** Bytes that wait for the other side. */
  get queuedBytes(): number {
    return this.outgoing.bytes + this.#control.bytes
  }

  /** Nothing would be lost with it: the other side was away long, and nobody here waits for it. */
  isForgettable(nowMs: number): boolean {
    if (this.#isOpen || this.outgoing.messages > 0) return false
    return nowMs - Math.max(this.#heardMs, this.#downSinceMs) >= FORGET_MS
  }

  /** The own stream is open. */
  opened(): void {
    this.#opening += 1
    this.#isOpen = true
    this.#owesHello = true
    this.#stuck = []
    this.#sink.soon()
  }

  closed(nowMs: number): void {
    this.#isOpen = false
    this.#unready(nowMs)
  }

  /** One frame of the other side. @throws CodecError, DeliveryError: the stream is to be ended */
  frame(body: Uint8Array, nowMs: number): void {
    const frame = decodeFrame(body)
    this.#heardMs = nowMs
    if (frame.type === 'hello') return this.#hello(frame, nowMs)
    if (this.#peer === undefined) throw badFrame('no Hello came first')
    this.#take(frame, nowMs)
  }

  /** Writes what may leave now, until `send` answers false. */
  flush(nowMs: number, send: (body: Uint8Array) => boolean): void {
    if (!this.#isOpen) return
    const waiting = this.#stuck
    this.#stuck = []
    const write = (body: Uint8Array): boolean => {
      if (this.#stuck.length === 0 && send(body)) return true
      this.#stuck.push(body)
      return false
    }
    for (const body of waiting) write(body)
    if (this.#stuck.length > 0) return
    if (this.#owesHello && !write(this.#takeHello())) return
    if (this.#isReady) this.#writeAll(nowMs, write)
  }

  /** Once a second: what waited too long. */
  sweep(nowMs: number): void {
    if (!this.#isReady && !this.#isUnreachable && nowMs - this.#downSinceMs >= UNREACHABLE_MS)
      this.#isUnreachable = true
    if (this.#isUnreachable) this.requests.unreachable()
    this.outgoing.sweep(nowMs, { isReady: this.#isReady, isUnreachable: this.#isUnreachable })
  }

  /** Nothing of it is needed any more. */
  end(): void {
    this.#serving.clear()
    this.incoming.restart()
  }

  #hello(hello: Hello, nowMs: number): void {
    const peer = this.#peer
    if (peer === undefined || !equal(peer.session, hello.session)) {
      this.#meet(hello, nowMs)
    } else if (hello.opening !== peer.opening) {
      // Of a stream that was given up: the newer one has spoken already.
      if (hello.opening < peer.opening) return
      this.#peer = openingOf(hello)
      this.incoming.begin()
      this.#owesHello = true
    }
    const { heard } = hello
    const isCurrent = heard !== null && heard.opening === this.#opening && equal(heard.session, this.#session)
    if (isCurrent && this.#isOpen) this.#heard(heard.limitBytes)
    this.#sink.soon()
  }

  /** The other side is new, or has lost its memory. */
  #meet(hello: Hello, nowMs: number): void {
    const isFirst = this.#peer === undefined
    this.#peer = openingOf(hello)
    this.#owesHello = true
    this.#controlReceived = 0
    this.#unready(nowMs)
    this.incoming.restart()
    this.#stuck = []
    if (isFirst) return
    this.#serving.clear()
    this.#control.clear()
    this.requests.restart()
    this.outgoing.restart(nowMs)
  }

  #heard(limitBytes: number): void {
    if (this.#isReady) return this.outgoing.allow(limitBytes)
    this.#isReady = true
    this.#isUnreachable = false
    this.#control.rewind()
    this.incoming.tellAgain()
    this.#owesControlAck = this.#controlReceived > 0
    this.outgoing.begin(limitBytes)
  }

  #unready(nowMs: number): void {
    if (this.#isReady) this.#downSinceMs = nowMs
    this.#isReady = false
  }

  #take(frame: Exclude<Frame, Hello>, nowMs: number): void {
    switch (frame.type) {
      case 'messages':
        for (const message of frame.messages) this.incoming.message(message)
        return
      case 'ack':
        return this.#acks(frame)
      case 'credit':
        if (frame.opening !== this.#opening) return
        this.outgoing.allow(frame.limitBytes)
        return this.#sink.soon()
      case 'control':
        return this.#numbered(frame.number, frame.control, nowMs)
    }
  }

  #acks({ opening, acks }: Extract<Frame, { type: 'ack' }>): void {
    if (opening !== this.#opening) return
    for (const { pair, seq, state } of acks) {
      const isKnown = pair === 0 ? this.#control.acked(seq) : this.outgoing.acked(pair, seq, state)
      if (!isKnown) this.#sink.count('ignored')
    }
    this.#sink.soon()
  }

  #numbered(number: number, control: Control, nowMs: number): void {
    this.#owesControlAck = true
    this.#sink.soon()
    if (number <= this.#controlReceived) return
    if (number !== this.#controlReceived + 1) throw badFrame(`control ${number} came after ${this.#controlReceived}`)
    this.#controlReceived = number
    this.#obey(control, nowMs)
  }

  #obey(control: Control, nowMs: number): void {
    switch (control.type) {
      case 'pair':
        return this.incoming.open(control)
      case 'close':
        return this.incoming.close(control.pair)
      case 'nack':
        return this.outgoing.nacked(control.pair, control.seq, control.code, control.retryMs, nowMs)
      case 'watch':
        return this.#serving.watch(control)
      case 'read':
        return this.#serving.read(control)
      case 'command':
        return this.#serving.command(control)
      case 'moved':
        return this.#moved(control, nowMs)
      case 'cancel':
        return this.#serving.cancel(control.id)
      default:
        if (!this.#answer(control)) this.#sink.count('ignored')
    }
  }

  #moved({ pair, taken, address }: Extract<Control, { type: 'moved' }>, nowMs: number): void {
    const found = this.outgoing.moved(pair, taken, nowMs)
    if (found === undefined) this.#sink.count('ignored')
    else this.#sink.moved(found.to, address, found.messages)
  }

  /** False where nobody asked for it. */
  #answer(control: Extract<Control, { type: 'reply' | 'down' | 'item' }>): boolean {
    if (control.type === 'down') return this.requests.down(control)
    if (control.type === 'item') return this.requests.item(control)
    const value = control.code === 'ok' ? this.#sink.decode(control.value) : undefined
    if (control.code !== 'ok') return this.outgoing.replied(control.ask, control.code, null)
    return this.outgoing.replied(control.ask, value === undefined ? 'invalid' : 'ok', value ?? null)
  }

  #takeHello(): Uint8Array {
    this.#owesHello = false
    const heard = this.#peer === undefined ? null : { ...this.#peer, limitBytes: this.incoming.takeLimit() }
    return encodeFrame({ type: 'hello', session: this.#session, opening: this.#opening, heard })
  }

  /** Controls first: a pair is announced before its first message, and a refusal told before acks that cover it. */
  #writeAll(nowMs: number, write: (body: Uint8Array) => boolean): void {
    if (!this.#writeControl(write) || !this.#writeAcks(write)) return
    this.outgoing.resume(nowMs)
    for (let messages = this.outgoing.fill(nowMs); messages.length > 0; messages = this.outgoing.fill(nowMs)) {
      const isAnnounced = this.#writeControl(write)
      if (!write(encodeFrame({ type: 'messages', messages })) || !isAnnounced) return
    }
  }

  /** All of them, in order; what the stream does not take now, waits with what follows. */
  #writeControl(write: (body: Uint8Array) => boolean): boolean {
    for (let body = this.#control.take(); body !== undefined; body = this.#control.take()) write(body)
    return this.#stuck.length === 0
  }

  #writeAcks(write: (body: Uint8Array) => boolean): boolean {
    const { opening } = this.#peer ?? { opening: 0 }
    if (this.#owesControlAck) {
      this.#owesControlAck = false
      if (!write(encodeFrame({ type: 'ack', opening, acks: [{ pair: 0, seq: this.#controlReceived, state: 0 }] })))
        return false
    }
    for (let acks = this.incoming.takeAcks(); acks.length > 0; acks = this.incoming.takeAcks()) {
      if (!write(encodeFrame({ type: 'ack', opening, acks }))) return false
    }
    return (
      !this.incoming.owesCredit ||
      write(encodeFrame({ type: 'credit', opening, limitBytes: this.incoming.takeLimit() }))
    )
  }
}

const openingOf = ({ session, opening }: Opening): Opening => ({ session: session.slice(), opening })
