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

/** A block that is final. */
export interface Block {
  readonly epoch: number
  readonly view: number
  readonly height: number
  /** Lower-case hex of 32 bytes, and that of the block before. */
  readonly digest: string
  readonly previous: string
  readonly leader: number
  /** Group time, ms since 1970; never less than the block before. */
  readonly timeMs: number
  /** The epoch's, 32 bytes: public all epoch, so for breaking ties and not for lotteries. */
  readonly seed: Uint8Array
  /** Keep the state after this block for `page`, and report its root and leaves. */
  readonly checkpoint: boolean
  /** Those that take effect, in order; `index` is the place in the payload. */
  readonly commands: readonly (Command & Inspected & { readonly index: number })[]
}

export type ProgramEvent =
  /** A block was executed; once for each digest, in the order of heights. */
  | {
      readonly type: 'executed'
      readonly height: number
      readonly digest: string
      /** What came of it, at most 1 KiB, to be signed; it must name group and block. Null: nothing to attest. */
      readonly statement: Uint8Array | null
      /** Assemble the certificate of the statement and hand it to `attested`. */
      readonly want: boolean
      /** `stateRootOf` the leaves after this block, 32 bytes; demanded where the block says `checkpoint`. */
      readonly stateRoot: Uint8Array | null
      readonly leaves: number
      /** Group time of the program's next timer, ms since 1970; null: none. */
      readonly dueMs: number | null
    }
  /** The program cannot go on. Its group goes on without it. */
  | { readonly type: 'failed'; readonly reason: string }

/** 256 leaves of at most 4 KiB each (of the last page fewer), and the audit path of their subtree (RFC 6962). */
export interface Page {
  readonly leaves: readonly Uint8Array[]
  readonly path: readonly Uint8Array[]
}

/** One leaf of a state, and its way to a root. */
export interface Leaf {
  readonly height: number
  readonly leaf: Uint8Array
  readonly index: number
  readonly count: number
  readonly path: readonly Uint8Array[]
  /** Of the block of that height: it contains the root. Null without `proof`, and where a checkpoint's certificate does. */
  readonly statement: Uint8Array | null
}

/** What a read is to be shown by: nothing, a statement where there is one of that height, or a certified checkpoint. */
export type ReadProof = boolean | 'checkpoint'

/** A state to be restored: what a quorum certified. */
export interface Target {
  readonly height: number
  /** 32 bytes. */
  readonly stateRoot: Uint8Array
  readonly leaves: number
}

/**
 * What is replicated. The order needs nothing else from it, and no answer of the program decides a
 * finalize vote; the program knows nothing of views and votes.
 */
export interface Program {
  /** Domain of its statements, `<name>/<purpose>/<version>`, at most 64 bytes, constant: no two programs share one. */
  readonly domain: string
  /**
   * The height of its durable state: 0 = before the first block. Blocks above it are delivered anew, or, where
   * they are gone, a checkpoint is restored. A program whose durable state is no older than the checkpoint before
   * the newest one needs no other member for that.
   *
   * @param group - the manifest as its bytes: `decodeManifest`
   */
  open(
    group: { readonly groupId: Uint8Array; readonly manifest: Uint8Array },
    emit: (event: ProgramEvent) => void
  ): Promise<number>
  /** Form, signature, admission: synchronous, pure, equal on all members, under 1 ms. A throw counts as `MALFORMED`. */
  inspect(command: Uint8Array): Inspected | Refusal
  /**
   * May this block follow? Synchronous and pure. `nowMs` is the wall clock before an own vote, null for a block a
   * quorum has notarized: then the answer depends on the payload alone.
   */
  validate(block: {
    readonly height: number
    readonly parentMs: number
    readonly timeMs: number
    readonly nowMs: number | null
    readonly commands: readonly Uint8Array[]
  }): boolean
  /** Every height once, in order, from the height of `open` or of `restore` + 1; at most 64 beyond the last `executed`. */
  deliver(block: Block): void
  /** The certificate that was wanted, verified. It proves the statement beside the finality of its block. */
  attested(height: number, certificate: Uint8Array): void
  /**
   * All checkpoints whose pages may be asked for from here on, oldest first, at most two: a quorum signed them, and one
   * that the program has come to had its root. Keep their states however old they get, and newer ones, of which one is
   * next; without this, those of all checkpoints. What is kept beyond a restart should be among them.
   */
  certified?(heights: readonly number[]): void
  /** A page of a kept checkpoint; null if that is not kept, or has no such page. Not called while halted. */
  page(height: number, page: number): Promise<Page | null>
  /**
   * Takes the pages of a checkpoint in order, checked against its root, and after the last one goes on from there.
   * Page 0 begins anew, whatever was before it, also after `failed`. False: unusable, or the root does not come out.
   */
  restore(to: Target, page: number, data: Page): Promise<boolean>
  /**
   * Leaves at these paths, all of one state: the newest executed and final one of at least that height, waited for.
   * Null if a path is absent. With `proof` of the newest such state that has a statement, or, where none has, of the
   * newest certified checkpoint of that height that is kept; `checkpoint` asks for that one alone, and does not wait.
   *
   * @param paths - 1 to 64 of at most 512 bytes; a final `*` stands for all with that prefix
   */
  read(paths: readonly string[], atLeast: number, proof: ReadProof): Promise<readonly Leaf[] | null>
}
