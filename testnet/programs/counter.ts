import type { Block, Inspected, Program, Refusal } from '@brume/actors/quorum'
import { asArray, asUint, decode, encode } from '@brume/codec'
import type { Identity } from '@brume/crypto'
import { decodeCall, encodeCall, isSigned } from '@brume/protocols/quorum'

/** Much less than a command may be: the counter's own is a word and a number. */
const BODY_BYTES_MAX = 1_024

export interface CounterState {
  readonly value: number
  readonly height: number
  /** Additions that took effect. */
  readonly count: number
}

/** A number that a group agrees on. In memory: a restarted member has it counted anew from the log. */
export class Counter implements Program {
  state: CounterState = { value: 0, height: 0, count: 0 }
  #groupId: Uint8Array = new Uint8Array(0)

  async open({ groupId }: { readonly groupId: Uint8Array }): Promise<number> {
    this.#groupId = groupId
    return this.state.height
  }

  inspect(command: Uint8Array): Inspected | Refusal {
    const call = decodeCall(command)
    readBody(call.body)
    if (Buffer.compare(call.groupId, this.#groupId) !== 0) return { code: 'NOT_ADMITTED' }
    return isSigned(call) ? call : { code: 'BAD_SIGNATURE' }
  }

  validate(): boolean {
    return true
  }

  deliver({ height, commands }: Block): void {
    const sum = commands.reduce((total, { bytes }) => total + readBody(decodeCall(bytes).body), 0)
    const { value, count } = this.state
    this.state = { value: value + sum, height, count: count + commands.length }
  }
}

/** `['add', amount, padding]`, canonical CBOR. */
function readBody(body: Uint8Array): number {
  const [, amount] = asArray(decode(body, { bytesMax: BODY_BYTES_MAX }), 'counter command', 3)
  return asUint(amount, 'amount', 1_000_000)
}

/** One client of a counter: its commands, each the next of its session. */
export class CounterClient {
  readonly #identity: Identity
  readonly #groupId: Uint8Array
  readonly #session: number
  #sequence = 0

  constructor(identity: Identity, groupId: Uint8Array, session: number) {
    this.#identity = identity
    this.#groupId = groupId
    this.#session = session
  }

  /**
   * A signed command.
   *
   * @param expiresMs - group time, at most 300 s ahead
   * @param paddingBytes - to make it as long as wanted
   */
  add(amount: number, expiresMs: number, paddingBytes = 0): Uint8Array {
    this.#sequence += 1
    const body = encode(['add', amount, new Uint8Array(paddingBytes)])
    const call = { groupId: this.#groupId, session: this.#session, sequence: this.#sequence, expiresMs, body }
    return encodeCall(call, this.#identity)
  }
}
