import type { Block, Inspected, Page, Program, ProgramEvent, Refusal } from '@brume/actors/quorum'
import { concat, encode, equal, fromHex } from '@brume/codec'
import { type Identity, merkleRoot, SIGNATURE_BYTES } from '@brume/crypto'
import { decodeCall, encodeCall, isSigned, stateRootOf } from '@brume/protocols/quorum'
import { COMMAND_BYTES } from './plan.ts'

/** Longest the protocol admits, less a minute for clocks and queues. */
const EXPIRES_IN_MS = 240_000

/** Head of a CBOR byte string of 24 to 255 bytes, against that of an empty one. */
const HEAD_GROWTH_BYTES = 1

const EMPTY_ROOT = stateRootOf(0, merkleRoot([]))

/** Blocks whose statement waits for its certificate; what is older is given up. */
const UNATTESTED_MAX = 1_024

/** Orders commands and does nothing with them: what is measured is the order. Signatures are checked as always. */
export class NullProgram implements Program {
  readonly domain = 'brume/null-attest/1'
  readonly #attested: ((digest: string) => void) | null
  readonly #unattested = new Map<number, string>()
  #groupId: Uint8Array = new Uint8Array(0)
  #emit: (event: ProgramEvent) => void = () => {}

  /** @param attested - makes a statement of each block with commands, and hears when others have said the same */
  constructor(attested: ((digest: string) => void) | null = null) {
    this.#attested = attested
  }

  async open(
    { groupId }: { readonly groupId: Uint8Array },
    emit: (event: ProgramEvent) => void = () => {}
  ): Promise<number> {
    this.#groupId = groupId
    this.#emit = emit
    return 0
  }

  inspect(command: Uint8Array): Inspected | Refusal {
    const call = decodeCall(command)
    if (!equal(call.groupId, this.#groupId)) return { code: 'NOT_ADMITTED' }
    return isSigned(call) ? call : { code: 'BAD_SIGNATURE' }
  }

  validate(): boolean {
    return true
  }

  deliver({ height, digest, checkpoint, commands }: Block): void {
    const stateRoot = checkpoint ? EMPTY_ROOT : null
    const want = this.#attested !== null && commands.length > 0
    if (want) this.#unattested.set(height, digest)
    if (this.#unattested.size > UNATTESTED_MAX)
      for (const oldest of this.#unattested.keys().take(1)) this.#unattested.delete(oldest)
    const statement = want ? concat(this.#groupId, fromHex(digest)) : null
    this.#emit({ type: 'executed', height, digest, statement, want, stateRoot, leaves: 0, dueMs: null })
  }

  attested(height: number): void {
    const digest = this.#unattested.get(height)
    this.#unattested.delete(height)
    if (digest !== undefined) this.#attested?.(digest)
  }

  async page(_: number, page: number): Promise<Page | null> {
    return page === 0 ? { leaves: [], path: [] } : null
  }

  async restore(): Promise<boolean> {
    return true
  }

  async read(): Promise<null> {
    return null
  }
}

/** A client's commands, each the next of its session. */
export class Client {
  readonly #identity: Identity
  readonly #groupId: Uint8Array
  #session = 1
  #sequence = 0

  constructor(identity: Identity, groupId: Uint8Array) {
    this.#identity = identity
    this.#groupId = groupId
  }

  /** A signed command of `COMMAND_BYTES`. */
  next(): Uint8Array {
    this.#sequence += 1
    const place = { session: this.#session, sequence: this.#sequence, expiresMs: Date.now() + EXPIRES_IN_MS }
    const call = { groupId: this.#groupId, ...place }
    return encodeCall({ ...call, body: new Uint8Array(COMMAND_BYTES - this.#overheadBytes(call)) }, this.#identity)
  }

  /** After a command was lost the session cannot go on: whatever follows would wait for it. */
  renew(): void {
    this.#session += 1
    this.#sequence = 0
  }

  #overheadBytes({ session, sequence, expiresMs }: { session: number; sequence: number; expiresMs: number }): number {
    const fields = [1, this.#groupId, this.#identity.publicKey, session, sequence, expiresMs]
    const empty = encode([...fields, new Uint8Array(0), new Uint8Array(SIGNATURE_BYTES)])
    return empty.length + HEAD_GROWTH_BYTES
  }
}
