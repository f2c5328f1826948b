import type { Command } from '@brume/protocols/quorum'

/** What the order must know of a command; the rest is the program's. */
export interface Inspected {
  /** Ed25519 key, 32 bytes. */
  readonly client: Uint8Array
  readonly session: number
  /** From 1; a command takes effect only as the next of its session. */
  readonly sequence: number
  /** Group time, ms since 1970. */
  readonly expiresMs: number
}

export type RefusalCode = 'NOT_ADMITTED' | 'TOO_LARGE' | 'BAD_SIGNATURE' | 'MALFORMED'
export interface Refusal {
  readonly code: RefusalCode
}

/** A block that is final (or, in `speculate`, may still be revoked). */
export interface Block {
  readonly epoch: number
  readonly view: number
  readonly height: number
  /** Lower-case hex of 32 bytes. */
  readonly digest: string
  readonly leader: number
  /** Group time, ms since 1970; never less than the block before. */
  readonly timeMs: number
  /** Those that take effect, in order; `index` is the place in the payload. */
  readonly commands: readonly (Command & Inspected & { readonly index: number })[]
}

export type ProgramEvent =
  | { readonly type: 'executed'; readonly height: number }
  | { readonly type: 'failed'; readonly reason: string }

/**
 * What is replicated. The order needs nothing else from it, and no answer of the program decides a
 * finalize vote; the program knows nothing of views and votes.
 */
export interface Program {
  /** The height of its durable state: 0 = before the first block. Blocks above it are delivered anew. */
  open(
    group: { readonly groupId: Uint8Array; readonly program: Uint8Array },
    emit: (event: ProgramEvent) => void
  ): Promise<number>
  /** Form, signature, admission: synchronous, pure, equal on all members, under 1 ms. A throw counts as `MALFORMED`. */
  inspect(command: Uint8Array): Inspected | Refusal
  /** May this block follow? `nowMs` is the wall clock before an own vote, null for a block a quorum has notarized. */
  validate(block: {
    readonly height: number
    readonly parentMs: number
    readonly timeMs: number
    readonly nowMs: number | null
    readonly commands: readonly Uint8Array[]
  }): boolean
  speculate?(block: Block): void
  /** Every height once, in order, from the height of `open` + 1. */
  deliver(block: Block): void
}
