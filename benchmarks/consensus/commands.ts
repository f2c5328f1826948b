import type { Block, Inspected, Page, Program, ProgramEvent, Refusal } from '@brume/actors/quorum'
import { encode, equal } from '@brume/codec'
import { type Identity, merkleRoot, SIGNATURE_BYTES } from '@brume/crypto'
import { decodeCall, encodeCall, isSigned, stateRootOf } from '@brume/protocols/quorum'
import { COMMAND_BYTES } from './plan.ts'

/** Longest the protocol admits, less a minute for clocks and queues. */
const EXPIRES_IN_MS = 240_000

/** Head of a CBOR byte string of 24 to 255 bytes, against that of an empty one. */
const HEAD_GROWTH_BYTES = 1

const EMPTY_ROOT = stateRootOf(0, merkleRoot([]))

/** Orders commands and does nothing with them: what is measured is the order. Signatures are checked as always. */
export class NullProgram implements Program {
  readonly domain = 'brume/null-attest/1'
  #groupId: Uint8Array = new Uint8Array(0)
  #emit: (event: ProgramEvent) => void = () => {}

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

  deliver({ height, digest, checkpoint }: Block): void {
    const stateRoot = checkpoint ? EMPTY_ROOT : null
    this.#emit({ type: 'executed', height, digest, statement: null, want: false, stateRoot, leaves: 0, dueMs: null })
  }

  attested(): void {}

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
