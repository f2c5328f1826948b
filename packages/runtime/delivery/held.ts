import type { Outbound, Refusal } from '../kernel/port.ts'
import type { Json } from '../logic/port.ts'
import { messageBytes } from './messages.ts'

/** A message from when it is given to a link until it is settled. */
export class Held {
  readonly source: Outbound
  readonly event: Uint8Array
  /** Names the reply; 0: none is wanted. */
  readonly ask: number
  readonly ttlMs: number
  readonly sinceMs: number
  /** What it takes of frames, queue and credit. */
  readonly bytes: number
  seq: number
  /** Given to a stream since the other side last lost its memory. */
  wasSent = false
  /** Out of its pair's queue: an ask that waits for its reply. */
  isDelivered = false
  isSettled = false
  #isCommitted = false

  constructor(source: Outbound, event: Uint8Array, ask: number, ttlMs: number, nowMs: number, seq: number) {
    this.source = source
    this.event = event
    this.ask = ask
    this.ttlMs = ttlMs
    this.sinceMs = nowMs
    this.seq = seq
    this.bytes = messageBytes({ ask, key: source.key, event })
  }

  get isDurable(): boolean {
    return this.source.durable !== null
  }

  /** Asked for by somebody who waits, or named by a key: kept until it is processed and durable there. */
  get needsCommit(): boolean {
    const { durable, key, committed, ask } = this.source
    return durable !== null || key !== null || ask || committed !== undefined
  }

  refuse(code: Refusal | 'unreachable'): void {
    if (this.isSettled) return
    this.isSettled = true
    this.source.refused?.(code)
  }

  /** Processed and durable there, told once; an ask goes on waiting. */
  commit(): void {
    this.isDelivered = true
    if (!this.source.ask) this.isSettled = true
    if (this.#isCommitted) return
    this.#isCommitted = true
    this.source.committed?.()
  }

  reply(value: Json): void {
    if (this.isSettled) return
    this.isSettled = true
    this.source.replied?.(value)
  }
}
